"""What people of the demo do to findings and waivers, through the services that the pages call, with a day's clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from compliance.models import Finding, Registry, Repository, Team, User, Waiver
from compliance.models.finding import FindingQuerySet
from compliance.remediation.change import Assign, Change, Comment, SetDue, SetStatus
from compliance.remediation.status import Status
from compliance.remediation.waiver import WaiverScope
from compliance.services.change_findings import change_findings
from compliance.services.claim_repositories import give_repositories
from compliance.services.decide_waiver import revoke_waiver
from compliance.services.set_baseline import set_baseline
from compliance.services.write_waiver import Draft, WaiverRefused, write_waiver


@dataclass(frozen=True, slots=True)
class Desk:
    """One day at work."""

    registry: Registry
    now: datetime

    def person(self, name: str) -> User:
        """Somebody, with the rights of today."""
        return User.objects.get(username=name)

    def repository(self, name: str) -> Repository | None:
        """A repository of the demo, where this story has it."""
        return Repository.objects.filter(registry=self.registry, name=name).first()

    def findings(self, repositories: str, rules: tuple[str, ...] = ()) -> FindingQuerySet:
        """Those to do in one repository, or in all below ``name/``."""
        found = Finding.objects.to_do().filter(repository__registry=self.registry)
        below = repositories.endswith("/")
        found = found.filter(**{"repository__name__startswith" if below else "repository__name": repositories})
        return found.filter(rule__in=rules) if rules else found


Deed = Callable[[Desk, str], object]
"""Something that somebody, by name, does."""


def give(repositories: str, *rules: str, to: str) -> Deed:
    """Assign findings."""
    return lambda desk, by: _change(desk, by, desk.findings(repositories, rules), Assign(desk.person(to).pk))


def say(repositories: str, *rules: str, text: str) -> Deed:
    """Comment."""
    return lambda desk, by: _change(desk, by, desk.findings(repositories, rules), Comment(text))


def put(repositories: str, *rules: str, status: Status, reason: str = "") -> Deed:
    """Set a status."""
    return lambda desk, by: _change(desk, by, desk.findings(repositories, rules), SetStatus(status, reason))


def promise(repositories: str, *rules: str, days: int, reason: str) -> Deed:
    """Set a due date by hand."""

    def change(desk: Desk, by: str) -> object:
        return _change(desk, by, desk.findings(repositories, rules), SetDue(desk.now + timedelta(days=days), reason))

    return change


def look_through(repositories: str) -> Deed:
    """Take what is new to one's notice: it is open then."""

    def change(desk: Desk, by: str) -> object:
        return _change(desk, by, desk.findings(repositories).filter(status="new"), SetStatus(Status.OPEN))

    return change


def know(repository: str) -> Deed:
    """Set the baseline of a repository."""

    def change(desk: Desk, by: str) -> object:
        row = desk.repository(repository)
        return row and set_baseline(row.pk, by=desk.person(by), now=desk.now)

    return change


def claim(repository: str, team: str) -> Deed:
    """Take over a repository that nobody owns."""

    def change(desk: Desk, by: str) -> object:
        rows = Repository.objects.filter(registry=desk.registry, name=repository)
        return give_repositories(rows, Team.objects.get(name=team), by=desk.person(by), now=desk.now)

    return change


@dataclass(frozen=True, slots=True)
class Wish:
    """A waiver that somebody writes, which counts for so many days."""

    title: str
    rule: str
    repository: str
    reason: str
    explanation: str
    days: int
    team: str = ""
    control: str = ""


def waive(wish: Wish) -> Deed:
    """Write a waiver; nobody writes the same one twice, nor one that covers nothing in a shorter story."""

    def write(desk: Desk, by: str) -> object:
        if Waiver.objects.filter(title=wish.title).exists():
            return None
        team = Team.objects.get(name=wish.team).pk if wish.team else None
        author = desk.person(by)
        draft = Draft(
            title=wish.title,
            scope=WaiverScope(wish.rule, desk.registry.pk, wish.repository, team_id=team),
            reason=wish.reason,
            explanation=wish.explanation,
            control=wish.control,
            owner=author,
            until=(desk.now + timedelta(days=wish.days)).date(),
        )
        try:
            return write_waiver(draft, by=author, now=desk.now)
        except WaiverRefused:
            return None

    return write


def revoke(title: str) -> Deed:
    """End a waiver before its time, or refuse one."""
    return lambda desk, by: [
        revoke_waiver(pk, by=desk.person(by), now=desk.now)
        for pk in Waiver.objects.filter(title=title, revoked_at=None).values_list("pk", flat=True)
    ]


def _change(desk: Desk, by: str, rows: FindingQuerySet, change: Change) -> object:
    # What a story that was told in part does not have is not worked on.
    return rows.exists() and change_findings(rows, change, by=desk.person(by), now=desk.now)
