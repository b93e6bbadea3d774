"""Findings follow what tags show: scans, deletions, moves, claims."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from compliance.models import AuditEvent, Finding, FindingEvent, FindingSpan, Occurrence, Repository, Tag
from compliance.models.clock import database_now
from compliance.remediation.status import Status
from compliance.services.doubt_tags import lapse_unconfirmed
from compliance.services.work_here import work_here
from tests.compliance.services.conftest import BASE, NOON, World, app
from tests.support.images import Stored, image, index
from tests.support.rows import user

ROOT, AGAIN, FINE = app(""), app("", "again"), app("10001:10001")


def finding(rule: str = "NR101", repository: str = "team/app", **fields: Any) -> Finding:
    return Finding.objects.get(repository__name=repository, rule=rule, **fields)


def tags_of(found: Finding) -> set[str]:
    return set(found.occurrences.values_list("tag__name", flat=True))


def told(found: Finding) -> list[tuple[str, str, str]]:
    return list(found.events.values_list("kind", "was", "became"))


def episodes(found: Finding) -> list[tuple[Any, ...]]:
    return list(found.spans.order_by("pk").values_list("opened_at", "closed_at", "resolution", "reopened"))


def everything() -> list[dict[str, Any]]:
    return [dict(row) for row in Finding.objects.order_by("pk").values()]


def app_on_arm(declared: str) -> Stored:
    return image([BASE], user=declared, platform="linux/arm64")


def claim(found: Finding) -> None:
    """By the database's clock, as tags are asked."""
    Finding.objects.filter(pk=found.pk).update(
        status=Status.FIX_CLAIMED, claimed_at=database_now(), claimed_by=user("claimer")
    )


def refused(world: World, path: str) -> None:
    """Scan, and try again, until the scan is given up."""
    world.server.faults.statuses[path] = 503
    scan = world.scan()
    work_here([scan.pk], clock=lambda: world.now, pause=lambda: world.later(minutes=20))


def answered(world: World) -> None:
    world.server.faults.statuses.clear()
    world.later(minutes=20)
    world.scan()


@pytest.fixture
def rooted(world: World) -> World:
    """Two tags that run as root, and one that does not."""
    for tag, target in (("1", ROOT), ("2", AGAIN), ("3", FINE)):
        world.layout.tag("team/app", tag, target)
    world.scan()
    return world


def test_one_finding_for_a_cause_however_many_tags_show_it(rooted: World) -> None:
    found = finding()
    assert (found.platform, found.subject, found.status, found.rank) == ("linux/amd64", "", "new", 0)
    assert (found.tags, tags_of(found)) == (2, {"1", "2"})
    assert (found.first_seen_at, found.opened_at, found.sla_from, found.changed_at) == (NOON,) * 4
    assert found.due_at == NOON + timedelta(days=14)
    assert told(found) == [("found", "", "")]
    assert found.events.get().scan is not None
    assert episodes(found) == [(NOON, None, "", False)]


def test_what_user_says_is_the_subject_where_it_is_about_who_runs(world: World) -> None:
    for tag, declared in (("1", "root"), ("2", "0:0"), ("3", "0:0"), ("4", "nobody-there")):
        world.layout.tag("team/app", tag, app(declared))
    world.scan()
    shown = Finding.objects.filter(rule__in=("NR102", "NR104")).order_by("rule", "subject")
    assert [(each.rule, each.subject, each.tags) for each in shown] == [
        ("NR102", "0:0", 2),
        ("NR102", "root", 1),
        ("NR104", "nobody-there", 1),
    ]
    assert set(Finding.objects.filter(rule="NR303").values_list("subject", flat=True)) == {""}


def test_platforms_are_findings_of_their_own_and_comparing_them_has_none(world: World) -> None:
    world.layout.tag("team/app", "1", index([app("", "x"), app("10001:10001", "y")]))
    world.scan()
    assert finding().occurrences.get().image is not None
    compared = finding("NR112")
    assert (compared.platform, compared.subject, compared.occurrences.get().image) == ("", "", None)


