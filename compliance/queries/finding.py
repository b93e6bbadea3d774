"""One finding: what it is, where it shows, what proves it, what happened to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from compliance.access import Actor, may_ask_for_waiver, may_triage
from compliance.models import Finding, Image, Occurrence, StatusChoice, Tag
from compliance.models.label import labels_of
from compliance.policy.document import read_policy
from compliance.policy.protected_tags import is_protected
from compliance.policy.tag_view import summary_of_strip
from compliance.queries.finding_events import EventRow, events_of
from compliance.queries.image import readable_facts
from compliance.queries.rulings import Ruling, index_rulings, rulings
from compliance.remediation.sla import DueState, Terms, due_at, due_state, due_words
from compliance.remediation.status import TO_DO, Status
from compliance.remediation.ticket import Proof, Ticket
from compliance.remediation.transitions import is_settled, settable
from scanner.domain.policy import Policy
from scanner.domain.verdict import Severity
from scanner.judge import judge
from scanner.report import dump_results, verdict_sentence
from scanner.rulebook import RULES

MOST_TAGS = 20
_RULES = {rule.id: rule for rule in RULES}
_SEVERITIES = tuple(Severity)
_STATUSES = dict(StatusChoice.choices)
_OWNERS = ("repository__registry", "repository__team", "repository__policy__current", "repository__label_set")
_REST = ("assignee", "waiver", "claimed_by", "base")


@dataclass(frozen=True, slots=True)
class AffectedTag:
    """A tag that shows it; ``proved`` is ``False`` while nobody can say whether it still does."""

    name: str
    verdict: str
    runs_as: str
    digest: str
    since: datetime
    proved: bool
    decides: bool
    protected: bool
    regression: bool


@dataclass(frozen=True, slots=True)
class DueView:
    """A due date: its moment, what it says today, and what the terms alone would say."""

    at: datetime | None
    state: str
    words: str
    edited: bool
    by_terms: datetime | None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one of the affected images shows: who it runs as, and the rule's answer with its places."""

    digest: str
    tag: str
    sentence: str
    ruling: Ruling | None


@dataclass(frozen=True, slots=True)
class FindingPage:
    """The page."""

    id: int
    rule: str
    title: str
    severity: str
    platform: str
    subject: str
    status: str
    status_label: str
    resolution: str
    registry_slug: str
    registry: str
    repository: str
    labels: tuple[str, ...]
    reference: str
    team: str
    team_slug: str
    policy: str
    base: str
    tags: int
    protected: bool
    regression: bool
    baseline: bool
    first_seen_at: datetime
    last_seen_at: datetime
    opened_at: datetime
    closed_at: datetime | None
    due: DueView
    assignee: str
    claimed_at: datetime | None
    claimed_by: str
    waiver_id: int | None
    waiver: str
    waived_until: datetime | None
    waiver_over: bool
    evidence: Evidence | None
    affected: tuple[AffectedTag, ...]
    events: tuple[EventRow, ...]
    more_events: bool
    menu: tuple[tuple[str, str], ...]
    to_do: bool
    settled: bool
    may_work: bool
    may_waive: bool

    @property
    def sentence(self) -> str:
        """What is wrong, in one sentence: who runs, for the rules that ask that."""
        if self.evidence is None:
            return ""
        about_user = self.subject or not (self.evidence.ruling and self.evidence.ruling.reason)
        return self.evidence.sentence if about_user else ""


def find_finding(finding_id: int, actor: Actor) -> Finding | None:
    """A finding with what its page shows of others; ``None`` where there is none that somebody may see."""
    return Finding.objects.for_user(actor).select_related(*_OWNERS, *_REST).filter(pk=finding_id).first()


