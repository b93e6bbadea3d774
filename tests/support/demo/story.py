"""Sixty days of pushes: the same story on every run, ending on the day it is told to end.

Day 1 brings everything that was there before; the last day is today. Each day's pushes were made the afternoon before,
so that no image is newer than the scan that finds it.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from tests.support.artifacts import helm_chart, signature, signature_tag
from tests.support.demo.appliance import encrypted, said_twice
from tests.support.demo.articles import article_images, redis
from tests.support.demo.catalog import SERVICES
from tests.support.demo.mistakes import RECIPES, REPOSITORY
from tests.support.demo.services import Service, build, habit_on, version_of
from tests.support.images import Stored, index
from tests.support.oci_layout import OciLayout

DAYS = 60
_PROMOTION_DAYS = 3
_DAYS_PER_LESSON = 4
_CHARTS = (
    ("charts/storefront", ((1, "7.0.0"), (23, "7.1.0"), (47, "8.0.0"))),
    ("charts/auth", ((1, "6.1.0"), (38, "6.2.0"))),
)


@dataclass(frozen=True, slots=True)
class Push:
    """``repository:tag`` now points to ``image``."""

    repository: str
    tag: str
    image: Stored = field(repr=False)


@dataclass(frozen=True, slots=True)
class Removal:
    """The tag is deleted, or the whole repository where ``tag`` is None."""

    repository: str
    tag: str | None = None


Change = Push | Removal


class Story:
    """What happens on each day, counted from 1 to ``days``, which is ``last_day``.

    :param only: tell of these services and of nothing else, for tests that want a short story.
    """

    def __init__(self, last_day: date, days: int = DAYS, only: Sequence[Service] = ()) -> None:
        self.last_day = last_day
        self.days = days
        self._changes: dict[int, list[Change]] = defaultdict(list)
        self._built: dict[tuple[str, int], Stored] = {}
        for service in only or SERVICES:
            self._tell(service)
        if not only:
            self._tell_articles()
            self._tell_of_vendors()
            self._tell_of_charts()
            self._tell_of_mistakes()

    def date_of(self, day: int) -> date:
        return self.last_day - timedelta(days=self.days - day)

    def changes_on(self, day: int) -> list[Change]:
        """What was pushed and deleted since the day before, in order."""
        return self._changes[day]

    def _add(self, day: int, change: Change) -> None:
        self._changes[max(1, day)].append(change)

    def _afternoon_before(self, day: int, seed: str) -> datetime:
        minutes = random.Random(f"{seed} {day}").randrange(12 * 60, 19 * 60)
        return datetime.combine(self.date_of(day) - timedelta(days=1), time(), UTC) + timedelta(minutes=minutes)

    def _tell(self, service: Service) -> None:
        last = min(self.days, (service.dies or self.days + 1) - 1)
        kept: list[str] = []
        for number, day in enumerate(release_days(service, last)):
            self._release(service, number, day, kept)
            if service.promoted and day + _PROMOTION_DAYS <= last:
                self._promote(service, number, day)
        for day, habit in service.rebuilt:
            number = sum(released <= day for released in release_days(service, last)) - 1
            again = build(service, number, habit, None, self._afternoon_before(day, service.repository))
            for tag in (version_of(service, number), "latest"):
                self._add(day, Push(service.repository, tag, again))
        for day in service.swept:
            self._sweep(service, day, release_days(service, last))
        if service.dies is not None and service.dies <= self.days:
            self._add(service.dies, Removal(service.repository))

    def _sweep(self, service: Service, day: int, released: Sequence[int]) -> None:
        """Build the kept versions again that were built in another way than one builds that day."""
        ways = (habit_on(day, service.habits), habit_on(day, service.arm) if service.arm else None)
        versions = [(number, when) for number, when in enumerate(released) if when <= day][-service.keep :]
        for number, when in versions:
            was = (habit_on(when, service.habits), habit_on(when, service.arm) if service.arm else None)
            if was != ways:
                moment = self._afternoon_before(day, service.repository)
                self._add(
                    day, Push(service.repository, version_of(service, number), build(service, number, *ways, moment))
                )

    def _image(self, service: Service, number: int, day: int) -> Stored:
        key = (service.repository, number)
        if key not in self._built:
            arm = habit_on(day, service.arm) if service.arm else None
            moment = self._afternoon_before(day, service.repository)
            self._built[key] = build(service, number, habit_on(day, service.habits), arm, moment)
        return self._built[key]

    def _release(self, service: Service, number: int, day: int, kept: list[str]) -> None:
        image, version = self._image(service, number, day), version_of(service, number)
        for tag in (version, "latest"):
            self._add(day, Push(service.repository, tag, image))
        if service.signed:
            self._add(day, Push(service.repository, signature_tag(image), signature(image)))
        kept.append(version)
        if len(kept) > service.keep:
            self._add(day, Removal(service.repository, kept.pop(0)))

    def _promote(self, service: Service, number: int, day: int) -> None:
        later = day + _PROMOTION_DAYS
        self._add(later, Push(service.repository, "prod", self._image(service, number, day)))

    def _tell_articles(self) -> None:
        images = article_images()
        for name, stored in images.items():
            repository, _, tag = name.partition(":")
            self._add(1, Push(repository, tag, stored))
        for day, state in ((1, "before"), (28, "gid-0"), (42, "uid-1001")):
            self._add(day, Push("articles/ipython", "latest", images[f"articles/ipython:{state}"]))
        for day, state in ((1, "named"), (20, "remapped"), (34, "numeric")):
            self._add(day, Push("articles/best-practices", "latest", images[f"articles/best-practices:{state}"]))
        both = index([images["articles/redis:user-9000"], redis("", platform="linux/arm64")])
        self._add(1, Push("articles/redis", "multi", both))

    def _tell_of_vendors(self) -> None:
        for day, tag, image in ((1, "2.9", said_twice()), (1, "3.0", encrypted("3.0")), (31, "3.1", encrypted("3.1"))):
            self._add(day, Push("vendor/appliance", tag, image))

    def _tell_of_mistakes(self) -> None:
        for lesson, (tag, recipe) in enumerate(RECIPES.items()):
            day = 1 + lesson * _DAYS_PER_LESSON
            self._add(day, Push(REPOSITORY, tag, recipe.build(self._afternoon_before(day, tag))))

    def _tell_of_charts(self) -> None:
        for repository, versions in _CHARTS:
            for day, version in versions:
                self._add(day, Push(repository, version, helm_chart(repository.rpartition("/")[2], version)))


def release_days(service: Service, last: int) -> list[int]:
    """The days on which a service was released, oldest first; those below 1 were before the story."""
    dice = random.Random(service.repository)
    gaps = [max(1, round(dice.gauss(service.every, service.every / 3))) for _ in range(DAYS)]
    first = service.born if service.before == 0 else dice.randint(2, 5)
    earlier = [first - round(service.every * (n + 1)) - 4 for n in range(service.before)]
    days = sorted(earlier)
    day = first
    for gap in gaps:
        if day > last:
            break
        days.append(day)
        day += gap
    return days


def apply(layout: OciLayout, changes: Iterable[Change]) -> None:
    """Make a day's changes in one go, as readers of the layout see it."""
    with layout.together():
        for change in changes:
            if isinstance(change, Push):
                layout.tag(change.repository, change.tag, change.image)
            elif change.tag is None:
                layout.delete_repository(change.repository)
            else:
                layout.untag(change.repository, change.tag)
