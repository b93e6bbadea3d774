"""Who may waive what, what a waiver covers, and what takes that back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from django.core.exceptions import PermissionDenied

from compliance.models import (
    DailySnapshot,
    Finding,
    FindingEvent,
    Image,
    Occurrence,
    Policy,
    Repository,
    Team,
    User,
    Waiver,
)
from compliance.queries.waiver_reach import Reach, measure
from compliance.remediation.change import SetStatus
from compliance.remediation.status import Status
from compliance.remediation.waiver import WaiverScope, WaiverState
from compliance.services.apply_waivers import Applied, apply_waivers
from compliance.services.change_findings import change_findings, undo
from compliance.services.decide_waiver import CannotDecide, approve_waiver, revoke_waiver, waiver_state
from compliance.services.end_waivers import end_waivers
from compliance.services.write_waiver import WaiverRefused, write_waiver
from tests.support.facts import facts
from tests.support.remediation import draft, failing_tags, finding, own, shown, statuses, team
from tests.support.rows import NOW, Fleet, image, tag_row, user

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
RULE = "NR103"


@pytest.fixture
def payments(made: Fleet) -> Team:
    """The team of the first repository."""
    row = team("Payments", lead=user("lead", role="member"), triager=user("triager", role="member"))
    own(row, made.repositories[:1])
    return row


def look_again(repositories: Sequence[int], now: datetime) -> Applied:
    """What a scan of these does that touched all of their findings."""
    return apply_waivers(Finding.objects.filter(repository__in=repositories).values_list("pk", flat=True), now=now)


def person(name: str) -> User:
    return User.objects.get(username=name)


def test_a_waiver_of_security_counts_at_once(made: Fleet) -> None:
    by = user("sec")
    waiver = write_waiver(draft(by), by=by, now=NOW)
    assert (waiver.approver, waiver.approved_at, waiver.accepted) == (by, NOW, ["as-root"])
    assert statuses() == ["waived", "waived"]
    assert set(Finding.objects.values_list("waiver", flat=True)) == {waiver.pk}
    assert shown() == ["waived", "waived"]
    events = FindingEvent.objects.filter(kind="waiver").values_list("was", "became", "by__username")
    assert list(events) == [("", "Legacy images", "sec")] * 2


def test_totals_and_snapshots_follow(made: Fleet) -> None:
    by = user("sec")
    write_waiver(draft(by), by=by, now=NOW)
    totals = Repository.objects.values_list("passed", "failed", "waived", "unknown")
    assert set(totals) == {(1, 0, 1, 0)}
    days = DailySnapshot.objects.filter(day=NOW.date()).values_list("evaluated", "passed", "failed", "waived")
    assert set(days) == {(2, 1, 0, 1)}


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (WaiverScope(RULE, repository="team/app-0000"), ["waived", "new"]),
        (WaiverScope(RULE, repository="team/*"), ["waived", "waived"]),
        (WaiverScope(RULE, tag="late*"), ["waived", "waived"]),
    ],
)
def test_what_the_scope_says(made: Fleet, scope: WaiverScope, covered: list[str]) -> None:
    by = user("sec")
    write_waiver(draft(by, scope=scope), by=by, now=NOW)
    assert statuses() == covered


@pytest.mark.parametrize(
    "scope", [WaiverScope("NR101"), WaiverScope(RULE, tag="1.*"), WaiverScope(RULE, repository="team")]
)
def test_nothing_to_accept(made: Fleet, scope: WaiverScope) -> None:
    by = user("sec")
    with pytest.raises(WaiverRefused, match="covers nothing"):
        write_waiver(draft(by, scope=scope), by=by, now=NOW)
    assert not Waiver.objects.exists()


def test_nobody_knows_how_the_image_runs(made: Fleet) -> None:
    Image.objects.update(run_key="")
    by = user("sec")
    with pytest.raises(WaiverRefused, match="covers nothing"):
        write_waiver(draft(by), by=by, now=NOW)


@pytest.mark.parametrize("days", [181, 4000])
def test_the_strictest_policy_says_how_long(made: Fleet, days: int) -> None:
    by = user("sec")
    with pytest.raises(WaiverRefused, match="allows 180 days: 2026-09-06 is the last day") as refused:
        write_waiver(replace(draft(by), until=NOW.date() + days * DAY), by=by, now=NOW)
    assert set(refused.value.errors) == {"until"}


def test_the_longest_day_is_allowed_and_yesterday_is_not(made: Fleet) -> None:
    by = user("sec", time_zone="Pacific/Auckland")
    here = date(2026, 3, 11)  # in Auckland it is tomorrow already
    with pytest.raises(WaiverRefused, match="This day is over"):
        write_waiver(replace(draft(by), until=here - DAY), by=by, now=NOW)
    waiver = write_waiver(replace(draft(by), until=here + 180 * DAY), by=by, now=NOW)
    assert waiver.expires_at.isoformat() == "2026-09-07T11:59:59+00:00"


def test_a_triager_asks_and_a_lead_approves(payments: Team) -> None:
    triager, lead = person("triager"), person("lead")
    waiver = write_waiver(draft(triager, scope=WaiverScope(RULE, team_id=payments.pk)), by=triager, now=NOW)
    assert waiver_state(waiver, NOW) is WaiverState.WAITING
    assert statuses() == ["new", "new"]
    with pytest.raises(PermissionDenied):
        approve_waiver(waiver.pk, by=triager, now=NOW)
    approve_waiver(waiver.pk, by=lead, now=NOW + DAY)
    assert statuses() == ["waived", "new"]
    with pytest.raises(CannotDecide, match="waits"):
        approve_waiver(waiver.pk, by=lead, now=NOW + DAY)


@pytest.mark.parametrize("name", ["lead", "triager"])
def test_members_stay_within_their_teams(payments: Team, name: str) -> None:
    other = team("Search", lead=user("elsewhere", role="member"))
    for scope in (
        WaiverScope(RULE),
        WaiverScope(RULE, team_id=other.pk),
        WaiverScope(RULE, repository="team/app-0000"),
    ):
        with pytest.raises(PermissionDenied):
            write_waiver(draft(person(name), scope=scope), by=person(name), now=NOW)
    assert not Waiver.objects.exists()


def test_one_team_never_decides_over_another(payments: Team) -> None:
    lead = person("lead")
    elsewhere = user("elsewhere", role="member")
    team("Search", lead=elsewhere)
    waiver = write_waiver(draft(lead, scope=WaiverScope(RULE, team_id=payments.pk)), by=lead, now=NOW)
    assert waiver.approved_at == NOW
    for decide in (approve_waiver, revoke_waiver):
        with pytest.raises(PermissionDenied):
            decide(waiver.pk, by=elsewhere, now=NOW)
    assert statuses() == ["waived", "new"]


def test_a_second_person_where_a_policy_says_so(made: Fleet) -> None:
    Policy.objects.update(second_person=True)
    author, other = user("sec"), user("other")
    waiver = write_waiver(draft(author), by=author, now=NOW)
    assert waiver.approved_at is None
    with pytest.raises(CannotDecide, match="second person"):
        approve_waiver(waiver.pk, by=author, now=NOW)
    approve_waiver(waiver.pk, by=other, now=NOW)
    assert statuses() == ["waived", "waived"]


def test_a_policy_that_became_stricter_meanwhile(made: Fleet) -> None:
    Policy.objects.update(second_person=True)
    author, other = user("sec"), user("other")
    waiver = write_waiver(draft(author), by=author, now=NOW)
    Policy.objects.update(waiver_days=30)
    with pytest.raises(CannotDecide, match="30 days"):
        approve_waiver(waiver.pk, by=other, now=NOW)


def test_another_user_in_the_image_opens_the_finding_again(made: Fleet) -> None:
    by = user("sec")
    write_waiver(draft(by), by=by, now=NOW)
    tag = failing_tags(made)[0]
    moved = image(replace(facts("0")), 950)
    Image.objects.filter(pk=moved.pk).update(run_key="as-somebody-else")
    Occurrence.objects.filter(tag=tag).update(image=moved)
    applied = look_again([tag.repository_id], NOW + DAY)
    assert [each.told for each in applied.reopened] == [True]
    assert applied.repositories == {tag.repository_id}
    assert statuses() == ["open", "waived"]
    assert shown() == ["fail", "waived"]
    text = FindingEvent.objects.filter(finding__repository=tag.repository_id, kind="waiver").last()
    assert text is not None
    assert text.text.startswith("latest points to an image that runs as another user, uid or gid")


def test_a_new_tag_out_of_scope_opens_it_again(made: Fleet) -> None:
    by = user("sec")
    write_waiver(draft(by, scope=WaiverScope(RULE, tag="latest")), by=by, now=NOW)
    row = Finding.objects.order_by("pk")[0]
    edge = tag_row(row.repository, "edge", made.failing)
    edge.save()
    Occurrence.objects.create(finding=row, tag=edge, image=made.failing, since=NOW)
    look_again([row.repository_id], NOW)
    assert statuses() == ["open", "waived"]


def test_a_tag_with_another_finding_still_fails(made: Fleet) -> None:
    by = user("sec")
    tag = failing_tags(made)[0]
    finding(tag.repository, "NR201", tags=[tag], subject="")
    write_waiver(draft(by), by=by, now=NOW)
    assert shown() == ["fail", "waived"]
    Occurrence.objects.filter(finding__rule="NR201").update(decides=False)
    look_again([tag.repository_id], NOW)
    assert shown() == ["waived", "waived"]


def test_a_tag_that_is_unknown_on_another_platform_is_not_waived(made: Fleet) -> None:
    by = user("sec")
    tag = failing_tags(made)[0]
    tag.platforms = [*tag.platforms, {"platform": "linux/arm64", "verdict": "unknown", "digest": "", "runs_as": ""}]
    tag.save()
    write_waiver(draft(by), by=by, now=NOW)
    assert shown() == ["unknown", "waived"]


def test_the_one_that_ends_last_counts(made: Fleet) -> None:
    by = user("sec")
    short = write_waiver(replace(draft(by), until=NOW.date() + 10 * DAY), by=by, now=NOW)
    long = write_waiver(replace(draft(by), title="Longer", until=NOW.date() + 20 * DAY), by=by, now=NOW)
    assert set(Finding.objects.values_list("waiver", flat=True)) == {long.pk}
    revoke_waiver(long.pk, by=by, now=NOW)
    assert set(Finding.objects.values_list("waiver", flat=True)) == {short.pk}
    assert statuses() == ["waived", "waived"]


def test_a_revoked_waiver(made: Fleet) -> None:
    by = user("sec")
    waiver = write_waiver(draft(by), by=by, now=NOW)
    revoke_waiver(waiver.pk, by=by, now=NOW + DAY)
    waiver.refresh_from_db()
    assert waiver_state(waiver, NOW + DAY) is WaiverState.REVOKED
    assert statuses() == ["open", "open"]
    with pytest.raises(CannotDecide, match="ended"):
        revoke_waiver(waiver.pk, by=by, now=NOW + DAY)
    assert end_waivers(waiver.expires_at) == []


def test_false_positives_and_fixed_findings_stay_what_they_are(made: Fleet) -> None:
    by = user("sec")
    first, second = Finding.objects.order_by("pk")
    first.status = "false_positive"
    first.save()
    second.status, second.closed_at = "fixed", NOW
    second.save()
    with pytest.raises(WaiverRefused, match="covers nothing"):
        write_waiver(draft(by), by=by, now=NOW)
    assert statuses() == ["false_positive", "fixed"]


def test_a_regression_is_waived_for_itself_only(made: Fleet) -> None:
    by = user("sec")
    Finding.objects.update(regression=True, status="regressed")
    with pytest.raises(WaiverRefused, match="covers nothing"):
        write_waiver(draft(by, scope=WaiverScope(RULE, repository="team/*")), by=by, now=NOW)
    one = WaiverScope(RULE, registry_id=made.registry.pk, repository="team/app-0000")
    write_waiver(draft(by, scope=one), by=by, now=NOW)
    assert statuses() == ["waived", "regressed"]


def test_what_regresses_under_a_waiver_is_open(made: Fleet) -> None:
    by = user("sec")
    one = WaiverScope(RULE, registry_id=made.registry.pk, repository="team/app-0000")
    write_waiver(draft(by, scope=one), by=by, now=NOW)
    row = Finding.objects.order_by("pk")[0]
    Finding.objects.filter(pk=row.pk).update(regression=True)
    Occurrence.objects.filter(finding=row).update(since=NOW + DAY, regression=True)
    look_again([row.repository_id], NOW + DAY)
    assert statuses() == ["regressed", "new"]


def test_a_renewal_keeps_the_date_and_accepts_what_changed_only_when_told_to(made: Fleet) -> None:
    by = user("sec")
    old = write_waiver(draft(by), by=by, now=NOW)
    moved = image(replace(facts("0")), 951)
    Image.objects.filter(pk=moved.pk).update(run_key="as-somebody-else")
    Occurrence.objects.filter(tag=failing_tags(made)[0]).update(image=moved)
    later = old.expires_at - 5 * DAY
    look_again([row.pk for row in made.repositories], later)
    until = (later + 77 * DAY).date()
    renewal = replace(draft(by), until=until, renews=old)
    kept = write_waiver(replace(renewal, accepts_changes=False), by=by, now=later)
    assert kept.accepted == ["as-root"]
    assert (kept.renews, kept.expires_at.date()) == (old, until)
    assert statuses() == ["open", "waived"]
    wider = write_waiver(renewal, by=by, now=later)
    assert sorted(wider.accepted) == ["as-root", "as-somebody-else"]
    assert statuses() == ["waived", "waived"]


@pytest.mark.parametrize("how", ["opened", "undone"])
def test_a_false_positive_that_is_taken_back_is_waived_at_once(made: Fleet, how: str) -> None:
    by = user("sec")
    one = Finding.objects.filter(pk=Finding.objects.order_by("pk")[0].pk)
    called = change_findings(one, SetStatus(Status.FALSE_POSITIVE, "A test image."), by=by, now=NOW)
    write_waiver(draft(by), by=by, now=NOW)
    assert (statuses(), shown()) == (["false_positive", "waived"], ["fail", "waived"])
    if how == "undone":
        assert undo(called.pk, by=by, now=NOW).restored == 1
    else:
        change_findings(one, SetStatus(Status.OPEN), by=by, now=NOW, expected=1)
    assert (statuses(), shown()) == (["waived", "waived"], ["waived", "waived"])
    assert set(Repository.objects.values_list("failed", "waived")) == {(0, 1)}


def test_a_false_positive_that_nothing_covers_is_open(made: Fleet) -> None:
    by = user("sec")
    change_findings(Finding.objects.all(), SetStatus(Status.FALSE_POSITIVE, "A test image."), by=by, now=NOW)
    change_findings(Finding.objects.all(), SetStatus(Status.OPEN), by=by, now=NOW, expected=2)
    assert statuses() == ["open", "open"]


def test_an_approval_that_covers_nothing_any_more(made: Fleet) -> None:
    Policy.objects.update(second_person=True)
    author, other = user("sec"), user("other")
    waiver = write_waiver(draft(author), by=author, now=NOW)
    Image.objects.update(run_key="other")
    with pytest.raises(CannotDecide, match="nothing any more"):
        approve_waiver(waiver.pk, by=other, now=NOW)


def test_who_waives_what_very_many_tags_show_is_told_that_it_takes_seconds(made: Fleet) -> None:
    def reach() -> Reach:
        return measure(WaiverScope(RULE), accepted=None, written_at=NOW)

    assert (reach().tags, reach().takes_seconds) == (2, False)
    Finding.objects.update(tags=10_001)
    assert (reach().tags, reach().takes_seconds) == (20_002, True)
