"""Findings follow policies, releases and waivers; totals and days count them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from compliance.models import (
    DailySnapshot,
    Evaluation,
    Finding,
    FindingEvent,
    FindingSpan,
    Image,
    Occurrence,
    Policy,
    Repository,
    Tag,
    Waiver,
)
from compliance.policy import document
from compliance.services.apply_waivers import apply_and_count
from compliance.services.close_days import close_days
from compliance.services.excuse_tags import excuse_tags
from compliance.services.publish_policies import publish_policies
from compliance.services.rejudge import finish_rejudgings
from scanner.domain.policy import RuleSetting
from scanner.domain.verdict import Severity
from scanner.policies import KUBERNETES
from tests.compliance.services.conftest import NOON, World, app
from tests.support.images import index
from tests.support.rows import user

ROOT, AGAIN, FINE = app(""), app("", "again"), app("10001:10001")


def finding(rule: str = "NR101") -> Finding:
    return Finding.objects.get(rule=rule)


def told(found: Finding) -> list[tuple[str, str, str]]:
    return list(found.events.values_list("kind", "was", "became"))


def change_policy(world: World, settings: Mapping[str, RuleSetting]) -> None:
    publish_policies(world.now, [replace(KUBERNETES, settings={**KUBERNETES.settings, **settings})])
    finish_rejudgings(clock=lambda: world.now)


@pytest.fixture
def rooted(world: World) -> World:
    for tag, target in (("1", ROOT), ("2", AGAIN), ("3", FINE)):
        world.layout.tag("team/app", tag, target)
    world.scan()
    world.later(hours=1)
    return world


class TestPolicies:
    """What is asked for."""

    def test_a_rule_that_is_switched_off_fixes_nothing(self, rooted: World) -> None:
        change_policy(rooted, {"NR101": RuleSetting(enabled=False)})
        assert (finding().status, finding().resolution, finding().tags) == ("fixed", "policy", 0)
        assert told(finding())[-1] == ("status", "new", "fixed")
        assert finding().spans.get().resolution == "policy"

    def test_on_again_it_is_open_and_no_regression(self, rooted: World) -> None:
        change_policy(rooted, {"NR101": RuleSetting(enabled=False)})
        rooted.later(hours=1)
        change_policy(rooted, {})
        assert (finding().status, finding().tags, finding().opened_at) == ("open", 2, rooted.now)
        assert list(finding().spans.order_by("pk").values_list("reopened", flat=True)) == [False, False]

    def test_another_severity_is_another_term(self, rooted: World) -> None:
        change_policy(rooted, {"NR101": RuleSetting(fails=True, severity=Severity.MEDIUM)})
        assert (finding().rank, finding().status) == (2, "new")
        assert finding().due_at == NOON + timedelta(days=60)
        assert (finding().spans.get().rank, finding().spans.get().due_at) == (2, finding().due_at)

    def test_what_no_longer_fails_a_tag_no_longer_decides(self, rooted: World) -> None:
        change_policy(rooted, {"NR101": RuleSetting(severity=Severity.MEDIUM)})
        assert set(finding().occurrences.values_list("decides", flat=True)) == {False}

    def test_a_threshold(self, world: World) -> None:
        world.layout.tag("team/app", "1", FINE)
        world.scan()
        assert not Finding.objects.filter(rule="NR107").exists()
        change_policy(world, {"NR107": RuleSetting(threshold=20_000, fails=True)})
        assert (finding("NR107").status, finding("NR107").first_seen_at) == ("new", world.now)
        change_policy(world, {"NR107": RuleSetting(threshold=10_000, fails=True)})
        assert (finding("NR107").status, finding("NR107").resolution) == ("fixed", "policy")

    def test_platforms_that_were_compared(self, world: World) -> None:
        world.layout.tag("team/app", "1", index([app("", "x"), app("10001:10001", "y")]))
        world.scan()
        change_policy(world, {"NR112": RuleSetting(enabled=False)})
        assert (finding("NR112").status, finding("NR112").resolution) == ("fixed", "policy")

    def test_a_batch_under_a_new_version_while_the_rest_waits(self, rooted: World) -> None:
        """A push comes after the policy was changed and before anybody judged again."""
        publish_policies(rooted.now, [replace(KUBERNETES, settings={"NR101": RuleSetting(enabled=False)})])
        rooted.layout.tag("team/app", "1", app("", "pushed"))
        rooted.scan()
        assert finding().resolution == "policy"


class TestUpgrade:
    """A release without findings was here before."""

    @pytest.fixture
    def aged(self, rooted: World, monkeypatch: pytest.MonkeyPatch) -> World:
        Tag.objects.filter(name="1").update(failing_since=NOON - timedelta(days=40))
        Tag.objects.filter(name="2").update(failing_since=NOON - timedelta(days=3))
        for model in (FindingEvent, FindingSpan, Occurrence, Finding):
            model.objects.all().delete()
        Image.objects.update(outline_revision=1, outline=None, run_key="")
        Repository.objects.update(judged_by=Policy.objects.get(name="kubernetes").current)
        monkeypatch.setattr(document, "REVISION", 10_000)
        return rooted

    def check(self, world: World) -> None:
        found = finding()
        assert (found.status, found.tags, found.sla_from) == ("new", 2, world.now)
        assert found.first_seen_at == found.opened_at == NOON - timedelta(days=40)
        assert finding().spans.get().opened_at == found.opened_at
        assert found.due_at == world.now + timedelta(days=14)
        since = dict(found.occurrences.values_list("tag__name", "since"))
        assert since == {"1": NOON - timedelta(days=40), "2": NOON - timedelta(days=3)}
        assert set(Finding.objects.filter(occurrences__decides=False).values_list("first_seen_at", flat=True)) == {
            world.now
        }
        assert not Image.objects.filter(run_key="").exists()

    def test_judging_again_finds_what_was_there_although_no_verdict_changes(self, aged: World) -> None:
        before = list(Tag.objects.order_by("pk").values_list("verdict", "judged_at"))
        publish_policies(aged.now)
        finish_rejudgings(clock=lambda: aged.now)
        assert list(Tag.objects.order_by("pk").values_list("verdict", "judged_at")) == before
        self.check(aged)

    def test_so_does_a_scan_that_comes_first(self, aged: World) -> None:
        publish_policies(aged.now)
        aged.scan()
        self.check(aged)
        finish_rejudgings(clock=lambda: aged.now)
        self.check(aged)


class TestWaivers:
    """Waived is neither fail nor pass, and ends when what was accepted changes."""

    @pytest.fixture
    def waiver(self, rooted: World) -> Waiver:
        author = user("author")
        keys = set(Image.objects.filter(uid=0).values_list("run_key", flat=True))
        made = Waiver.objects.create(
            title="Known", rule="NR101", repository_pattern="team/*", accepted=sorted(keys), reason="vendor",
            explanation="…", owner=author, created_by=author, created_at=NOON, approver=author, approved_at=NOON,
            expires_at=NOON + timedelta(days=90),
        )  # fmt: skip
        apply_and_count([finding().pk], now=rooted.now)
        return made

    def counts(self) -> tuple[int, int, int, int, str]:
        row = Repository.objects.get()
        return row.passed, row.failed, row.unknown, row.waived, row.verdict

    def shown(self) -> dict[str, str]:
        return dict(Tag.objects.values_list("name", "shown"))

    def test_only_what_nothing_else_fails_is_excused(self, rooted: World, waiver: Waiver) -> None:
        assert (finding().status, finding().waiver) == ("waived", waiver)
        deciding = set(Occurrence.objects.filter(decides=True).values_list("finding__rule", flat=True))
        assert self.shown()["1"] == ("waived" if deciding == {"NR101"} else "fail")

    def test_totals_and_days_count_it_apart(self, rooted: World, waiver: Waiver) -> None:
        change_policy(rooted, {rule: RuleSetting(severity=Severity.LOW) for rule in ("NR301", "NR302", "NR303")})
        assert self.shown() == {"1": "waived", "2": "waived", "3": "pass"}
        assert self.counts() == (1, 0, 0, 2, "waived")
        today = DailySnapshot.objects.get()
        assert (today.passed, today.failed, today.waived, today.evaluated) == (1, 0, 2, 3)
        assert Repository.objects.get().score == Tag.objects.get(name="3").score

    def test_another_image_that_runs_alike_is_covered_too(self, rooted: World, waiver: Waiver) -> None:
        rooted.layout.tag("team/app", "4", app("", "more"))
        rooted.scan()
        assert (finding().status, finding().tags) == ("waived", 3)

    def test_an_image_that_runs_otherwise_ends_it(self, rooted: World, waiver: Waiver) -> None:
        Waiver.objects.update(accepted=["0" * 32])
        rooted.layout.tag("team/app", "4", app("", "more"))
        rooted.scan()
        assert (finding().status, finding().waiver) == ("open", None)
        assert told(finding())[-1][:2] == ("waiver", "Known")
        assert "waived" not in self.shown().values()

    def test_a_new_violation_on_a_waived_tag_shows(self, rooted: World, waiver: Waiver) -> None:
        change_policy(rooted, {"NR301": RuleSetting(enabled=False), "NR302": RuleSetting(enabled=False)})
        change_policy(rooted, {"NR303": RuleSetting(fails=True)})
        assert self.shown()["1"] == "fail"

    def test_it_hides_nothing_that_nobody_can_say(self, rooted: World, waiver: Waiver) -> None:
        """Without what is waived the tag would be unknown."""
        change_policy(rooted, {rule: RuleSetting(severity=Severity.LOW) for rule in ("NR301", "NR302", "NR303")})
        Evaluation.objects.filter(verdict="fail").update(unsure_of=["NR103"])
        assert excuse_tags([rooted.tag("team/app").repository_id])
        assert self.shown() == {"1": "unknown", "2": "unknown", "3": "pass"}

    def test_fixed_is_fixed(self, rooted: World, waiver: Waiver) -> None:
        for tag in ("1", "2"):
            rooted.layout.tag("team/app", tag, FINE)
        rooted.scan()
        assert (finding().status, finding().resolution, finding().waiver) == ("fixed", "proved", None)
        assert set(self.shown().values()) == {"pass"}


class TestDays:
    """Snapshots say how many tags got worse and how many findings are late."""

    def days(self) -> dict[date, tuple[int, int, int, bool]]:
        rows = DailySnapshot.objects.order_by("day")
        return {row.day: (row.new, row.regressed, row.overdue, row.closed) for row in rows}

    def test_passed_before_and_fails_now(self, rooted: World) -> None:
        rooted.layout.tag("team/app", "3", app("", "worse"))
        rooted.scan()
        assert self.days() == {NOON.date(): (3, 1, 0, False)}

    def test_by_a_policy_too(self, rooted: World) -> None:
        change_policy(rooted, {"NR107": RuleSetting(threshold=20_000, fails=True)})
        assert self.days() == {NOON.date(): (3, 1, 0, False)}

    def test_late_findings(self, rooted: World) -> None:
        rooted.now = NOON + timedelta(days=15)
        late = Finding.objects.to_do().filter(due_at__lt=rooted.now).count()
        rooted.scan()
        assert late > 0
        assert self.days()[rooted.now.date()] == (0, 0, late, False)

    def test_days_without_a_scan_have_those_that_were_late_then(self, rooted: World) -> None:
        assert finding().due_at == datetime(2026, 3, 15, 12, tzinfo=UTC)
        Finding.objects.exclude(rule="NR101").update(due_at=None)
        FindingSpan.objects.exclude(finding__rule="NR101").update(due_at=None)
        close_days(NOON + timedelta(days=16))
        late = {day.day: found[2] for day, found in self.days().items()}
        assert late == {**dict.fromkeys(range(1, 15), 0), 15: 1, 16: 1}

    def test_a_day_is_closed_with_those_that_became_late_after_its_last_scan(self, rooted: World) -> None:
        Finding.objects.exclude(rule="NR101").update(due_at=None)
        FindingSpan.objects.exclude(finding__rule="NR101").update(due_at=None)
        rooted.now = datetime(2026, 3, 15, 11, tzinfo=UTC)
        rooted.scan()
        assert self.days()[rooted.now.date()] == (0, 0, 0, False)
        close_days(rooted.now + timedelta(days=1))
        assert self.days()[rooted.now.date()] == (0, 0, 1, True)