def finding_page(row: Finding, actor: Actor, terms: Terms, *, now: datetime, all_events: bool = False) -> FindingPage:
    """Everything its page shows.

    :param row: as ``find_finding`` loaded it.
    """
    repository, team = row.repository, row.repository.team
    shown = _occurrences(row)
    status = Status(row.status)
    events, more = events_of(row.pk, every=all_events)
    may_work = may_triage(actor, repository.team_id)
    rule = _RULES.get(row.rule)
    return FindingPage(
        id=row.pk,
        rule=row.rule,
        title=rule.title if rule else row.rule,
        severity=_SEVERITIES[row.rank].value if row.rank < len(_SEVERITIES) else "",
        platform=row.platform,
        subject=row.subject,
        status=row.status,
        status_label=_STATUSES[row.status],
        resolution=row.get_resolution_display() if row.resolution else "",
        registry_slug=repository.registry.slug,
        registry=repository.registry.name,
        repository=repository.name,
        labels=labels_of(repository),
        reference=repository.registry.reference_prefix + repository.name,
        team=team.name if team else "",
        team_slug=team.slug if team else "",
        policy=repository.policy.name,
        base=row.base.name if row.base else "",
        tags=row.tags,
        protected=row.protected,
        regression=row.regression,
        baseline=row.baseline,
        first_seen_at=row.first_seen_at,
        last_seen_at=row.last_seen_at,
        opened_at=row.opened_at,
        closed_at=row.closed_at,
        due=due_view(row, terms, now),
        assignee=row.assignee.get_username() if row.assignee else "",
        claimed_at=row.claimed_at,
        claimed_by=row.claimed_by.get_username() if row.claimed_by else "",
        waiver_id=row.waiver_id,
        waiver=row.waiver.title if row.waiver else "",
        waived_until=row.waiver.expires_at if row.waiver else None,
        waiver_over=row.waiver is not None and row.waiver.expires_at <= now,
        evidence=_evidence(row, shown),
        affected=tuple(_affected(each, row) for each in shown),
        events=events,
        more_events=more,
        menu=tuple((each.value, _STATUSES[each]) for each in settable(status)),
        to_do=status in TO_DO,
        settled=is_settled(status),
        may_work=may_work,
        may_waive=status in TO_DO and may_ask_for_waiver(actor, [repository.team_id]),
    )


def due_view(row: Finding, terms: Terms, now: datetime) -> DueView:
    """What there is to say of a finding's due date; of one that is not to be done nothing is overdue."""
    by_terms = None if row.baseline else due_at(row.rank, row.protected, row.sla_from, terms)
    if row.status not in TO_DO:
        return DueView(row.due_at, DueState.NONE, "", row.due_edited, by_terms)
    return DueView(row.due_at, due_state(row.due_at, now), due_words(row.due_at, now), row.due_edited, by_terms)


def ticket_of(found: FindingPage, url: str) -> Ticket:
    """The page's finding for somebody's ticket."""
    ruling = found.evidence.ruling if found.evidence else None
    places = ruling.evidence if ruling else ()
    return Ticket(
        rule=found.rule,
        title=found.title,
        severity=found.severity,
        repository=found.reference,
        platform=found.platform,
        status=found.status_label,
        tag_count=found.tags,
        tags=[tag.name for tag in found.affected],
        found_at=found.opened_at,
        due_at=found.due.at,
        url=url,
        sentence=f"The image {found.sentence}." if found.sentence else "",
        reason=ruling.reason if ruling else "",
        proofs=[Proof(_where(place.where, place.line), place.quote) for place in places[:20] if place.where],
        fix=ruling.fix if ruling else "",
        assignee=found.assignee,
    )


def _where(where: str, line: int | None) -> str:
    return f"{where}:{line}" if line else where


def _occurrences(row: Finding) -> list[Occurrence]:
    rows = Occurrence.objects.filter(finding=row).select_related("tag").order_by("-regression", "-proved", "tag__name")
    return list(rows[:MOST_TAGS])


def _affected(each: Occurrence, row: Finding) -> AffectedTag:
    return AffectedTag(
        name=each.tag.name,
        verdict=each.tag.shown,
        runs_as=each.tag.runs_as,
        digest=each.tag.digest,
        since=each.since,
        proved=each.proved,
        decides=each.decides,
        protected=is_protected(each.tag.name, row.repository.registry.protected_tags),
        regression=each.regression,
    )


def _evidence(row: Finding, shown: list[Occurrence]) -> Evidence | None:
    """Ask one of the affected images again: its facts are stored, what the rules said in words is not."""
    version = row.repository.policy.current
    if not shown or version is None:
        return None
    first = next((each for each in shown if each.image_id is not None), shown[0])
    policy = read_policy(version.document)
    if first.image_id is None:
        return Evidence(first.tag.digest, first.tag.name, "", _across(row, first.tag, policy))
    image = Image.objects.defer("config_document").get(pk=first.image_id)
    facts, _ = readable_facts(image)
    if facts is None:
        return Evidence(image.digest, first.tag.name, "", None)
    found = rulings(dump_results(judge(facts, policy)))
    return Evidence(image.digest, first.tag.name, verdict_sentence(facts), _violated(found, row.rule))


def _across(row: Finding, tag: Tag, policy: Policy) -> Ruling | None:
    found = index_rulings([summary_of_strip(strip) for strip in tag.platforms], policy)
    return _violated(found, row.rule)


def _violated(found: Iterable[Ruling], rule: str) -> Ruling | None:
    return next((each for each in found if each.rule == rule and each.outcome == "violated"), None)
