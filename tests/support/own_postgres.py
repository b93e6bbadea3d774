"""A Postgres of a test's own, which it may stop without a word and start again on the same port and data."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.core.management import call_command
from django.db import connection

from compliance.localstack.postgres import Postgres, RunningPostgres


@dataclass(slots=True)
class OwnPostgres:
    """What this process and the programs it starts use as the database meanwhile."""

    server: Postgres
    now: RunningPostgres

    def stop(self) -> None:
        """As ``pg_ctl stop -m immediate`` does: nothing is finished, nothing is written down."""
        self.now.process.send_signal(signal.SIGQUIT)
        self.now.process.wait(60)

    def start(self) -> None:
        """Again."""
        self.now = self.server.start(self.now.port)


@contextmanager
def own_postgres(folder: Path) -> Iterator[OwnPostgres]:
    """With the product's tables; durable, because what was promised is counted afterwards."""
    folder.mkdir()
    server = Postgres(folder, fast=False)
    found = OwnPostgres(server, server.start())
    address = urlsplit(found.now.url)
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(
        HOST=address.hostname,
        PORT=address.port,
        USER=address.username,
        PASSWORD=address.password,
        NAME=address.path.lstrip("/"),
    )
    try:
        call_command("migrate", verbosity=0)
        yield found
    finally:
        connection.close()
        connection.settings_dict.update(before)
        found.stop()
