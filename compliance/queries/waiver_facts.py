"""Findings as waivers see them: what is asked of each, from rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from django.db.models import Case, CharField, F, Max, Min, Q, QuerySet, Value, When
from django.db.models.functions import MD5, Coalesce, Concat, Left

from compliance.models import Finding, Occurrence, Waiver
from compliance.models.bulk import among
from compliance.models.finding import FindingQuerySet
from compliance.queries.filters import pattern_regex
from compliance.remediation.status import TO_DO, Status
from compliance.remediation.waiver import Approval, FindingFacts, ShownBy, WaiverScope, WaiverTerms, not_agreed

OPEN_TO_WAIVERS: Final = frozenset({*TO_DO, Status.WAIVED})
"""What a waiver may cover: not what is fixed, and not what a person calls wrong."""

_CHUNK = 5_000
# There may be ten thousand of them, and reading a moment takes longer than reading a name.
_READ = (
    *("repository", "rule", "platform", "subject", "rank", "status", "regression", "baseline", "protected", "tags"),
    *("waiver", "repository__name", "repository__registry", "repository__team", "repository__policy__name"),
    *("repository__policy__waiver_days", "repository__policy__second_person"),
)
_REGRESSED = Case(When(regression=True, then=F("since")))

# Rules that compare platforms name no image, and of two images of one platform only one is named: what is accepted
# there is the whole index, by its digest.
_WHOLE = Concat(Value("="), Left(MD5("tag__digest"), 31), output_field=CharField(max_length=32))
_RUN_KEY = Case(When(tag__index__repeats=True, then=_WHOLE), default=Coalesce("image__run_key", _WHOLE))


@dataclass(frozen=True, slots=True)
class Held:
    """A finding, loaded without its dates and with what names its repository, and what is asked of it."""

    row: Finding
    facts: FindingFacts

    def refuses(self, waiver: Waiver) -> str:
        """Why an approved waiver that fits may not begin to cover it, in words; one that covers it goes on.

        A scope reaches repositories that nobody had thought of, and their policies may ask for more than those did
        that the waiver was approved for.
        """
        covered = self.row.status == Status.WAIVED and self.row.waiver_id == waiver.pk
        if covered or waiver.approved_at is None:
            return ""
        policy = self.row.repository.policy
        alone = waiver.approver_id == waiver.created_by_id
        return not_agreed(
            Approval(waiver.approved_at, waiver.expires_at, alone),
            WaiverTerms(policy.name, policy.waiver_days, policy.second_person),
        )


def scope_of(waiver: Waiver) -> WaiverScope:
    """The scope of a row."""
    return WaiverScope(
        waiver.rule,
        waiver.registry_id,
        waiver.repository_pattern,
        waiver.tag_pattern,
        waiver.digest,
        waiver.team_id,
    )


def needs_tags(scopes: Iterable[WaiverScope]) -> bool:
    """Whether single tags have to be looked at, and not only how they run."""
    return any(scope.tag or scope.digest for scope in scopes)


def findings_in_scope(scope: WaiverScope) -> FindingQuerySet:
    """Findings whose rule, registry, team and repository fit, whosever; of tags and digests one that fits is enough."""
    repository = Q()
    if scope.registry_id is not None:
        repository &= Q(repository__registry=scope.registry_id)
    if scope.team_id is not None:
        repository &= Q(repository__team=scope.team_id)
    if scope.repository:
        repository &= Q(repository__name__regex=pattern_regex(scope.repository))
    rows = Finding.objects.filter(repository, rule=scope.rule, status__in=sorted(OPEN_TO_WAIVERS))
    if scope.digest:
        pointing = Q(tag__digest=scope.digest) | Q(image__digest=scope.digest)
        rows = rows.filter(pk__in=Occurrence.objects.filter(pointing, finding__rule=scope.rule).values("finding"))
    return rows


def hold(findings: QuerySet[Finding], *, tags: bool) -> Iterator[Held]:
    """Load findings with what shows them, in the order of their ids: two queries, one where there are none.

    :param tags: each tag for itself; otherwise one of those that run alike stands for all, without its digest.
    """
    rows = {row.pk: row for row in findings.select_related("repository__policy").only(*_READ)}
    if not rows:
        return
    shown = Occurrence.objects.filter(among("finding", rows)).order_by("finding_id")
    found = _each_tag(shown) if tags else _alike(shown)
    for pk, group in groupby(found.iterator(chunk_size=_CHUNK), key=itemgetter(0)):
        row = rows.pop(pk)
        yield Held(row, _facts(row, group))
    for row in rows.values():
        yield Held(row, _facts(row, ()))


def _each_tag(shown: QuerySet[Occurrence]) -> QuerySet[Any, Any]:
    return shown.order_by("finding_id", "tag__name").values_list(
        "finding_id", "tag__name", "tag__digest", _RUN_KEY, Coalesce("image__digest", Value("")), _REGRESSED
    )


def _alike(shown: QuerySet[Occurrence]) -> QuerySet[Any, Any]:
    nothing = Value("", output_field=CharField())
    keyed = shown.values("finding_id", key=_RUN_KEY)
    grouped = keyed.annotate(name=Min("tag__name"), latest=Max("since", filter=Q(regression=True)))
    return grouped.values_list("finding_id", "name", nothing, "key", nothing, "latest")


def _facts(row: Finding, occurrences: Iterable[tuple[int, str, str, str, str, datetime | None]]) -> FindingFacts:
    found = list(occurrences)
    return FindingFacts(
        rule=row.rule,
        registry_id=row.repository.registry_id,
        repository=row.repository.name,
        team_id=row.repository.team_id,
        occurrences=tuple(ShownBy(name, digest, key, image) for _, name, digest, key, image, _ in found),
        regressed_at=_regressed_at(row, (each[-1] for each in found)),
    )


def _regressed_at(row: Finding, moments: Iterable[datetime | None]) -> datetime | None:
    if not row.regression:
        return None
    known = [moment for moment in moments if moment is not None]
    return max(known) if known else row.opened_at


def accepted_of(waiver_ids: Iterable[int]) -> dict[int, frozenset[str]]:
    """What waivers accept, which may be thousands of keys each."""
    rows = Waiver.objects.filter(pk__in=list(waiver_ids)).order_by().values_list("pk", "accepted")
    return {pk: frozenset(accepted) for pk, accepted in rows}


def counting_waivers(now: datetime) -> QuerySet[Waiver]:
    """Those that cover findings at a moment, without what they accept."""
    counts = Q(approved_at__lte=now, expires_at__gt=now) & (Q(revoked_at=None) | Q(revoked_at__gt=now))
    return Waiver.objects.filter(counts).order_by(F("expires_at"), "pk").defer("accepted", "explanation", "control")
