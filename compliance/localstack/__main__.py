"""`python -m compliance.localstack start | stop | status | env | run -- COMMAND`."""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from compliance.localstack.environment import ADDRESSES, LOCAL, LocalEnvironment, new_credential_key
from compliance.localstack.problems import LocalStackError
from compliance.localstack.stack import LocalStack


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 is good, 1 is not running, 2 is could not start."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.do(options))
    except LocalStackError as error:
        sys.stderr.write(f"{error}\n")
        return 2


def start(options: argparse.Namespace) -> int:
    environment = LocalEnvironment(options.folder, given={})
    environment.complete(stay=True)
    return status(options)


def stop(options: argparse.Namespace) -> int:
    environment = LocalEnvironment(options.folder)
    ran = environment.stack.stop()
    environment.forget_addresses()
    sys.stdout.write("stopped\n" if ran else "was not running\n")
    return 0


def status(options: argparse.Namespace) -> int:
    addresses = LocalEnvironment(options.folder).stack.status()
    if addresses is None:
        sys.stdout.write("not running\n")
        return 1
    # Without the passwords: this is printed on terminals and into logs.
    named = {"Postgres": addresses.database_url, "Valkey": addresses.redis_url}
    places = [f"{name} at {url.rpartition('@')[2]}" for name, url in named.items() if url]
    sys.stdout.write(f"running: {', '.join(places)}\n")
    return 0


def env(options: argparse.Namespace) -> int:
    """Print lines for `eval`, keys and passwords included."""
    environment = LocalEnvironment(options.folder, given={})
    if environment.stack.status() is None:
        sys.stderr.write("not running; start it: python -m compliance.localstack start\n")
        return 1
    for name, value in environment.complete().items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    environment.leave()
    return 0


def run(options: argparse.Namespace) -> int:
    """Run a command with everything in its environment, then leave the servers."""
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        sys.stderr.write("run: name a command\n")
        return 2
    if options.temporary:
        stack = LocalStack(Path(tempfile.mkdtemp(prefix="plimsoll-")), fast=True, temporary=True)
        keys = {"SECRET_KEY": "only-for-tests-" * 4, "PLIMSOLL_CREDENTIAL_KEYS": new_credential_key()}
        with stack as addresses:
            return _call(command, {**keys, **os.environ, **addresses.environment})
    environment = LocalEnvironment(options.folder)
    try:
        return _call(command, {**os.environ, **environment.complete()})
    finally:
        environment.leave()


def _call(command: list[str], environment: dict[str, str]) -> int:
    child = subprocess.Popen(command, env=environment)
    # Ctrl-C reaches the child by itself; what reaches only us is passed on.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    ended = child.wait()
    return ended if ended >= 0 else 128 - ended


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m compliance.localstack", description=__doc__)
    parser.add_argument("--folder", type=Path, default=LOCAL, help="where keys and data are kept")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for do, words in (
        (start, "start the servers and let them run"),
        (stop, "stop them"),
        (status, f"tell whether they run; {' and '.join(ADDRESSES)} stay secret"),
        (env, "print the environment for a shell to eval"),
    ):
        commands.add_parser(do.__name__, help=words).set_defaults(do=do)
    running = commands.add_parser("run", help="run a command with the servers, then stop them")
    running.add_argument("--temporary", action="store_true", help="fresh, fast servers that leave nothing behind")
    running.add_argument("command", nargs=argparse.REMAINDER)
    running.set_defaults(do=run)
    return parser


if __name__ == "__main__":
    sys.exit(main())
