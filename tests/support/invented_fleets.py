"""Invented fleets whose occurrences are found in a slow way, tag by tag and rule by rule, beside the statement."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from compliance.models import (
    Finding,
    Image,
    Index,
    IndexImage,
    Occurrence,
    Outline,
    Policy,
    PolicyVersion,
    Registry,
    Repository,
    Tag,
)
from compliance.policy.document import policy_document
from compliance.policy.protected_tags import is_protected
from compliance.remediation.cause import RUNS_AS_ROOT, subject_of
from compliance.services.count_totals import count_totals
from compliance.services.match_occurrences import Moves, Pointed
from compliance.services.reconcile_findings import reconcile_repositories, reconcile_tags
from scanner.across import compare
from scanner.domain.outline import dump_outline, load_outline
from scanner.domain.rule import PlatformSummary
from scanner.domain.verdict import Outcome, Verdict
from scanner.judge import REVISION, apply
from scanner.rulebook import RULES
from tests.support.invented_steps import NEVER_LEFT, POLICIES, PROTECTED, Delete, ImageMade, Judge, Point
from tests.support.promises import OF_FINDINGS, broken_promises

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
Key = tuple[str, str, str, str]
"""Tag, rule, platform, subject."""


@dataclass
class Shown:
    """An occurrence as the slow way has it."""

    image: int | None
    decides: bool
    proved: bool
    rank: int
    regression: bool


@dataclass
class Fleet:
    """The rows of an invented fleet, and beside them what the slow way makes of it."""

    pool: Sequence[ImageMade]
    lists: Sequence[Sequence[tuple[int, str]]]
    repository: Repository
    versions: list[PolicyVersion]
    policy: int = 0
    rows: list[Image] = field(default_factory=list)
    indexes: list[Index] = field(default_factory=list)
    tags: dict[str, tuple[str, int] | None] = field(default_factory=dict)
    unconfirmed: set[str] = field(default_factory=set)
    oracle: dict[Key, Shown] = field(default_factory=dict)
    why: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def children(self, target: tuple[str, int] | None) -> list[tuple[int, str]]:
        """Images by platform."""
        if target is None:
            return []
        kind, at = target
        if kind == "image":
            return [(at, self.pool[at].platform)]
        return [(image, platform or self.pool[image].platform) for image, platform in self.lists[at]]

    def _answer(self, image: int, rule: str) -> tuple[str, int, bool]:
        """Violated, unknown or fine; rank; decides: by the judge, one rule at a time."""
        made, policy = self.pool[image], POLICIES[self.policy]
        if not policy.setting(rule).enabled:
            return "fine", 0, False
        if made.stale or made.outline.settled is Verdict.UNKNOWN:
            return "unknown", 0, False
        if made.outline.settled is not None:
            return "fine", 0, False
        applied = apply(policy, load_outline(dump_outline(made.outline)))
        if rule in applied.violated:
            own = made.outline.answers[rule].severity
            default = next(each.severity for each in RULES if each.id == rule)
            severity = policy.setting(rule).severity or own or default
            return "violated", severity.rank, rule in applied.failed_on
        answer = made.outline.answers.get(rule)
        return ("unknown" if answer is None or answer.outcome is Outcome.UNKNOWN else "fine"), 0, False

    def _across(self, target: tuple[str, int] | None) -> tuple[str, int, bool]:
        policy = POLICIES[self.policy]
        if target is None or target[0] != "index" or not policy.setting("NR112").enabled:
            return "fine", 0, False
        summaries = []
        for image, _ in self.lists[target[1]]:
            made = self.pool[image]
            verdict = Verdict.UNKNOWN if made.stale else apply(policy, made.outline).verdict
            summaries.append(PlatformSummary("", "", verdict, identity_of(made)))
        compared = compare(summaries, policy)
        result = next((each for each in compared.results if each.rule == "NR112"), None)
        if result is None:
            return "fine", 0, False
        word = {Outcome.VIOLATED: "violated", Outcome.UNKNOWN: "unknown"}.get(result.outcome, "fine")
        return word, result.severity.rank, "NR112" in compared.deciding(Verdict.FAIL)

    def look(self, tag: str, before: tuple[str, int] | None) -> None:
        """What becomes of one tag's occurrences."""
        old = {key: shown for key, shown in self.oracle.items() if key[0] == tag}
        for key in old:
            del self.oracle[key]
        if tag not in self.tags:
            return
        target = self.tags[tag]
        confirmed = tag not in self.unconfirmed
        self._find(tag, target, before, old, confirmed=confirmed)
        for key, shown in old.items():
            if key not in self.oracle and self._is_doubted(key, target):
                self.oracle[key] = replace(shown, proved=False, decides=False)

    def _find(
        self,
        tag: str,
        target: tuple[str, int] | None,
        before: tuple[str, int] | None,
        old: Mapping[Key, Shown],
        *,
        confirmed: bool,
    ) -> None:
        ran_before: dict[str, set[int]] = {}
        for image, platform in self.children(before):
            uid = self.pool[image].uid
            if uid is not None:
                ran_before.setdefault(platform, set()).add(uid)
        found: dict[Key, list[tuple[bool, int, int, int, bool]]] = {}
        for place, (image, platform) in enumerate(self.children(target)):
            for rule in RULES:
                if rule.id in NEVER_LEFT:
                    continue
                word, rank, decides = self._answer(image, rule.id)
                if word != "violated":
                    continue
                key = (tag, rule.id, platform, subject_of(rule.id, self.pool[image].user))
                rooted = rule.id in RUNS_AS_ROOT and self.pool[image].uid == 0
                turned = (
                    rooted and before != target and bool(ran_before.get(platform)) and 0 not in ran_before[platform]
                )
                carried = rooted and any(each.regression and at[2] == platform for at, each in old.items())
                found.setdefault(key, []).append((not decides, rank, place, image, turned or carried))
        for key, all_of_it in found.items():
            not_decides, rank, _, image, regression = min(all_of_it)
            self.oracle[key] = Shown(self.rows[image].pk, not not_decides, confirmed, rank, regression)
        word, rank, decides = self._across(target)
        if word == "violated":
            self.oracle[tag, "NR112", "", ""] = Shown(None, decides, confirmed, rank, False)

    def _is_doubted(self, key: Key, target: tuple[str, int] | None) -> bool:
        _, rule, platform, _ = key
        if not POLICIES[self.policy].setting(rule).enabled:
            return False
        if target is None:
            return True
        if rule == "NR112":
            return self._across(target)[0] == "unknown"
        return any(
            self._answer(image, rule)[0] == "unknown"
            for image, there in self.children(target)
            if there in (platform, "")
        )

    def do(self, step: Any, now: datetime) -> None:
        """Do one step both ways."""
        match step:
            case Judge(policy):
                self.policy = policy
                for tag in self.tags:
                    self.look(tag, self.tags[tag])
                self.judge_rows()
                reconcile_repositories([self.repository.pk], self.versions[policy], now=now)
            case Delete(tag):
                if tag not in self.tags:
                    return
                row = Tag.objects.get(name=tag)
                Tag.objects.filter(pk=row.pk).update(deleted_at=now)
                before = self.tags.pop(tag)
                self.unconfirmed.discard(tag)
                self.look(tag, before)
                self.reconcile([row.pk], now)
            case points:
                self._point(points, now)

    def _point(self, points: Sequence[Point], now: datetime) -> None:
        ids, moved = [], []
        for point in points:
            row = Tag.objects.filter(name=point.tag).first() or self.tag_row(point.tag, now)
            old = self.target_of(row)
            if point.confirmed or point.tag not in self.tags:
                self.tags[point.tag] = point.target
                self.unconfirmed.discard(point.tag)
            else:
                self.unconfirmed.add(point.tag)
            target = self.tags[point.tag]
            before = Pointed(row.pk, row.image_id, row.index_id)
            self.write(row, target, now)
            ids.append(row.pk)
            if (before.image, before.index) != (row.image_id, row.index_id):
                moved.append(before)
            self.look(point.tag, old)
        self.judge_rows()
        self.reconcile(ids, now, moved)

    def reconcile(self, ids: Sequence[int], now: datetime, moved: Sequence[Pointed] = ()) -> None:
        reconcile_tags(self.repository.pk, ids, self.versions[self.policy], scan_id=None, now=now, moved=Moves(moved))

    def tag_row(self, name: str, now: datetime) -> Tag:
        return Tag.objects.create(
            repository=self.repository, name=name, verdict="unknown", first_seen_at=now, moved_at=now, judged_at=now
        )

    def target_of(self, row: Tag) -> tuple[str, int] | None:
        """By its row, which a deleted tag keeps."""
        if row.image_id is not None:
            return "image", next(at for at, each in enumerate(self.rows) if each.pk == row.image_id)
        if row.index_id is not None:
            return "index", next(at for at, each in enumerate(self.indexes) if each.pk == row.index_id)
        return None

    def write(self, row: Tag, target: tuple[str, int] | None, now: datetime) -> None:
        row.image = self.rows[target[1]] if target and target[0] == "image" else None
        row.index = self.indexes[target[1]] if target and target[0] == "index" else None
        row.deleted_at, row.seen_at = None, now
        row.unconfirmed_since = now if row.name in self.unconfirmed else None
        row.save()

    def judge_rows(self) -> None:
        """What the promises look at of tags."""
        for tag, target in self.tags.items():
            words = {
                (rule.id, self._answer(image, rule.id))
                for image, _ in self.children(target)
                for rule in RULES
                if rule.id not in NEVER_LEFT
            } | {("NR112", self._across(target))}
            violated = sorted({rule for rule, (word, _, _) in words if word == "violated"})
            fails = any(decides for _, (word, _, decides) in words if word == "violated")
            Tag.objects.filter(name=tag).update(violated=violated, verdict="fail" if fails else "unknown")


