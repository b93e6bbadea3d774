"""Hold findings against the waivers that count now: waive what they cover, open again what they no longer do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from compliance.models import Finding, FindingEvent, PolicyVersion, Repository, StatusChoice, User, Waiver
from compliance.models.bulk import insert_rows, update_rows
from compliance.queries.waiver_facts import (
    OPEN_TO_WAIVERS,
    Held,
    accepted_of,
    among,
    counting_waivers,
    hold,
    needs_tags,
    scope_of,
)
from compliance.remediation.sla import Terms
from compliance.remediation.waiver import Candidate, WaiverScope, covers, fits, waiver_of
from compliance.services.count_totals import count_many
from compliance.services.excuse_tags import excuse_tags
from compliance.services.finding_facts import settle_spans
from compliance.services.write_findings import due_of, sla_terms

_COLUMNS = ("status", "waiver", "changed_at", "sla_from", "due_at", "due_edited")


@dataclass(frozen=True, slots=True)
class Reopened:
    """A finding that is to be worked on again.

    :param told: whether somebody is to hear of it: what the waiver says, where its end was the reason.
    """

    finding_id: int
    waiver_id: int | None
    told: bool


@dataclass(slots=True)
class Applied:
    """What changed: ids of findings that are waived now or by another waiver, those opened again, and the
    repositories whose tags show something else, which ``count_many`` has to count.
    """

    waived: list[int] = field(default_factory=list)
    reopened: list[Reopened] = field(default_factory=list)
    repositories: frozenset[int] = frozenset()


def apply_waivers(
    *,
    repository_ids: Sequence[int] | None = None,
    finding_ids: Collection[int] | None = None,
    now: datetime,
    by: User | None = None,
) -> Applied:
    """Bring findings and ``Tag.excused_as`` in step with waivers; totals are the caller's, who holds the repositories.

    ``apply_and_count`` does all of it. Exactly one of both lists is given; ``by``: whose doing it is, a scan's or the
    clock's where nobody is.
    """
    wanted = Q(repository__in=repository_ids) if finding_ids is None else Q(pk__in=among(finding_ids))
    waivers = list(counting_waivers(now))
    findings = Finding.objects.filter(wanted).filter(
        Q(status=StatusChoice.WAIVED) | Q(status__in=sorted(OPEN_TO_WAIVERS), rule__in={each.rule for each in waivers})
    )
    # In one order, as people's changes and scans take them; what those just wrote is not to be overwritten.
    findings = findings.order_by("pk").select_for_update(of=("self",))
    held = list(hold(findings, tags=needs_tags(map(scope_of, waivers))))
    applied = _apply(held, waivers, now, by)
    touched = repository_ids if finding_ids is None else sorted({each.row.repository_id for each in held})
    applied.repositories = excuse_tags(touched or ())
    return applied


def apply_and_count(finding_ids: Collection[int], *, now: datetime, by: User | None = None) -> Applied:
    """The same together with totals and today's snapshots."""
    with transaction.atomic():
        homes = Finding.objects.filter(pk__in=among(finding_ids)).order_by().values("repository")
        # In one order everywhere, so that no two wait for each other in a circle.
        list(Repository.objects.filter(pk__in=homes).order_by("pk").select_for_update().values_list("pk"))
        applied = apply_waivers(finding_ids=finding_ids, now=now, by=by)
        _count(applied.repositories, now)
    return applied


def _count(repository_ids: Iterable[int], now: datetime) -> None:
    by_version: dict[int, list[Repository]] = {}
    for row in Repository.objects.filter(pk__in=among(repository_ids)).select_related("policy").order_by("pk"):
        if row.policy.current_id is not None:
            by_version.setdefault(row.policy.current_id, []).append(row)
    versions = PolicyVersion.objects.in_bulk(list(by_version))
    for version, rows in by_version.items():
        count_many(rows, versions[version], {}, now=now)


