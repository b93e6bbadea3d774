"""What a digest is: one platform's image, an index, or something that could not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from compliance.access import Actor
from compliance.models import Evaluation, Image, Index, IndexImage, PolicyVersion, Tag
from compliance.policy.document import read_policy
from compliance.policy.tag_age import built_at
from compliance.queries.config_text import ConfigText, config_text
from compliance.queries.image_facts import FactsView, facts_view
from compliance.queries.led_to import images_for, indexes_for
from compliance.queries.rulings import Place, Ruling, RulingGroup, by_category, by_reason, index_rulings, rulings
from compliance.queries.tags import OWNERS, TagRow, rows_of
from scanner.domain.facts import ImageFacts
from scanner.domain.problems import ImageProblem
from scanner.domain.reference import InvalidReference, parse_digest
from scanner.domain.rule import PlatformSummary
from scanner.domain.verdict import Judgement, Verdict
from scanner.judge import judge, not_applicable_judgement, unknown_judgement
from scanner.report import dump_results
from scanner.storage import UnreadableFacts, load_facts

_MOST_TAGS = 25
_MOST_INDEXES = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """An image under one policy."""

    policy: str
    title: str
    version: int
    verdict: str
    score: int | None
    evaluated_at: datetime
    current: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something could not be read."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class ImagePage:
    """One platform's image. ``facts`` is ``None`` for artifacts and for what could not be read."""

    digest: str
    platform: str
    size: int
    built_at: datetime | None
    first_seen_at: datetime
    artifact: str
    problem: Problem | None
    judged: Judged | None
    policies: tuple[Judged, ...]
    rulings: tuple[Ruling, ...]
    facts: FactsView | None
    config: ConfigText | None
    tags: tuple[TagRow, ...]
    more_tags: bool
    indexes: tuple[tuple[str, str], ...]

    @property
    def violated(self) -> tuple[Ruling, ...]:
        """What is wrong, what decides first, then the worst; hints are apart."""
        found = (r for r in self.rulings if r.outcome == "violated" and not r.hint)
        return tuple(sorted(found, key=lambda r: (not r.decides, r.rank, r.rule)))

    @property
    def violated_groups(self) -> tuple[RulingGroup, ...]:
        """The same by what the rules ask about."""
        return by_category(self.violated)

    @property
    def first(self) -> Ruling | None:
        """The violation whose fix comes first: one that decides the verdict."""
        return next((ruling for ruling in self.violated if ruling.fix and ruling.decides), None)

    @property
    def hints(self) -> tuple[Ruling, ...]:
        """What no policy can fail on."""
        return tuple(r for r in self.rulings if r.outcome == "violated" and r.hint)

    @property
    def before(self) -> Place | None:
        """The line an account had before a later layer changed it."""
        places = (place for ruling in self.violated for place in ruling.evidence)
        return next((place for place in places if place.past), None)

    @property
    def unsure(self) -> tuple[Ruling, ...]:
        """What could not be told."""
        return tuple(r for r in self.rulings if r.outcome == "unknown")

    @property
    def unsure_groups(self) -> tuple[RulingGroup, ...]:
        """The same by the reason, which many rules share."""
        return by_reason(self.unsure)

    @property
    def fine(self) -> tuple[Ruling, ...]:
        """The rest."""
        return tuple(r for r in self.rulings if r.outcome in ("ok", "not_applicable"))

    @property
    def is_windows(self) -> bool:
        """Whether it runs, but not as a uid."""
        return self.artifact.startswith("Windows image")


@dataclass(frozen=True, slots=True)
class Child:
    """One platform of an index."""

    digest: str
    platform: str
    verdict: str
    runs_as: str
    declared: str
    artifact: str
    size: int
    problem: str


@dataclass(frozen=True, slots=True)
class IndexPage:
    """A manifest list with its platforms."""

    digest: str
    media_type: str
    first_seen_at: datetime
    children: tuple[Child, ...]
    findings: tuple[Ruling, ...]
    tags: tuple[TagRow, ...]
    more_tags: bool


@dataclass(frozen=True, slots=True)
class UnreadPage:
    """A digest that only tags know: what it leads to was never read."""

    digest: str
    tags: tuple[TagRow, ...]
    problem: Problem


def find_digest(text: str, params: Mapping[str, str], actor: Actor) -> ImagePage | IndexPage | UnreadPage | None:
    """What a digest is, or ``None`` where nobody has seen it, or nobody whose tags the actor sees."""
    try:
        digest = parse_digest(text)
    except InvalidReference:
        return None
    image = images_for(actor).filter(digest=digest).first()
    if image is not None:
        return _image_page(image, params.get("policy", ""), actor)
    index = indexes_for(actor).filter(digest=digest).order_by("platforms").first()
    return _index_page(index, actor) if index is not None else _unread_page(digest, actor)


