"""Hold findings against the waivers that count now: waive what they cover, open again what they no longer do."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from compliance.models import Finding, FindingEvent, PolicyVersion, Repository, StatusChoice, User, Waiver
from compliance.models.bulk import among, insert_alike, update_rows
from compliance.queries.waiver_facts import (
    OPEN_TO_WAIVERS,
    Held,
    accepted_of,
    counting_waivers,
    hold,
    needs_tags,
    scope_of,
)
from compliance.remediation.sla import Due, Terms, due_text
from compliance.remediation.waiver import Candidate, WaiverScope, covers, fits, waiver_of
from compliance.services.count_totals import count_many
from compliance.services.excuse_tags import excuse_tags
from compliance.services.finding_facts import settle_spans
from compliance.services.news_of_findings import tell_reopened
from compliance.services.write_findings import due_of, sla_terms

_KEPT = "The due date that a person set stays."
_NEW_TERM = "The waiver that covered it has ended, and its term begins anew."
_COLUMNS = ("status", "waiver", "changed_at")
_DATES = ("sla_from", "due_at")


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

    :param kept: how many opened again keep the due date that a person set, where the waiver gives new ones.
    """

    waived: list[int] = field(default_factory=list)
    reopened: list[Reopened] = field(default_factory=list)
    kept: int = 0
    repositories: frozenset[int] = frozenset()


def apply_waivers(finding_ids: Collection[int], *, now: datetime, by: User | None = None) -> Applied:
    """Bring findings and ``Tag.excused_as`` in step with waivers; totals are the caller's, who holds the repositories.

    What is open again and past its date is told of, whatever ended the waiver.

    ``apply_and_count`` does all of it.

    :param by: whose doing it is: a scan's or the clock's where nobody is.
    """
    waivers = list(counting_waivers(now))
    findings = Finding.objects.filter(among("pk", finding_ids)).filter(
        Q(status=StatusChoice.WAIVED) | Q(status__in=sorted(OPEN_TO_WAIVERS), rule__in={each.rule for each in waivers})
    )
    # In one order, as people's changes and scans take them; what those just wrote is not to be overwritten.
    findings = findings.order_by("pk").select_for_update(of=("self",))
    held = list(hold(findings, tags=needs_tags(map(scope_of, waivers))))
    applied = _apply(held, waivers, now, by)
    tell_reopened([each.finding_id for each in applied.reopened if each.told], now=now)
    applied.repositories = excuse_tags(sorted({each.row.repository_id for each in held}))
    return applied


def apply_and_count(finding_ids: Collection[int], *, now: datetime, by: User | None = None) -> Applied:
    """The same together with totals and today's snapshots."""
    with transaction.atomic():
        homes = Finding.objects.filter(among("pk", finding_ids)).order_by().values_list("repository", flat=True)
        # In one order everywhere, so that no two wait for each other in a circle.
        held = Repository.objects.filter(among("pk", homes.distinct())).order_by("pk").select_for_update()
        list(held.values_list("pk", flat=True))
        applied = apply_waivers(finding_ids, now=now, by=by)
        _count(applied.repositories, now)
    return applied


def _count(repository_ids: Iterable[int], now: datetime) -> None:
    by_version: dict[int, list[Repository]] = {}
    found = Repository.objects.filter(among("pk", repository_ids)).select_related("policy").order_by("pk")
    for row in found.only("registry", "failing_since", "policy__current"):  # all that counting reads
        if row.policy.current_id is not None:
            by_version.setdefault(row.policy.current_id, []).append(row)
    versions = PolicyVersion.objects.in_bulk(list(by_version))
    for version, rows in by_version.items():
        count_many(rows, versions[version], {}, now=now)


@dataclass(slots=True)
class _Written:
    """What is to be written: findings whose term goes on, those whose term begins again, what is told of them.

    :param dated: those with another due date than the one that stands beside them.
    """

    changed: list[Finding] = field(default_factory=list)
    restarted: list[Finding] = field(default_factory=list)
    dated: list[tuple[Finding, Due]] = field(default_factory=list)
    was: list[str] = field(default_factory=list)
    became: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    ids: list[int] = field(default_factory=list)

    def note(self, row: Finding, was: str, became: str, text: str = "", *, restarted: bool = False) -> None:
        """One finding is changed."""
        (self.restarted if restarted else self.changed).append(row)
        self.was.append(was)
        self.became.append(became)
        self.text.append(text)
        self.ids.append(row.pk)

    def save(self, now: datetime, by: User | None) -> None:
        """Write all of it."""
        for row in (*self.changed, *self.restarted):
            row.changed_at = now
        update_rows(self.changed, _COLUMNS)
        update_rows(self.restarted, (*_COLUMNS, *_DATES))
        settle_spans(self.ids)
        told = FindingEvent(at=now, by=by, kind=FindingEvent.Kind.WAIVER)
        insert_alike(told, finding=self.ids, was=self.was, became=self.became, text=self.text)
        insert_alike(
            FindingEvent(at=now, by=by, kind=FindingEvent.Kind.DUE, text=_NEW_TERM),
            finding=[row.pk for row, _ in self.dated],
            was=[due_text(was) for _, was in self.dated],
            became=[due_text(Due(row.due_at)) for row, _ in self.dated],
        )


def _apply(held: Sequence[Held], waivers: Sequence[Waiver], now: datetime, by: User | None) -> Applied:
    applied, written = Applied(), _Written()
    rules = _Rules(held, waivers)
    ended = _ended(held, rules.waivers)
    terms = sla_terms() if any(waiver.restarts_sla for waiver in ended.values()) else {}
    for each in held:
        row, chosen = each.row, rules.waiver_of(each)
        waived = row.status == StatusChoice.WAIVED
        if chosen is not None and not (waived and row.waiver_id == chosen.pk):
            before = _title(row.waiver_id if waived else None, rules.waivers, ended)
            row.status, row.waiver = StatusChoice.WAIVED, chosen
            applied.waived.append(row.pk)
            written.note(row, before, chosen.title)
        elif chosen is None and waived:
            old = ended.get(row.waiver_id or 0)
            before, why = _title(row.waiver_id, rules.waivers, ended), rules.why_not(each, old, now)
            restarted = old is not None and old.restarts_sla
            row.status = StatusChoice.REGRESSED if row.regression else StatusChoice.OPEN
            if restarted and (was := _restart(row, terms, now)) is not None:
                written.dated.append((row, was))
            if restarted and row.due_edited:
                applied.kept, why = applied.kept + 1, f"{why} {_KEPT}"
            applied.reopened.append(Reopened(row.pk, row.waiver_id, told=old is None or old.reopens))
            row.waiver = None
            written.note(row, before, "", why, restarted=restarted)
    written.save(now, by)
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
            and not held.refuses(waiver)
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


def _restart(row: Finding, terms: Terms, now: datetime) -> Due | None:
    """Let a term begin now; return the due date that was, where it is another. What a person set is a promise."""
    row.sla_from = now
    was = Due(row.due_at, row.due_edited)
    if row.due_edited:
        return None
    row.due_at = due_of(row, terms)
    return was if was.at != row.due_at else None
