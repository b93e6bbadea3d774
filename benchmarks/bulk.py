"""What is done to many rows by one click, in processor time: `python -m benchmarks.bulk [FINDINGS TAGS_OF_EACH]`.

Budget: 2 seconds of processor time, ours and Postgres's for our connection, for 10,000 findings. Beside each stands a
plain UPDATE of the same rows with all triggers of theirs off: of the findings, for what changes their tags too of the
findings, those tags and the repositories, for owners of the repositories. Every step is committed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.support.database import prepared_database

if TYPE_CHECKING:
    from compliance.models import User

_BUDGET: Final = 2.0
_BARE: Final = {
    "findings": ("UPDATE compliance_finding SET status = CASE status WHEN 'open' THEN 'new' ELSE 'open' END",),
    "tags": (
        "UPDATE compliance_finding SET status = CASE status WHEN 'open' THEN 'new' ELSE 'open' END",
        "UPDATE compliance_tag SET excused_as = CASE excused_as WHEN '' THEN 'waived' ELSE '' END"
        " WHERE verdict = 'fail'",
        "UPDATE compliance_repository SET verdict = CASE verdict WHEN 'fail' THEN 'waived' ELSE 'fail' END",
    ),
    "repositories": ("UPDATE compliance_repository SET team_pinned = NOT team_pinned",),
}


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds: of processor time here and in Postgres, and on the clock."""

    here: float
    there: float
    wall: float

    @property
    def processor(self) -> float:
        """Of both."""
        return self.here + self.there


def main(findings: int = 10_000, tags: int = 1) -> int:
    """Fill, do all of it, print; 1 where a step took longer than the budget for so many findings."""
    told: list[tuple[str, str, Spent]] = []
    with prepared_database():
        from benchmarks.support.stored_findings import fill_findings

        fill_findings(findings, tags)
        print(f"{findings:,} findings in as many repositories, each shown by {tags} of {tags + 1} tags")
        bare = {peer: _bare(statements) for peer, statements in _BARE.items()}
        for name, peer, work in _steps():
            told.append((name, peer, _spent(work)))
    for name, peer, spent in told:
        print(
            f"{name:45} {spent.processor:5.2f} s of processor ({spent.here:.2f} here, {spent.there:.2f} Postgres), "
            f"{spent.wall:5.2f} s; plain UPDATE of the same {peer} {bare[peer]:.2f} s: "
            f"ratio {spent.processor / bare[peer]:.1f}"
        )
    worst = max(spent.processor for _, _, spent in told)
    allowed = _BUDGET * findings / 10_000
    print(f"slowest step: {worst:.2f} s of processor time; ratio {worst / allowed:.2f} (budget {allowed:.1f} s)")
    return int(worst > allowed)


def _steps() -> Iterator[tuple[str, str, Callable[[], object]]]:
    yield from _changes()
    yield from _waivers()
    yield from _owners()


def _changes() -> Iterator[tuple[str, str, Callable[[], object]]]:
    from compliance.models import BulkChange, Finding
    from compliance.remediation.change import Assign, Change, Comment, SetDue, SetStatus
    from compliance.remediation.status import Status
    from compliance.services.change_findings import change_findings, undo
    from tests.support.rows import NOW, user

    boss, ann = user("boss"), user("ann")
    changes: dict[str, Change] = {
        "assign": Assign(ann.pk),
        "status: in progress": SetStatus(Status.IN_PROGRESS),
        "status: fix claimed, their tags to be asked for": SetStatus(Status.FIX_CLAIMED),
        "due date": SetDue(NOW + timedelta(days=30), "Agreed."),
        "comment": Comment("Agreed."),
    }

    def take_back(by: User) -> None:
        undo(BulkChange.objects.latest("pk").pk, by=by, now=NOW)

    for name, change in changes.items():
        every = Finding.objects.to_do()
        yield name, "findings", partial(change_findings, every, change, by=boss, now=NOW, expected=every.count())
        if not isinstance(change, Comment):
            yield f"undo of {name.partition(',')[0]}", "findings", partial(take_back, boss)