def _apply(held: Sequence[Held], waivers: Sequence[Waiver], now: datetime, by: User | None) -> Applied:
    applied = Applied()
    rules = _Rules(held, waivers)
    changed: list[Finding] = []
    events: list[FindingEvent] = []
    ended = _ended(held, rules.waivers)
    terms = sla_terms() if any(waiver.restarts_sla for waiver in ended.values()) else {}
    for each in held:
        row, chosen = each.row, rules.waiver_of(each)
        waived = row.status == StatusChoice.WAIVED
        if chosen is not None and not (waived and row.waiver_id == chosen.pk):
            before = _title(row.waiver_id if waived else None, rules.waivers, ended)
            row.status, row.waiver = StatusChoice.WAIVED, chosen
            applied.waived.append(row.pk)
            events.append(_event(row, before, chosen.title, "", now, by))
        elif chosen is None and waived:
            old = ended.get(row.waiver_id or 0)
            before, why = _title(row.waiver_id, rules.waivers, ended), rules.why_not(each, old, now)
            _reopen(row, old, terms, now)
            applied.reopened.append(Reopened(row.pk, row.waiver_id, told=old is None or old.reopens))
            row.waiver = None
            events.append(_event(row, before, "", why, now, by))
        else:
            continue
        row.changed_at = now
        changed.append(row)
    update_rows(changed, _COLUMNS)
    settle_spans([row.pk for row in changed])
    insert_rows(events)
    return applied


class _Rules:
    """The waivers that count, by what they are about; what they accept is read for those that fit something."""

    def __init__(self, held: Sequence[Held], waivers: Sequence[Waiver]) -> None:
        self.waivers = {waiver.pk: waiver for waiver in waivers}
        self._by_rule: dict[str, list[tuple[Waiver, WaiverScope]]] = {}
        for waiver in waivers:
            self._by_rule.setdefault(waiver.rule, []).append((waiver, scope_of(waiver)))
        fitting = {waiver.pk for each in held for waiver, scope in self._of(each) if fits(scope, each.facts)}
        self._accepted = accepted_of(fitting) if fitting else {}

    def waiver_of(self, held: Held) -> Waiver | None:
        """The one that counts for a finding."""
        covering = [
            Candidate(waiver.pk, waiver.expires_at)
            for waiver, scope in self._of(held)
            if covers(scope, self._accepted.get(waiver.pk, ()), held.facts, written_at=waiver.created_at)
        ]
        found = waiver_of(covering)
        return None if found is None else self.waivers[found]

    def why_not(self, held: Held, old: Waiver | None, now: datetime) -> str:
        """What to say of a finding that was waived until now."""
        if old is not None:
            return "It was revoked." if old.revoked_at is not None and old.revoked_at <= now else "It has expired."
        waiver = self.waivers.get(held.row.waiver_id or 0)
        if waiver is None:
            return "There is no such waiver any more."
        accepted = self._accepted.get(waiver.pk, ())
        return covers(scope_of(waiver), accepted, held.facts, written_at=waiver.created_at).words

    def _of(self, held: Held) -> Sequence[tuple[Waiver, WaiverScope]]:
        return self._by_rule.get(held.row.rule, ())


def _ended(held: Iterable[Held], counting: Collection[int]) -> dict[int, Waiver]:
    """The waivers of waived findings that do not count any more."""
    ids = {each.row.waiver_id for each in held if each.row.status == StatusChoice.WAIVED and each.row.waiver_id}
    return Waiver.objects.defer("accepted").in_bulk(list(ids - set(counting))) if ids - set(counting) else {}


def _title(waiver_id: int | None, counting: dict[int, Waiver], ended: dict[int, Waiver]) -> str:
    found = counting.get(waiver_id or 0) or ended.get(waiver_id or 0)
    return "" if found is None else found.title


def _reopen(row: Finding, ended: Waiver | None, terms: Terms, now: datetime) -> None:
    row.status = StatusChoice.REGRESSED if row.regression else StatusChoice.OPEN
    if ended is not None and ended.restarts_sla:
        row.sla_from, row.due_edited = now, False
        row.due_at = due_of(row, terms)


def _event(row: Finding, was: str, became: str, text: str, now: datetime, by: User | None) -> FindingEvent:
    return FindingEvent(finding=row, at=now, by=by, kind=FindingEvent.Kind.WAIVER, was=was, became=became, text=text)
