"""Run everything on this machine in the foreground: `manage.py up`.

By the time this runs, `manage.py` has completed the environment from the local stack (compliance/localstack).
"""

from __future__ import annotations

import os
import secrets
import socket
import sys
from argparse import ArgumentParser
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management import BaseCommand, CommandError, call_command
from django.db import DatabaseError, connection
from django.utils import timezone

from compliance.localstack.environment import LOCAL
from compliance.localstack.ports import free_port
from compliance.localstack.stack import ROOT
from compliance.localstack.supervisor import Child, Supervisor
from compliance.models import Registry, Scan, User
from compliance.queries.scan_outcome import scan_outcome, verdicts_in_words

MANAGE = ROOT / "manage.py"
DEMO = "Demo"
ADMIN = "admin"
LOGGING = ("LOG_JSON", "LOG_LEVEL")


class Command(BaseCommand):
    """Web, worker and beat under one supervisor."""

    help = "Run web, worker and beat in the foreground, on this machine's own Postgres and Valkey if none are named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--concurrency", type=int, default=2, help="worker processes")
        parser.add_argument("--registry", metavar="URL", help="add this registry and scan it")
        parser.add_argument("--demo", action="store_true", dest="demo", help="open and scan a registry of examples")
        parser.add_argument("--no-demo", action="store_false", dest="demo")

    def handle(self, *_: Any, **options: Any) -> None:
        """Prepare the database, start the children, tell where to look, and stay until told to stop."""
        _require_free(options["port"])
        call_command("prepare", stdout=self.stdout)
        call_command("collectstatic", interactive=False, verbosity=0)
        login = self._login()
        children = servers(options["port"], options["concurrency"], after="demo" if options["demo"] else "")
        scanned_by = {"demo": DEMO}
        if options["registry"]:
            scanned_by["scan"] = add_registry(options["registry"])
            children.append(_scan_of(scanned_by["scan"]))
        if options["demo"]:
            children += _demo()
        connection.close()  # the children have their own
        words = f"\nPlimsoll is at http://localhost:{options['port']}/\n{login}\nCtrl-C stops everything.\n\n"

        def tell_what_was_scanned(child: str, seconds: float) -> None:
            # The address again, because what the scan has said pushed it off the screen.
            told = outcome_in_words(scanned_by[child], seconds)
            self._say(f"\n{told}\n{words if _listens(options['port']) else ''}")

        Supervisor(children, self._say).run(
            lambda: _listens(options["port"]), lambda: self._say(words), tell_what_was_scanned
        )

    def _login(self) -> str:
        password = make_first_admin()
        if password:
            return f"Log in as {ADMIN} with the password {password} (shown this once)."
        return f"Log in as before; forgotten? {sys.executable} manage.py changepassword {ADMIN}"

    def _say(self, words: str) -> None:
        self.stdout.write(words, ending="")
        self.stdout.flush()


def make_first_admin() -> str | None:
    """Make an administrator with a random password, and return it, unless there is an administrator."""
    if User.objects.filter(is_superuser=True).exists():
        return None
    password = secrets.token_urlsafe(12)
    User.objects.create_superuser(ADMIN, password=password)
    return password


def outcome_in_words(name: str, seconds: float) -> str:
    """Return what the registry's last scan found, in one sentence; `seconds` is how long all its scans took."""
    try:
        last = Scan.objects.filter(registry__name=name).order_by("pk").last()
        if last is None:
            return f"{name} was not scanned."
        (scan,) = scan_outcome([last.pk])["scans"]
    except DatabaseError as error:
        # A database that is just coming back must not take the whole of `up` with it.
        return f"{name}: the outcome cannot be read now ({error})."
    finally:
        connection.close()
    how = "Scanned" if scan["ended_well"] else "Not wholly scanned (see above):"
    # The demo is played once: at the next start there is nothing to scan, and nothing that took time.
    just_now = last.requested_at >= timezone.now() - timedelta(seconds=seconds)
    when = f"in {seconds:.1f} s" if just_now else f"before, at {last.requested_at:%Y-%m-%d %H:%M} UTC"
    return f"{how} {name} {when}: {scan['repositories']} repositories, {scan['tags']} tags: {verdicts_in_words(scan)}."


def add_registry(url: str) -> str:
    """Return the name of the registry with this address, which is added when nobody has."""
    parts = urlsplit(url if "://" in url else f"https://{url}")
    origin = f"{parts.scheme}://{parts.netloc}"
    known = Registry.objects.filter(url=origin).values_list("name", flat=True).first()
    if known:
        return known
    call_command("add_registry", parts.netloc, origin)
    return parts.netloc


def _require_free(port: int) -> None:
    if _listens(port):
        raise CommandError(f"Something else listens on port {port}. Choose another: make run PORT={port + 1}")


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def servers(port: int, concurrency: int, *, after: str = "", folder: Path = LOCAL) -> list[Child]:
    """Return web, beat and worker; the last two wait for `after`, and beat keeps its file in `folder`."""
    # The demo plays days long past: a worker or a tick that took part would stamp today's date on them.
    calm = {"LOG_JSON": "false", "LOG_LEVEL": "WARNING"} | {k: os.environ[k] for k in LOGGING if k in os.environ}
    # Root is what a container or a fresh virtual machine has; Celery's page of warning would hide the address.
    calm |= {"PYTHONWARNINGS": "ignore::UserWarning:celery.platforms"}
    celery = [sys.executable, "-m", "celery", "--quiet", "--app", "compliance.project"]
    web = [sys.executable, "-m", "gunicorn", "compliance.project.wsgi", "--bind", f"127.0.0.1:{port}"]
    web += ["--worker-class", "gthread", "--workers", "2", "--threads", "4", "--log-level", "warning"]
    beat_file = folder / f"beat-{port}"  # of its own, so that two may run
    beat = [*celery, "beat", "--schedule", str(beat_file), "--pidfile=", "--loglevel", "WARNING"]
    worker = [*celery, "worker", "--queues", "celery,heavy", "--concurrency", str(concurrency), "--loglevel", "WARNING"]
    return [
        Child("web", web, calm),
        Child("beat", beat, calm, after=after),
        Child("worker", worker, calm, after=after),
    ]


def _scan_of(name: str) -> Child:
    return Child("scan", [sys.executable, str(MANAGE), "scan", name, "--wait"], once=True)


def _demo() -> list[Child]:
    """Serve the demo registry on the port it had before, and play the days that were not played yet."""
    port = _demo_port()
    demo = [sys.executable, "-m", "tests.support.demo"]
    return [
        Child("registry", [*demo, "serve", "--folder", str(LOCAL / "demo"), "--port", str(port)]),
        Child("demo", [*demo, "replay", "--registry-url", f"http://127.0.0.1:{port}"], once=True),
    ]


def _demo_port() -> int:
    # The address is in the database: it must be the same tomorrow.
    known = Registry.objects.filter(name=DEMO).values_list("url", flat=True).first()
    return (urlsplit(known).port if known else None) or free_port()