def identity_of(made: ImageMade) -> str:
    return "" if made.uid is None else f"{made.uid}:{made.uid}"


def built(pool: Sequence[ImageMade], lists: Sequence[Sequence[tuple[int, str]]]) -> Fleet:
    row = Policy.objects.create(name="invented", title="P")
    versions = [
        PolicyVersion.objects.create(policy=row, number=at, document=policy_document(each), created_at=NOW)
        for at, each in enumerate(POLICIES, 1)
    ]
    home = Registry.objects.create(
        slug="h", name="H", url="https://h.example", policy=row, created_at=NOW, protected_tags=PROTECTED
    )
    repository = Repository.objects.create(registry=home, policy=row, name="team/app", first_seen_at=NOW)
    fleet = Fleet(pool, lists, repository, versions)
    for at, made in enumerate(pool):
        text = dump_outline(made.outline)
        outline, _ = Outline.objects.get_or_create(digest=f"{hash(text):x}"[:64], defaults={"text": text})
        fleet.rows.append(
            Image.objects.create(
                digest=f"image-{at}", artifact="x", platform=made.platform, declared_user=made.user, uid=made.uid,
                identity=identity_of(made), outline=outline, outline_revision=1 if made.stale else REVISION,
                first_seen_at=NOW, run_key=f"{made.user[:3]}-{made.uid}",
            )
        )  # fmt: skip
    for at, children in enumerate(lists):
        index = Index.objects.create(digest=f"index-{at}", media_type="x", first_seen_at=NOW)
        for place, (image, platform) in enumerate(children):
            IndexImage.objects.create(index=index, image=fleet.rows[image], position=place, platform=platform)
        fleet.indexes.append(index)
    return fleet


def stored() -> dict[Key, Shown]:
    rows = Occurrence.objects.select_related("finding", "tag")
    found = {}
    for row in rows:
        key = (row.tag.name, row.finding.rule, row.finding.platform, row.finding.subject)
        found[key] = Shown(row.image_id, row.decides, row.proved, row.rank, row.regression)
    return found


def check(fleet: Fleet) -> None:
    """The same occurrences, and findings that add up."""
    assert stored() == fleet.oracle
    count_totals(fleet.repository, fleet.versions[fleet.policy], now=NOW)  # totals are the caller's, after findings
    assert broken_promises(OF_FINDINGS) == {}
    by_finding: dict[tuple[str, str, str], list[tuple[str, Shown]]] = {}
    for (tag, rule, platform, about), each in fleet.oracle.items():
        by_finding.setdefault((rule, platform, about), []).append((tag, each))
    for row in Finding.objects.exclude(status="fixed"):
        shown = by_finding[row.rule, row.platform, row.subject]
        assert row.tags == len(shown)
        assert row.protected == any(is_protected(tag, PROTECTED) for tag, _ in shown)
        assert row.regression == any(occurrence.regression for _, occurrence in shown)
