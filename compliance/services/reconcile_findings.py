"""Keep findings in step with what tags show, inside the caller's transaction, which holds the repositories' rows.

Occurrences are matched by statement. What follows for a finding some of whose occurrences differ is decided in Python,
by ``remediation.lifecycle``: a repository has some dozens of findings, however many tags it has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from compliance.models import Finding, FindingEvent, PolicyVersion
from compliance.models.bulk import update_rows
from compliance.remediation.baseline import why_new
from compliance.remediation.lifecycle import After, Kind, Seen, Told, after_scan, found
from compliance.remediation.sla import term_from
from compliance.remediation.status import Resolution, Status
from compliance.services.apply_waivers import apply_waivers
from compliance.services.excuse_tags import excuse_tags
from compliance.services.finding_facts import Facts, facts_of, of_other_bases, settle_spans
from compliance.services.match_occurrences import Moves, Pointed, Scope, Touched, match_occurrences
from compliance.services.reconciled import Reconciled
from compliance.services.write_findings import due_of, sla_terms
from scanner.domain.verdict import Severity

_BATCH = 1_000
_UNMOVED = Moves()
_SPREAD_AT_MOST_EVERY = timedelta(days=1)
_COLUMNS = (
    *("rank", "status", "resolution", "regression", "baseline", "protected", "tags", "last_seen_at", "opened_at"),
    *("changed_at", "closed_at", "sla_from", "due_at", "due_edited", "claimed_at", "claimed_by", "waiver", "base"),
)


def reconcile_tags(
    repository_id: int,
    tag_ids: Sequence[int],
    version: PolicyVersion,
    *,
    scan_id: int | None,
    now: datetime,
    moved: Moves = _UNMOVED,
) -> Reconciled:
    """Bring findings in step with these tags of a repository, listed or not."""
    scope = Scope(tags=tag_ids)
    touched = match_occurrences(scope, version, now=now, moved=moved.pointed) if tag_ids else []
    others = of_other_bases(scope) if tag_ids else []
    return _settle(touched, others, [repository_id], Reconciled(pusher=moved.pusher), scan_id, now)


def reconcile_repositories(
    repository_ids: Sequence[int], version: PolicyVersion, *, now: datetime, read: Sequence[Pointed] = ()
) -> Reconciled:
    """Bring findings in step with every listed tag of some repositories that one policy version judges.

    :param read: of tags of whose images more was read since they were written.
    """
    scope = Scope(repositories=repository_ids)
    touched = match_occurrences(scope, version, now=now, moved=read)
    return _settle(touched, of_other_bases(scope), repository_ids, Reconciled(), None, now)


def _settle(
    touched: Sequence[Touched],
    others: Sequence[int],
    repository_ids: Sequence[int],
    done: Reconciled,
    scan_id: int | None,
    now: datetime,
) -> Reconciled:
    by_id = {each.finding: each for each in touched}
    wanted = Q(pk__in=[*by_id, *others])
    if scan_id:
        wanted |= Q(repository__in=repository_ids, status=Status.FIX_CLAIMED)
    # In one order, as people's changes take them, so that no two wait for each other in a circle.
    rows = list(Finding.objects.filter(wanted).order_by("pk").select_for_update(of=("self",)))
    if rows:
        _Writer(scan_id, now, facts_of(rows), done).write(rows, by_id)
        done.recount = bool(apply_waivers([row.pk for row in rows], now=now).repositories)
    done.recount |= bool(excuse_tags(repository_ids))
    return done


class _Writer:
    """Decides and writes what becomes of findings that were touched."""

    def __init__(self, scan_id: int | None, now: datetime, facts: Mapping[int, Facts], done: Reconciled) -> None:
        self.scan_id, self.now, self.facts, self.done = scan_id, now, facts, done
        self.terms = sla_terms()

    def write(self, rows: Sequence[Finding], touched: Mapping[int, Touched]) -> None:
        """Write rows, episodes and timelines."""
        told: list[tuple[Finding, Told]] = []
        reopened: list[int] = []
        changed: list[Finding] = []
        for row in rows:
            each = touched.get(row.pk)
            after = self._after(row, each)
            if each is None and not after.told and row.base_id == self.facts[row.pk].base:
                continue
            spread = self._spread(row, after)
            left = self._show(row, after, each)
            told += ((row, one) for one in (*after.told, *left, *spread))
            changed.append(row)
            if after.reopened:
                reopened.append(row.pk)
        update_rows(changed, _COLUMNS)
        made = [each.finding for each in touched.values() if each.made]
        settle_spans([row.pk for row in changed], reopened, made)
        FindingEvent.objects.bulk_create((self._event(*each) for each in told), batch_size=_BATCH)

    def _after(self, row: Finding, touched: Touched | None) -> After:
        facts = self.facts[row.pk]
        gone = _why_gone(touched) if touched is not None else Resolution.NONE
        proved_at = touched.proved_at if touched is not None else None
        checked = facts.checked if facts.tags else _is_after(proved_at, row.claimed_at)
        turned = touched is not None and touched.turned
        seen = Seen(facts.tags, gone, checked and self.scan_id is not None, turned)
        if touched is not None and touched.made:
            return found(seen)
        return after_scan(Status(row.status), Resolution(row.resolution), seen)

    def _show(self, row: Finding, after: After, touched: Touched | None) -> list[Told]:
        """Copy what was decided and counted into a row; return what is to be told of its baseline."""
        facts = self.facts[row.pk]
        turned = touched is not None and touched.turned
        self._note(row, after, turned, facts)
        weight = (row.rank, row.protected)
        row.tags, row.protected, row.regression = facts.tags, facts.protected, facts.regression
        if facts.tags:
            row.rank = Severity.CRITICAL.rank if facts.regression else facts.rank
            row.base_id = facts.base
            if self.scan_id is not None:
                row.last_seen_at = self.now
        left = self._leave_baseline(row, weight[0], turned=turned, opens=after.opens)
        if after.told or left:
            row.changed_at = self.now
        row.status, row.resolution = after.status.value, after.resolution.value
        if after.status is not Status.FIX_CLAIMED:
            row.claimed_at = row.claimed_by_id = None
        if after.status is Status.FIXED:
            row.closed_at, row.waiver_id = row.closed_at or self.now, None
        elif after.opens:
            self._open(row, touched)
        elif left:
            row.sla_from = self.now
            self._date(row)
        elif (became := (row.rank, row.protected)) != weight:
            row.sla_from = term_from(weight, became, row.sla_from, row.opened_at, self.terms, self.now)
            self._date(row)
        return left

    def _leave_baseline(self, row: Finding, was: int, *, turned: bool, opens: bool) -> list[Told]:
        if not row.baseline:
            return []
        why = why_new(was, row.rank, scanned=self.scan_id is not None, turned=turned, opens=opens)
        row.baseline = why is None
        return [] if why is None else [Told(Kind.BASELINE, text=why)]

    def _open(self, row: Finding, touched: Touched | None) -> None:
        """A new one keeps since when its tags have shown it; it is to be fixed within a term from now."""
        if touched is None or not touched.made:
            row.opened_at = self.now
        row.sla_from, row.closed_at, row.due_edited = self.now, None, False
        self._date(row)

    def _date(self, row: Finding) -> None:
        if not row.due_edited and (due := due_of(row, self.terms)) != row.due_at:
            row.due_at, row.changed_at = due, self.now

    def _note(self, row: Finding, after: After, turned: bool, facts: Facts) -> None:
        if after.opens and after.status is Status.NEW:
            self.done.new.append(row.pk)
            if facts.rank == Severity.CRITICAL.rank:
                self.done.critical.append(row.pk)
        elif after.reopened:
            self.done.regressed.append(row.pk)
        elif after.status is Status.FIXED and row.status != Status.FIXED:
            self.done.fixed.append(row.pk)
        if turned:
            self.done.regressions.append(row.pk)

    def _spread(self, row: Finding, after: After) -> list[Told]:
        """Not more than once a day: a repository that is pushed to every hour would have no other news."""
        facts = self.facts[row.pk]
        if after.told or facts.tags == row.tags or not facts.tags:
            return []
        if facts.told_at is not None and self.now - facts.told_at < _SPREAD_AT_MOST_EVERY:
            return []
        return [Told(Kind.SPREAD, str(row.tags), str(facts.tags))]

    def _event(self, row: Finding, told: Told) -> FindingEvent:
        return FindingEvent(
            finding=row,
            at=self.now,
            kind=told.kind.value,
            was=told.was,
            became=told.became,
            text=self._text(told),
            scan_id=self.scan_id,
        )

    def _text(self, told: Told) -> str:
        """With who pushed it, where the finding came with a push."""
        came = told.kind is Kind.FOUND or told.became == Status.REGRESSED
        by = f"Pushed by {self.done.pusher}." if came and self.done.pusher is not None else ""
        return " ".join(part for part in (told.text, by) if part)


def _why_gone(touched: Touched) -> Resolution:
    if touched.proved:
        return Resolution.PROVED
    return Resolution.GONE if touched.gone else Resolution.POLICY


def _is_after(moment: datetime | None, claimed_at: datetime | None) -> bool:
    return moment is not None and claimed_at is not None and moment > claimed_at