def _image_page(image: Image, policy: str, actor: Actor) -> ImagePage:
    links = list(
        IndexImage.objects.filter(image=image, index__in=indexes_for(actor))
        .order_by("index")
        .values_list("index_id", "index__digest", "platform")[:_MOST_INDEXES]
    )
    indexes = tuple((digest, platform) for _, digest, platform in links)
    tags, more = tags_of(Q(image=image) | Q(index__in=[pk for pk, _, _ in links]), actor)
    evaluations = _evaluations(image)
    chosen = _choose(evaluations, policy, tags)
    facts, unreadable = readable_facts(image)
    problem = Problem(image.problem_code, image.problem_message, image.problem_remedy) if image.problem_code else None
    return ImagePage(
        digest=image.digest,
        platform=image.platform or (indexes[0][1] if indexes else ""),
        size=image.size,
        built_at=built_at(image.built_at, first_seen=image.first_seen_at),
        first_seen_at=image.first_seen_at,
        artifact=image.artifact,
        problem=problem or unreadable,
        judged=_judged(image, chosen, current=True) if chosen else None,
        policies=tuple(_judged(image, each, current=each is chosen) for each in evaluations),
        rulings=rulings(dump_results(_live(image, facts, chosen))) if chosen else (),
        facts=facts_view(facts) if facts else None,
        config=config_text(image.config_document),
        tags=tags,
        more_tags=more,
        indexes=indexes,
    )


def readable_facts(image: Image) -> tuple[ImageFacts | None, Problem | None]:
    """The stored facts, or why this version cannot read them; neither where the image has none."""
    if image.facts is None:
        return None, None
    try:
        return load_facts(bytes(image.facts)), None
    except UnreadableFacts as error:
        return None, Problem("unreadable-facts", str(error), "Scan the registry again to read the image anew.")


def _live(image: Image, facts: ImageFacts | None, chosen: Evaluation) -> Judgement:
    """What every rule says, with its evidence, under the version of an evaluation: only the verdict is stored."""
    if image.artifact:
        return not_applicable_judgement(_with_article(image.artifact))
    if facts is None:
        problem = image.problem_message or "The stored facts cannot be read by this version."
        return unknown_judgement(ImageProblem(image.problem_code or "unreadable-facts", problem))
    return judge(facts, read_policy(chosen.policy_version.document))


def _with_article(kind: str) -> str:
    return f"an {kind}" if kind.startswith(("a", "e", "i", "o", "SBOM")) else f"a {kind}"


def _evaluations(image: Image) -> list[Evaluation]:
    rows = Evaluation.objects.filter(outline=image.outline_id).select_related("policy_version__policy")
    newest: dict[str, Evaluation] = {}
    for row in rows.order_by("policy_version__policy__name", "policy_version__number"):
        newest[row.policy_version.policy.name] = row
    return list(newest.values())


def _choose(evaluations: list[Evaluation], policy: str, tags: tuple[TagRow, ...]) -> Evaluation | None:
    by_name = {row.policy_version.policy.name: row for row in evaluations}
    wanted = [policy, *(tag.policy for tag in tags)]
    return next((by_name[name] for name in wanted if name in by_name), evaluations[0] if evaluations else None)


def _judged(image: Image, row: Evaluation, *, current: bool) -> Judged:
    version = row.policy_version
    # Images that are alike share an evaluation, which may be older than this one.
    at = max(row.evaluated_at, image.first_seen_at)
    return Judged(version.policy.name, version.policy.title, version.number, row.verdict, row.score, at, current)


def _index_page(index: Index, actor: Actor) -> IndexPage:
    tags, more = tags_of(Q(index=index), actor)
    rows_of_index = IndexImage.objects.filter(index=index).select_related("image")
    links = list(rows_of_index.defer("image__facts", "image__config_document")[:200])
    rows = Evaluation.objects.filter(outline__in={link.image.outline_id for link in links})
    found = list(rows.select_related("policy_version__policy").order_by("policy_version__number", "pk"))
    policies = {row.policy_version.policy.name for row in found}
    policy = tags[0].policy if tags else min(policies, default="")
    judged = [row for row in found if row.policy_version.policy.name == policy]
    verdicts = {row.outline_id: row.verdict for row in judged}
    children = tuple(_child(link, verdicts.get(link.image.outline_id or 0, "")) for link in links)
    findings = _findings(links, verdicts, judged[-1].policy_version) if judged else ()
    return IndexPage(index.digest, index.media_type, index.first_seen_at, children, findings, tags, more)


def _findings(links: Sequence[IndexImage], verdicts: Mapping[int, str], version: PolicyVersion) -> tuple[Ruling, ...]:
    summaries = [
        PlatformSummary(
            link.platform or link.image.platform,
            link.image.digest,
            Verdict(verdicts.get(link.image.outline_id or 0, "unknown")),
            link.image.identity,
        )
        for link in links
    ]
    return index_rulings(summaries, read_policy(version.document))


def _child(link: IndexImage, verdict: str) -> Child:
    image = link.image
    return Child(
        image.digest,
        link.platform or image.platform,
        verdict,
        image.runs_as,
        image.declared_user,
        image.artifact,
        image.size,
        image.problem_message,
    )


def _unread_page(digest: str, actor: Actor) -> UnreadPage | None:
    tags, _ = tags_of(Q(digest=digest), actor)
    if not tags:
        return None
    return UnreadPage(digest, tags, Problem("not-read", tags[0].problem or "It was not read yet.", tags[0].remedy))


def tags_of(condition: Q, actor: Actor) -> tuple[tuple[TagRow, ...], bool]:
    """The first tags that point at something, and whether there are more."""
    rows = (
        Tag.objects.listed()
        .for_user(actor)
        .filter(condition)
        .select_related(*OWNERS)
        .order_by("repository__name", "name", "pk")[: _MOST_TAGS + 1]
    )
    found = rows_of(rows)
    return found[:_MOST_TAGS], len(found) > _MOST_TAGS