def test_a_scan_that_sees_nothing_new_says_nothing(rooted: World) -> None:
    before = everything()
    rooted.later(hours=1)
    rooted.scan()
    after = everything()
    assert {row.pop("last_seen_at") for row in after} == {rooted.now}
    assert {row.pop("last_seen_at") for row in before} == {NOON}
    assert before == after
    assert FindingEvent.objects.count() == len(after)


def test_fixed_when_no_tag_shows_it(rooted: World) -> None:
    rooted.later(hours=1)
    rooted.layout.tag("team/app", "1", FINE)
    rooted.scan()
    assert (finding().status, tags_of(finding())) == ("new", {"2"})
    rooted.later(hours=1)
    rooted.layout.tag("team/app", "2", FINE)
    rooted.scan()
    found = finding()
    assert (found.status, found.resolution, found.tags, found.closed_at) == ("fixed", "proved", 0, rooted.now)
    assert told(found)[-1] == ("status", "new", "fixed")
    assert episodes(found) == [(NOON, rooted.now, "proved", False)]


def test_gone_with_the_last_tag(rooted: World) -> None:
    rooted.layout.untag("team/app", "1")
    rooted.layout.untag("team/app", "2")
    rooted.later(hours=1)
    rooted.scan()
    assert (finding().status, finding().resolution) == ("fixed", "gone")


def test_gone_with_the_repository(rooted: World) -> None:
    rooted.layout.tag("team/other", "1", FINE)
    rooted.layout.delete_repository("team/app")
    rooted.scan()
    assert set(Finding.objects.filter(repository__name="team/app").values_list("resolution", flat=True)) == {"gone"}
    assert not Occurrence.objects.filter(tag__repository__name="team/app").exists()


def test_proved_where_one_tag_was_deleted_and_another_fixed(rooted: World) -> None:
    rooted.layout.untag("team/app", "1")
    rooted.layout.tag("team/app", "2", FINE)
    rooted.scan()
    assert finding().status == "fixed"
    assert finding().resolution in ("proved", "gone")  # whichever of the two a scan saw last


def test_out_of_scope_is_gone_and_back_is_regressed(rooted: World) -> None:
    rooted.registry.exclude_tags = ["1", "2"]
    rooted.registry.save()
    rooted.later(hours=1)
    rooted.scan()
    assert (finding().status, finding().resolution) == ("fixed", "gone")
    rooted.registry.exclude_tags = []
    rooted.registry.save()
    rooted.later(hours=1)
    rooted.scan()
    assert (finding().status, finding().tags, finding().regression) == ("regressed", 2, False)


def test_back_is_regressed_in_a_new_episode(rooted: World) -> None:
    for tag in ("1", "2"):
        rooted.layout.tag("team/app", tag, FINE)
    rooted.later(days=1)
    rooted.scan()
    Finding.objects.update(due_edited=True)
    fixed_at = rooted.now
    rooted.later(days=1)
    rooted.layout.tag("team/app", "4", AGAIN)
    rooted.scan()
    found = finding()
    assert (found.status, found.resolution, found.regression, found.closed_at) == ("regressed", "", False, None)
    assert (found.first_seen_at, found.opened_at, found.sla_from) == (NOON, rooted.now, rooted.now)
    assert (found.due_at, found.due_edited) == (rooted.now + timedelta(days=14), False)
    assert episodes(found) == [(NOON, fixed_at, "proved", False), (rooted.now, None, "", True)]


@pytest.mark.parametrize("said", [Status.FALSE_POSITIVE, Status.IN_PROGRESS, Status.OPEN])
def test_what_people_say_lasts_as_long_as_it_is_there(rooted: World, said: Status) -> None:
    Finding.objects.update(status=said)
    rooted.later(hours=1)
    rooted.layout.tag("team/app", "4", AGAIN)
    rooted.scan()
    assert (finding().status, finding().tags) == (said, 3)
    for tag in ("1", "2", "4"):
        rooted.layout.tag("team/app", tag, FINE)
    rooted.scan()
    assert finding().status == "fixed"
    rooted.layout.tag("team/app", "4", AGAIN)
    rooted.scan()
    assert finding().status == "regressed"


def test_how_many_tags_show_it_is_told_once_a_day(rooted: World) -> None:
    for step in range(4):
        rooted.later(hours=13)
        rooted.layout.tag("team/app", f"more-{step}", app("", f"more-{step}"))
        rooted.scan()
    assert finding().tags == 6
    assert told(finding()) == [("found", "", ""), ("spread", "3", "4"), ("spread", "5", "6")]


