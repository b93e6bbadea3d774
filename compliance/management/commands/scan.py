"""Scan registries: `manage.py scan [NAME] [--wait] [--json]`."""

from __future__ import annotations

import gc
import json
import multiprocessing
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import connection, connections
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from compliance.models import Registry, Scan
from compliance.queries.scan_outcome import scan_outcome, verdicts_in_words
from compliance.services.request_scan import request_scan
from compliance.services.work_here import work_here
from compliance.tasks.wake import wake

_POLL_SECONDS = 0.3
_IDLE_SECONDS = 0.1
"""How long a process waits that finds nothing to do: at the beginning, until another has listed the repositories."""


class Command(BaseCommand):
    """With ``--wait`` this process works too, so that it ends even where no worker runs."""

    help = "Scan one registry, or all enabled ones. Exit status 0: every scan ended well."

    def add_arguments(self, parser: CommandParser) -> None:
        """See the contract in the documentation of the command line."""
        parser.add_argument("name", nargs="?", help="the registry's name; default: all that are enabled")
        parser.add_argument("--wait", action="store_true", help="work on it here as well, and wait for the end")
        parser.add_argument("--json", action="store_true", dest="as_json", help="print one JSON object")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Request, perhaps wait, print."""
        registries = _registries(options["name"])
        scan_ids = [request_scan(registry, trigger=Scan.Trigger.COMMAND, now=timezone.now()) for registry in registries]
        for scan_id in scan_ids:
            wake(scan_id)
        if options["wait"]:
            _wait(scan_ids, quiet=options["as_json"])
        outcome = scan_outcome(scan_ids)
        if options["as_json"]:
            self.stdout.write(json.dumps(outcome, indent=2))
        else:
            for scan in outcome["scans"]:
                self.stdout.write(_sentence(scan, waited=options["wait"]))
        if options["wait"] and not outcome["ended_well"]:
            sys.exit(1)


def _registries(name: str | None) -> list[Registry]:
    if name is None:
        return _enabled()
    found = Registry.objects.filter(name=name).first() or Registry.objects.filter(slug=name).first()
    if found is None:
        raise CommandError(f"There is no registry named {name!r}. Add it: manage.py add_registry {name} URL")
    return [found]


def _enabled() -> list[Registry]:
    """A scan of nothing would end well and prove nothing, so it is an error."""
    found = list(Registry.objects.filter(enabled=True))
    if found:
        return found
    if Registry.objects.exists():
        raise CommandError("No registry is scanned on schedule. Name the one to scan: manage.py scan NAME")
    raise CommandError("There is no registry to scan. Add one: manage.py add_registry NAME URL")


def _wait(scan_ids: Sequence[int], *, quiet: bool) -> None:
    ended = threading.Event()
    failure: list[Exception] = []

    def work() -> None:
        try:
            _work_on(scan_ids, ended)
        except Exception as error:  # told to whoever waits; the rows stay for the next worker
            failure.append(error)
        finally:
            ended.set()
            connection.close()  # this thread's own

    with _more_workers(scan_ids):
        threading.Thread(target=work, name="scan", daemon=True).start()
        if quiet or not sys.stderr.isatty():
            ended.wait()
        else:
            _show_progress(scan_ids, ended)
    if failure:
        raise CommandError(f"The scan broke off: {failure[0]!r}") from failure[0]


def _work_on(scan_ids: Sequence[int], ended: threading.Event) -> None:
    work_here(scan_ids, clock=timezone.now, pause=lambda: ended.wait(_IDLE_SECONDS))


@contextmanager
def _more_workers(scan_ids: Sequence[int]) -> Iterator[None]:
    """Processes beside this one: while rows are written here, they read; threads would wait for each other.

    Nothing depends on them. What one of them leaves undone, another worker finds when its leases have run out.
    """
    more = settings.SCAN_WORKERS - 1
    # A fork takes no other thread along, but every lock one of them holds.
    if more <= 0 or threading.active_count() > 1:
        yield
        return
    connections.close_all()  # a connection must not be used on both sides of a fork
    gc.freeze()  # what is loaded by now stays: neither process is to look through it for garbage, nor to copy it
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_work_on, args=(scan_ids, threading.Event()), daemon=True) for _ in range(more)]
    for process in processes:
        process.start()
    yield
    for process in processes:
        process.join(_POLL_SECONDS)
        process.terminate()
        process.join()


def _show_progress(scan_ids: Sequence[int], ended: threading.Event) -> None:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("repositories"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        bars = {pk: progress.add_task("listing", total=None) for pk in scan_ids}
        while not ended.wait(_POLL_SECONDS):
            for scan in Scan.objects.filter(pk__in=scan_ids).select_related("registry"):
                total = scan.repositories_total if scan.listed_at else None
                label = f"{scan.registry.name}: {scan.tags_done} of {scan.tags_total} tags"
                progress.update(bars[scan.pk], total=total, completed=scan.repositories_done, description=label)


def _sentence(scan: dict[str, Any], *, waited: bool) -> str:
    if not waited:
        return f"{scan['registry']}: scan {scan['id']} is {scan['state']}."
    lines = [
        f"{scan['registry']}: {scan['state']} in {scan['seconds']:.1f} s, {scan['requests']} requests, "
        f"{scan['bytes'] / 1e6:.1f} MB",
        f"  {scan['repositories']} repositories, {scan['tags']} tags: {verdicts_in_words(scan)}",
        f"  {scan['images_new']} new images, {scan['layers_indexed']} layers indexed, {scan['new']} new failures, "
        f"{scan['fixed']} fixed",
    ]
    if scan["problem"]:
        lines.append(f"  {scan['problem']['message']}. {scan['problem']['remedy']}".rstrip())
    for error in scan["errors"]:
        where = error["repository"] or "listing"
        lines.append(f"  {error['count']} × {error['code']} in {where}: {error['message']}")
    return "\n".join(lines)
