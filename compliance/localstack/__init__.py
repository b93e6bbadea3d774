"""Embedded Postgres and Valkey for a machine that has neither: for `make run` and the tests, not for production.

    with LocalStack(Path(".local/stack")) as addresses:
        addresses.database_url, addresses.redis_url

How it holds together
---------------------
One small process of its own, the *keeper*, is the parent of both servers. Everybody who uses a stack holds a shared
lock on one file; the keeper waits for the exclusive lock on the same file, and gets it when the last user is gone, no
matter how that user went: the kernel drops the lock of a process that was killed. So nothing has to be counted, and
nothing is left running after a crash. The rest is in the state file: pids with their start times, ports, addresses.

Nothing here imports Django: the servers come before the settings.
"""

from compliance.localstack.problems import LocalStackError
from compliance.localstack.stack import Addresses, LocalStack

__all__ = ["Addresses", "LocalStack", "LocalStackError"]