def test_a_protected_tag_makes_it_due_earlier(rooted: World) -> None:
    rooted.registry.protected_tags = ["4*"]
    rooted.registry.save()
    assert not finding().protected
    rooted.later(days=1)
    rooted.layout.tag("team/app", "4.1", AGAIN)
    rooted.scan()
    assert (finding().protected, finding().due_at) == (True, rooted.now + timedelta(days=7))
    assert finding().spans.get().due_at == finding().due_at


def test_what_is_new_is_written_with_its_date(world: World) -> None:
    """The audit trail has no line that a date was changed: by its term, on a protected tag, and by a regression."""
    world.registry.protected_tags = ["prod*", "v?"]
    world.registry.save()
    world.layout.tag("team/app", "1", ROOT)
    world.layout.tag("team/safe", "prod-1", ROOT)
    world.layout.tag("team/turns", "2", FINE)
    world.scan()
    world.later(hours=1)
    world.layout.tag("team/turns", "2", ROOT)
    world.scan()

    assert finding().due_at == NOON + timedelta(days=14)
    assert finding(repository="team/safe").due_at == NOON + timedelta(days=7)
    turned = finding(repository="team/turns")
    assert (turned.regression, turned.rank, turned.due_at) == (True, 0, world.now + timedelta(days=14))
    new = [str(pk) for pk in Finding.objects.filter(status=Status.NEW).values_list("pk", flat=True)]
    assert list(AuditEvent.objects.filter(kind="finding", object__in=new).values_list("name", "data")) == []


def test_what_is_back_is_one_line_of_the_audit_trail(rooted: World) -> None:
    for tag in ("1", "2"):
        rooted.layout.tag("team/app", tag, FINE)
    rooted.scan()
    rooted.later(days=1)
    rooted.layout.tag("team/app", "1", ROOT)
    rooted.scan()

    lines = AuditEvent.objects.filter(kind="finding", object=finding().pk).order_by("pk")
    assert [line.data["status"] for line in lines] == ["fixed", "regressed"]


def test_a_date_that_somebody_gave_stays(rooted: World) -> None:
    given = NOON + timedelta(days=99)
    Finding.objects.update(due_at=given, due_edited=True)
    FindingSpan.objects.update(due_at=given)
    rooted.registry.protected_tags = ["4*"]
    rooted.registry.save()
    rooted.layout.tag("team/app", "4.1", AGAIN)
    rooted.scan()
    assert (finding().protected, finding().due_at) == (True, given)


class TestClaims:
    """Only a scan that looks at every affected tag afterwards says whether it is true."""

    def test_refuted(self, rooted: World) -> None:
        claim(finding())
        rooted.later(hours=1)
        rooted.scan()
        found = finding()
        assert (found.status, found.claimed_at, found.claimed_by) == ("open", None, None)
        assert told(found)[-1] == ("claim_refuted", "fix_claimed", "open")
        assert found.changed_at == rooted.now

    def test_confirmed(self, rooted: World) -> None:
        claim(finding())
        for tag in ("1", "2"):
            rooted.layout.tag("team/app", tag, FINE)
        rooted.scan()
        assert (finding().status, finding().resolution) == ("fixed", "proved")
        assert told(finding())[-1] == ("claim_confirmed", "fix_claimed", "fixed")

    def test_neither_while_a_tag_could_not_be_asked(self, rooted: World) -> None:
        claim(finding())
        rooted.layout.tag("team/app", "1", FINE)
        refused(rooted, "/v2/team/app/manifests/2")
        assert (finding().status, tags_of(finding())) == ("fix_claimed", {"2"})
        answered(rooted)
        assert finding().status == "open"

    def test_neither_by_what_was_asked_before(self, rooted: World) -> None:
        claim(finding())
        Finding.objects.update(claimed_at=database_now() + timedelta(days=1))
        rooted.scan()
        assert finding().status == "fix_claimed"

    def test_gone_is_no_proof(self, rooted: World) -> None:
        claim(finding())
        rooted.layout.untag("team/app", "1")
        rooted.layout.untag("team/app", "2")
        rooted.scan()
        assert (finding().status, finding().resolution) == ("fixed", "gone")
        assert told(finding())[-1] == ("status", "fix_claimed", "fixed")


