"""What somebody decides is stamped by the clock of the database: this host's own may be minutes away from it.

Every view that decides over findings, waivers or owners is a line of ``POSTS``; what it writes shows which clock it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from unittest.mock import patch

import pytest
from django.urls import reverse

from compliance.models import (
    BulkChange,
    Finding,
    FindingEvent,
    Image,
    OwnershipRule,
    Repository,
    SharedValue,
    Team,
    User,
    Waiver,
)
from compliance.policy.wake_up import WakeUp
from compliance.remediation.change import Assign
from compliance.remediation.waiver import WaiverScope
from compliance.services.change_findings import change_findings
from compliance.services.claim_repositories import claim_repositories
from compliance.services.ownership_rules import add_rule
from compliance.services.write_waiver import write_waiver
from tests.support.pages import logged_in
from tests.support.remediation import draft, failing_tags, finding, own, team
from tests.support.rows import NOW, Fleet, fleet, user

BEFORE = NOW - timedelta(minutes=2)
DECIDED = NOW + timedelta(minutes=3)
"""The database's moment, while this host's own is ``NOW``."""

_MOMENTS: Mapping[type[BulkChange | FindingEvent | Waiver], tuple[str, ...]] = {
    BulkChange: ("at",),
    FindingEvent: ("at",),
    Waiver: ("created_at", "approved_at", "revoked_at", "reopened_at"),
}


@dataclass(frozen=True, slots=True)
class World:
    """Payments own the first of three repositories by a rule, Search the last; each waives what it owns fails for.

    :param waits: a waiver that nobody has approved.
    """

    made: Fleet
    boss: User
    payments: Team
    search: Team
    rules: tuple[OwnershipRule, OwnershipRule]
    counts: Waiver
    waits: Waiver

    def finding(self, place: int) -> Finding:
        """The finding of a repository."""
        return Finding.objects.get(repository=self.made.repositories[place])

    def changed(self) -> BulkChange:
        """Assign the finding that nobody waives; return what is undone then."""
        mine = Finding.objects.filter(pk=self.finding(1).pk)
        return change_findings(mine, Assign(self.boss.pk), by=self.boss, now=BEFORE)

    def claimed(self) -> str:
        """Claim the repository that nobody owns; return what the claim is undone by."""
        rows = Repository.objects.filter(pk=self.made.repositories[1].pk)
        return claim_repositories(rows, self.payments, by=self.boss, now=BEFORE).token


@pytest.fixture
def world(db: None, rung: list[WakeUp]) -> World:
    """Everything that can be decided over, two minutes old."""
    made, boss = fleet(3), user("boss", role="admin")
    Image.objects.filter(pk=made.failing.pk).update(run_key="as-root")
    for tag in failing_tags(made):
        finding(tag.repository, tags=[tag])
    payments, search = team("Payments", triager=user("kim", role="member")), team("Search")
    own(search, made.repositories[2:])
    Repository.objects.filter(team=search).update(team_pinned=True)
    rules = (add_rule(search, "*/app-0000", now=BEFORE), add_rule(payments, "team/app-0000", now=BEFORE))
    counts, _ = (
        write_waiver(draft(boss, scope=WaiverScope("NR103", team_id=each.pk)), by=boss, now=BEFORE)
        for each in (payments, search)
    )
    kim = User.objects.get(username="kim")
    waits = write_waiver(draft(kim, scope=WaiverScope("NR103", team_id=payments.pk)), by=kim, now=BEFORE)
    return World(made, boss, payments, search, rules, counts, waits)


def moments() -> set[datetime]:
    """Every moment at which somebody decided something, as it is stored."""
    values = (
        value
        for model, names in _MOMENTS.items()
        for row in model._default_manager.values_list(*names)
        for value in row
    )
    return {value for value in values if value is not None}


def of_finding(world: World) -> dict[str, object]:
    return {"finding_id": world.finding(1).pk}


def waiver_form(world: World) -> dict[str, object]:
    """What somebody fills in to waive what nobody owns."""
    return {
        "title": "Not yet", "rule": "NR103", "registry": "harbor", "repository": "team/app-0001", "reason": "migration",
        "explanation": "It is replaced.", "owner": "boss", "until": (NOW + timedelta(days=9)).date().isoformat(),
    }  # fmt: skip


def unowned(world: World) -> dict[str, object]:
    return {"id": world.made.repositories[1].pk, "scope": "chosen", "team": "payments"}


_Says = Callable[[World], Mapping[str, object]]

POSTS: Mapping[str, tuple[str, _Says, _Says]] = {
    "status of many": (
        "findings_bulk", lambda w: {}, lambda w: {"id": w.finding(1).pk, "action": "status", "status": "in_progress"}
    ),
    "many undone": ("findings_undo", lambda w: {"bulk_id": w.changed().pk}, lambda w: {"back": ""}),
    "status": ("finding_status", of_finding, lambda w: {"status": "fix_claimed"}),
    "assigned": ("finding_assign", of_finding, lambda w: {"to": "me"}),
    "due": ("finding_due", of_finding, lambda w: {"due": "2026-04-01", "reason": "Agreed."}),
    "said": ("finding_comment", of_finding, lambda w: {"text": "Look."}),
    "asked again": ("finding_rescan", of_finding, lambda w: {}),
    "undone": ("finding_undo", of_finding, lambda w: {"bulk": w.changed().pk}),
    "moved on the board": ("remediation_move", lambda w: {}, lambda w: {"finding": w.finding(1).pk, "to": "open"}),
    "waived": ("waiver_new", lambda w: {}, waiver_form),
    "approved": ("waiver_approve", lambda w: {"waiver_id": w.waits.pk}, lambda w: {}),
    "revoked": ("waiver_revoke", lambda w: {"waiver_id": w.counts.pk}, lambda w: {}),
    "claimed": ("unowned_claim", lambda w: {}, unowned),
    "claim undone": ("unowned_undo", lambda w: {}, lambda w: {"claimed": w.claimed()}),
    "given": (
        "repository_owner", lambda w: {"slug": "harbor", "name": "team/app-0000"}, lambda w: {"by": "nobody"}
    ),
    "left to the rules": (
        "repository_owner", lambda w: {"slug": "harbor", "name": "team/app-0002"}, lambda w: {"by": "rules"}
    ),
    "rule added": (
        "ownership_add", lambda w: {}, lambda w: {"pattern": "team/app-0001", "team": "payments"}
    ),
    "rule removed": ("ownership_remove", lambda w: {"rule": w.rules[1].pk}, lambda w: {}),
    "rule moved": ("ownership_move", lambda w: {"rule": w.rules[1].pk}, lambda w: {"to": "up"}),
    "team deleted": ("team_delete", lambda w: {"slug": "payments"}, lambda w: {"name": "Payments"}),
}  # fmt: skip
"""By what is decided: the name of the address, its parts, what is sent."""


def _decided() -> AbstractContextManager[object]:
    """The database's clock at ``DECIDED``.

    Taken back within the patch of ``still_clock``: pytest's ``monkeypatch`` ends after it, and would bring it back.
    """
    return patch("compliance.views.moment.database_now", return_value=DECIDED)


@pytest.mark.parametrize("name", POSTS)
def test_what_is_decided_is_stamped_by_the_clock_of_the_database(world: World, name: str) -> None:
    address, parts, sent = POSTS[name]
    client, url, fields = logged_in(world.boss), reverse(address, kwargs=dict(parts(world))), dict(sent(world))
    before = moments()
    assert NOW not in before
    with _decided():
        assert client.post(url, fields).status_code == 302
    assert moments() - before == {DECIDED}


def test_a_claim_can_be_undone_for_ten_minutes_by_the_clock_of_the_database(world: World) -> None:
    with _decided():
        assert logged_in(world.boss).post(reverse("unowned_claim"), dict(unowned(world))).status_code == 302
    ends = SharedValue.objects.filter(key__startswith="claim:").values_list("expires_at", flat=True)
    assert list(ends) == [DECIDED + timedelta(minutes=10)]