def _waivers() -> Iterator[tuple[str, str, Callable[[], object]]]:
    from benchmarks.support.stored_findings import RULE
    from compliance.models import Policy, User, Waiver
    from compliance.remediation.waiver import WaiverScope
    from compliance.services.decide_waiver import approve_waiver, revoke_waiver
    from compliance.services.end_waivers import end_waivers
    from compliance.services.write_waiver import Draft, write_waiver
    from tests.support.remediation import draft
    from tests.support.rows import NOW

    Policy.objects.update(second_person=True, waiver_days=365)
    boss, ann = User.objects.get(username="boss"), User.objects.get(username="ann")
    asked: Draft = replace(draft(boss, scope=WaiverScope(RULE)), restarts_sla=True)
    later, end = NOW + timedelta(days=1), NOW + timedelta(days=101)

    def newest() -> Waiver:
        return Waiver.objects.latest("pk")

    yield "a waiver is asked for", "tags", partial(write_waiver, asked, by=ann, now=NOW)
    yield "it is approved", "tags", lambda: approve_waiver(newest().pk, by=boss, now=NOW)
    yield (
        "it is renewed",
        "tags",
        lambda: write_waiver(replace(asked, renews=newest(), until=asked.until + timedelta(days=1)), by=ann, now=later),
    )
    yield "the renewal is approved", "tags", lambda: approve_waiver(newest().pk, by=boss, now=later)
    yield "it is revoked", "tags", lambda: revoke_waiver(newest().pk, by=boss, now=later + timedelta(minutes=1))
    yield "another expires, terms begin again", "tags", partial(end_waivers, end)


def _owners() -> Iterator[tuple[str, str, Callable[[], object]]]:
    from benchmarks.support.stored_findings import RULE
    from compliance.models import OwnershipRule, Repository, Team, User
    from compliance.remediation.waiver import WaiverScope
    from compliance.services.claim_repositories import give_repositories, release_repositories
    from compliance.services.ownership_rules import add_rule, remove_rule
    from compliance.services.save_team import delete_team
    from compliance.services.write_waiver import write_waiver
    from tests.support.remediation import draft, team
    from tests.support.rows import NOW

    boss, ours, others = User.objects.get(username="boss"), team("Ours"), team("Others")
    every = Repository.objects.all()
    yield (
        "all unowned repositories are claimed",
        "repositories",
        partial(give_repositories, every, ours, by=boss, now=NOW, expected=every.count()),
    )
    yield "they are left to the rules", "repositories", partial(release_repositories, every, by=boss, now=NOW)
    yield "a rule gives them to a team", "repositories", partial(add_rule, ours, "**", by=boss, now=NOW)
    of_team = replace(draft(boss, scope=WaiverScope(RULE, team_id=ours.pk)), title="Of one team")
    write_waiver(of_team, by=User.objects.get(username="ann"), now=NOW)
    _approve_newest(boss)
    yield "a rule gives them, waived, to another team", "tags", partial(add_rule, others, "**", by=boss, now=NOW)
    yield (
        "that rule is removed, they are waived again",
        "tags",
        lambda: remove_rule(OwnershipRule.objects.latest("pk"), by=boss, now=NOW),
    )
    yield (
        "the team is deleted with its waiver",
        "tags",
        lambda: delete_team(Team.objects.get(pk=ours.pk), by=boss, now=NOW),
    )


def _approve_newest(by: User) -> None:
    from compliance.models import Waiver
    from compliance.services.decide_waiver import approve_waiver
    from tests.support.rows import NOW

    approve_waiver(Waiver.objects.latest("pk").pk, by=by, now=NOW)


def _bare(statements: Sequence[str]) -> float:
    """Processor seconds of Postgres for plain statements; their triggers are off and what they change is undone."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        began = _backend_seconds()
        for statement in statements:
            cursor.execute(statement)
        spent = _backend_seconds() - began
        transaction.set_rollback(True)
    return max(spent, 0.01)


def _spent(work: Callable[[], object]) -> Spent:
    here, there, wall = time.process_time(), _backend_seconds(), time.perf_counter()
    work()
    return Spent(time.process_time() - here, _backend_seconds() - there, time.perf_counter() - wall)


def _backend_seconds() -> float:
    """Processor time of the Postgres process that serves our connection, which is on this machine."""
    from django.db import connection

    connection.ensure_connection()
    stat = Path(f"/proc/{connection.connection.info.backend_pid}/stat").read_text()
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