class TestRegressions:
    """A tag that ran as somebody else runs as root."""

    def test_on_top_of_everything(self, rooted: World) -> None:
        Repository.objects.update(baseline_at=NOON)
        Finding.objects.update(baseline=True, due_at=None, status="open")
        FindingSpan.objects.update(due_at=None)
        rooted.later(hours=1)
        rooted.layout.tag("team/app", "3", AGAIN)
        rooted.scan()
        found = finding()
        assert (found.status, found.regression, found.rank, found.baseline, found.tags) == ("open", True, 0, False, 3)
        assert found.due_at == rooted.now + timedelta(days=14)
        assert set(found.occurrences.filter(regression=True).values_list("tag__name", flat=True)) == {"3"}

    def test_another_root_image_is_still_one(self, rooted: World) -> None:
        for target in (AGAIN, ROOT, app("0"), app("root")):
            rooted.layout.tag("team/app", "3", target)
            rooted.scan()
        assert finding("NR102", subject="root").regression
        assert not finding().regression

    def test_over_when_the_tag_is_somebody_else_again(self, rooted: World) -> None:
        rooted.layout.tag("team/app", "3", AGAIN)
        rooted.scan()
        rooted.layout.tag("team/app", "3", FINE)
        rooted.scan()
        assert (finding().status, finding().regression, finding().tags) == ("new", False, 2)

    def test_new_tags_and_other_rules_are_none(self, rooted: World) -> None:
        rooted.layout.tag("team/app", "4", AGAIN)
        rooted.layout.tag("team/app", "3", app("nobody-there"))
        rooted.scan()
        assert not Finding.objects.filter(regression=True).exists()

    def test_a_moment_of_silence_does_not_hide_it(self, rooted: World) -> None:
        fresh = app("", "fresh")
        rooted.layout.tag("team/app", "3", fresh)
        refused(rooted, f"/v2/team/app/manifests/{fresh.digest}")
        assert (rooted.tag("team/app", "3").verdict, rooted.tag("team/app", "3").image) == ("unknown", None)
        answered(rooted)
        assert (finding().regression, finding().tags) == (True, 3)

    def test_by_platform(self, world: World) -> None:
        world.layout.tag("team/app", "1", index([app("10001:10001", "x"), app_on_arm("10001:10001")]))
        world.scan()
        world.layout.tag("team/app", "1", index([app("10001:10001", "x"), app_on_arm("")]))
        world.scan()
        assert [(f.platform, f.regression) for f in Finding.objects.filter(rule="NR101")] == [("linux/arm64", True)]


class TestUnknown:
    """What nobody can say fixes nothing."""

    def test_a_tag_that_cannot_be_read_keeps_what_it_showed(self, rooted: World) -> None:
        broken = app("", "broken")
        rooted.layout.tag("team/app", "1", broken)
        refused(rooted, f"/v2/team/app/manifests/{broken.digest}")
        assert tags_of(finding()) == {"1", "2"}
        assert set(rooted.tag("team/app", "1").occurrences.values_list("proved", "decides")) == {(False, False)}
        answered(rooted)
        assert set(finding().occurrences.values_list("proved", flat=True)) == {True}

    def test_a_registry_that_is_down_fixes_nothing(self, rooted: World) -> None:
        refused(rooted, "/v2/_catalog")
        assert set(Occurrence.objects.values_list("proved", flat=True)) == {False}
        assert set(Finding.objects.values_list("status", flat=True)) == {"new"}
        answered(rooted)
        assert set(Occurrence.objects.values_list("proved", flat=True)) == {True}

    def test_a_verdict_that_lapses_fixes_nothing(self, rooted: World, settings: Any) -> None:
        settings.UNCONFIRMED_DAYS = 1
        refused(rooted, "/v2/_catalog")
        rooted.later(days=2)
        assert lapse_unconfirmed(rooted.now) == 3
        assert set(Tag.objects.values_list("verdict", flat=True)) == {"unknown"}
        assert tags_of(finding()) == {"1", "2"}
