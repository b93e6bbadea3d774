"""Play the story through the real scan, one day's clock after another, so that the product draws its own trends.

The registry is switched off meanwhile: a worker that took part would stamp today's date on a day long past.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path
from urllib.parse import urlsplit

from django.db import connection

from compliance.models import ACTIVE, Registry, Scan
from compliance.services.close_days import close_days
from compliance.services.request_scan import cancel_scan
from compliance.services.run_scan_inline import run_scan_inline
from compliance.services.save_registry import RegistryValues, save_registry
from tests.support.demo.house_rules import keep_house_rules
from tests.support.demo.story import DAYS, Story, apply
from tests.support.demo.work import begin_company, go_to_work
from tests.support.oci_layout import OciLayout

NAME = "Demo"
USERNAME = PASSWORD = "demo"
POLICY = "kubernetes"
SCAN_AT = time_of_day(9, 0)
PROTECTED = ("prod",)
_AT_WORK = timedelta(hours=2)
"""How long after the scan people do what they do."""

_SECONDS_TO_ANSWER = 30.0

Clock = Callable[[], datetime]
Say = Callable[[str], object]


class ReplayFailed(Exception):
    """A day could not be scanned; the message says which and why."""


@dataclass(slots=True)
class Progress:
    """How far a folder has got, kept beside its layout: the story ends on the day it was first told to end."""

    file: Path
    last_day: date
    played: int = 0

    @classmethod
    def of(cls, folder: Path, today: date) -> Progress:
        file = folder / "story.json"
        if not file.exists():
            return cls(file, today)
        kept = json.loads(file.read_text())
        return cls(file, date.fromisoformat(kept["last_day"]), kept["played"])

    def write(self) -> None:
        self.file.write_text(json.dumps({"last_day": self.last_day.isoformat(), "played": self.played}) + "\n")


def demo_registry(url: str, now: datetime) -> Registry:
    """The demo's row, added when it is not there."""
    known = Registry.objects.filter(url=url).first()
    values = RegistryValues(
        NAME,
        url,
        POLICY,
        username=USERNAME,
        password=PASSWORD,
        allow_private=True,
        protected_tags=PROTECTED,
        enabled=False,
    )
    return known or save_registry(values, now=now)


def find_registry(name: str) -> Registry:
    """The row of that name.

    :raises ReplayFailed: when nobody has added it.
    """
    row = Registry.objects.filter(name=name).first()
    if row is None:
        raise ReplayFailed(f"There is no registry named {name}: manage.py add_registry")
    return row


def replay(
    folder: Path, registry: Registry, *, days: int = DAYS, clock: Clock, say: Say, tell: Callable[[date], Story] = Story
) -> None:
    """Play the last ``days`` days that were not played yet; everything before them comes at once with the first.

    :raises ReplayFailed: when a scan did not end well; what was played stays, and the next call goes on from there.
    """
    today = clock().date()
    progress = Progress.of(folder, today)
    if progress.played and not Scan.objects.filter(registry=registry, state="done").exists():
        progress = Progress(progress.file, today)  # another database, which has seen none of it
    if progress.played >= DAYS:
        say("The story was played before.")
        return
    layout, story = OciLayout(folder), tell(progress.last_day)
    if not progress.played:
        layout.clear()
    _wait_for(registry.url)
    with connection.cursor() as cursor:
        # Thousands of small commits, of which a power cut may take the last second: no day waits for the disk.
        cursor.execute("SET synchronous_commit TO off")
    Registry.objects.filter(pk=registry.pk).update(enabled=False, next_scan_at=None)
    for unfinished in Scan.objects.filter(registry=registry, state__in=ACTIVE):  # of a replay that was killed
        cancel_scan(unfinished.pk, now=clock())
    try:
        for day in range(progress.played + 1, DAYS + 1):
            apply(layout, story.changes_on(day))
            if day > DAYS - days:
                _play_day(registry, story, day, clock, say)
            progress.played = day
            progress.write()
    finally:
        due = clock() + timedelta(minutes=registry.interval_minutes)
        Registry.objects.filter(pk=registry.pk).update(enabled=True, next_scan_at=due)


def _play_day(registry: Registry, story: Story, day: int, clock: Clock, say: Say) -> None:
    began = time.monotonic()
    nine = datetime.combine(story.date_of(day), SCAN_AT, UTC)
    moment = clock if day == story.days else lambda: nine
    close_days(moment())
    keep_house_rules(registry, day, now=moment())
    begin_company(registry, now=moment())
    scan = run_scan_inline(registry, clock=moment, trigger=Scan.Trigger.SCHEDULE)
    if scan.state != "done" or scan.repositories_failed:
        raise ReplayFailed(f"{story.date_of(day)}: {scan.state}, {scan.problem_message or 'see the page of the scan'}")
    go_to_work(registry, day, now=clock() if day == story.days else nine + _AT_WORK)
    say(
        f"{story.date_of(day)}  {scan.repositories_total} repositories, {scan.tags_total} tags, "
        f"{scan.images_new} new images, {scan.requests} requests, {time.monotonic() - began:.1f} s"
    )


def _wait_for(url: str) -> None:
    parts = urlsplit(url)
    give_up = time.monotonic() + _SECONDS_TO_ANSWER
    while True:
        try:
            socket.create_connection((parts.hostname or "", parts.port or 80), timeout=1).close()
        except OSError as problem:
            if time.monotonic() > give_up:
                raise ReplayFailed(f"{url} does not answer: {problem}") from problem
            time.sleep(0.1)
        else:
            return
