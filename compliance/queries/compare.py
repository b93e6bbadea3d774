"""Two tags of a repository, or two digests its tags led to, held against each other, platform by platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from django.db.models import Q

from compliance.models import Image, Index, IndexImage, PolicyVersion, Tag, TagChange
from compliance.policy.document import read_policy
from compliance.queries.filters import text_of
from compliance.queries.image import readable_facts
from compliance.queries.image_differences import Differences, compare_images
from compliance.queries.repository import Header
from compliance.queries.rulings import rulings
from scanner.domain.facts import ImageFacts
from scanner.domain.policy import Policy
from scanner.domain.reference import InvalidReference, parse_digest
from scanner.judge import judge
from scanner.report import dump_results

MOST_OFFERED: Final = 100
_MOST_PLATFORMS: Final = 100
_MOST_OTHERS: Final = 20


@dataclass(frozen=True, slots=True)
class Side:
    """What one of the two names leads to.

    :param asked: the name of a tag, or a digest, as the address has it.
    :param digest: empty where nothing here has that name; then ``problem`` says so, as it does where nothing was read.
    :param verdict: what is shown of the tag; empty for a digest.
    """

    asked: str
    digest: str = ""
    is_tag: bool = False
    verdict: str = ""
    moved_at: datetime | None = None
    deleted_at: datetime | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """One platform on both sides; the digest is empty where a side does not have it."""

    platform: str
    was: str
    became: str
    current: bool
    href: str

    @property
    def same(self) -> bool:
        """Whether both lead to one image."""
        return self.was == self.became


@dataclass(frozen=True, slots=True)
class Judged:
    """What the repository's policy says of both now."""

    policy: str
    version: int
    was: str
    became: str


@dataclass(frozen=True, slots=True)
class ComparePage:
    """The page.

    :param problem: why two images that were found cannot be compared.
    :param judged: ``None`` where the policy has no version yet: then they are compared without the rules.
    :param names: tags to choose from, those that moved last.
    """

    header: Header
    a: Side
    b: Side
    pairs: tuple[Pair, ...]
    pair: Pair | None
    found: Differences | None
    judged: Judged | None
    problem: str
    names: tuple[str, ...]
    swapped: str

    @property
    def chosen(self) -> bool:
        """Whether the address names two."""
        return bool(self.a.asked and self.b.asked)

    @property
    def others(self) -> tuple[tuple[str, str], ...]:
        """Tags to hold against the only one that is named, each with its address."""
        if not self.a.asked or self.b.asked:
            return ()
        names = [name for name in self.names if name != self.a.asked][:_MOST_OTHERS]
        return tuple((name, "?" + urlencode({"a": self.a.asked, "b": name})) for name in names)

    @property
    def same(self) -> bool:
        """Whether both names lead to one digest."""
        return bool(self.a.digest) and self.a.digest == self.b.digest


@dataclass(frozen=True, slots=True)
class _Leads:
    """A side with the images it leads to, by platform, without their facts; ``unread`` names what is no such image."""

    side: Side
    images: Mapping[str, Image]
    unread: str = ""


def compare_page(header: Header, params: Mapping[str, str]) -> ComparePage:
    """What ``b`` says otherwise than ``a``, on the platform the address asks for or the first on which they differ."""
    asked = (text_of(params, "a"), text_of(params, "b"))
    a, b = _leads(header, asked)
    pairs = _pairs(header, a, b, text_of(params, "platform"))
    pair = next((each for each in pairs if each.current), None)
    found, judged, problem = _compared(header, a, b, pair)
    offered = Tag.objects.listed().filter(repository=header.id).order_by("-moved_at", "name")
    return ComparePage(
        header=header,
        a=a.side,
        b=b.side,
        pairs=pairs,
        pair=pair,
        found=found,
        judged=judged,
        problem=problem,
        names=tuple(offered.values_list("name", flat=True)[:MOST_OFFERED]),
        swapped="?" + urlencode({"a": asked[1], "b": asked[0]}),
    )


def _leads(header: Header, asked: tuple[str, str]) -> tuple[_Leads, _Leads]:
    sides, targets = _sides(header, asked)
    images = {pk for image, _ in targets.values() if (pk := image) is not None}
    indexes = {pk for _, index in targets.values() if (pk := index) is not None}
    alone = {row.pk: row for row in _bare(images)} if images else {}
    within = _children(indexes) if indexes else {}
    one, other = (_read(sides[name], targets.get(name), alone, within) for name in asked)
    return one, other


def _sides(header: Header, asked: Iterable[str]) -> tuple[dict[str, Side], dict[str, tuple[int | None, int | None]]]:
    """Each name with what it is and with the image or the index it leads to: at most five queries."""
    names = set(asked) - {""}
    sides = {name: Side(name, problem=_nothing(name)) for name in ("", *names)}
    targets: dict[str, tuple[int | None, int | None]] = {}
    for row in Tag.objects.filter(repository=header.id, name__in=names).defer("platforms", "violated"):
        problem = row.problem_message or "Nothing of it was read yet."
        sides[row.name] = Side(
            row.name, row.digest, is_tag=True, verdict=row.shown, moved_at=row.moved_at, deleted_at=row.deleted_at,
            problem="" if row.image_id or row.index_id else problem,
        )  # fmt: skip
        targets[row.name] = (row.image_id, row.index_id)
    if digests := _led_to(header, {name for name in names if _is_digest(name)}):
        images = dict(Image.objects.filter(digest__in=digests).values_list("digest", "pk"))
        # The row with all platforms comes last, and so counts where there are several.
        indexes = dict(Index.objects.filter(digest__in=digests).order_by("-platforms").values_list("digest", "pk"))
        for name in digests:
            target = (images.get(name), indexes.get(name))
            sides[name] = Side(name, name, problem="" if any(target) else "What it led to is not stored any more.")
            targets[name] = target
    return sides, targets


def _nothing(name: str) -> str:
    if _is_digest(name):
        return "No tag of this repository leads to this digest, or led to it."
    return "This repository has no tag of that name, and had none."


def _is_digest(text: str) -> bool:
    try:
        parse_digest(text)
    except InvalidReference:
        return False
    return True


def _led_to(header: Header, digests: set[str]) -> set[str]:
    """Those that a tag of the repository points to, or pointed to: who may see the repository may see no others."""
    if not digests:
        return set()
    now = Tag.objects.filter(repository=header.id, digest__in=digests).values_list("digest", flat=True)
    passed = TagChange.objects.filter(
        Q(from_digest__in=digests) | Q(to_digest__in=digests), repository=header.id
    ).values_list("from_digest", "to_digest")
    return digests & {*now, *(digest for pair in passed for digest in pair)}


def _bare(images: Iterable[int]) -> Iterable[Image]:
    return Image.objects.filter(pk__in=images).defer("facts", "config_document")


def _children(indexes: Iterable[int]) -> dict[int, list[IndexImage]]:
    found: dict[int, list[IndexImage]] = {}
    rows = IndexImage.objects.filter(index__in=indexes).select_related("image").order_by("position", "index")
    for row in rows.defer("image__facts", "image__config_document")[: 2 * _MOST_PLATFORMS]:
        found.setdefault(row.index_id, []).append(row)
    return found


def _read(
    side: Side,
    target: tuple[int | None, int | None] | None,
    alone: Mapping[int, Image],
    within: Mapping[int, list[IndexImage]],
) -> _Leads:
    image, index = target or (None, None)
    rows = [(row.platform, row.image) for row in within.get(index or 0, ())] if image is None else [("", alone[image])]
    found: dict[str, Image] = {}
    for named, row in rows:
        if not row.artifact:
            found.setdefault(named or row.platform or "unknown platform", row)
    kind = next((row.artifact for _, row in rows if row.artifact), "")
    unread = f"It holds no Linux image: {kind}." if kind and not found else ""
    return _Leads(replace(side, problem=side.problem or unread), found, unread)


def _pairs(header: Header, a: _Leads, b: _Leads, wanted: str) -> tuple[Pair, ...]:
    found = {name: (a.images.get(name), b.images.get(name)) for name in {**a.images, **b.images}}
    if len(a.images) == 1 == len(b.images) and len(found) == 2:  # one image each, for two platforms
        (was_name, was), (name, became) = *a.images.items(), *b.images.items()
        found = {f"{was_name} → {name}": (was, became)}
    both = [name for name, (was, became) in found.items() if was and became]
    differ = [name for name in both if found[name][0] != found[name][1]]
    current = wanted if wanted in both else next(iter(differ or both), "")
    asked = {"a": a.side.asked, "b": b.side.asked}
    return tuple(
        Pair(
            name,
            was.digest if was else "",
            became.digest if became else "",
            name == current,
            "?" + urlencode({**asked, "platform": name}),
        )
        for name, (was, became) in found.items()
    )


def _compared(
    header: Header, a: _Leads, b: _Leads, pair: Pair | None
) -> tuple[Differences | None, Judged | None, str]:  # fmt: skip
    if pair is None or pair.same or a.side.digest == b.side.digest:
        return None, None, ""
    rows = {
        row.digest: row for row in Image.objects.filter(digest__in=(pair.was, pair.became)).defer("config_document")
    }
    read = [_facts(rows[digest]) for digest in (pair.was, pair.became)]
    was, became = (facts for facts, _ in read)
    if was is None or became is None:
        return None, None, next(problem for facts, problem in read if facts is None)
    version = PolicyVersion.objects.filter(current_of__name=header.policy).first()
    if version is None:
        return compare_images(was, became, (), ()), None, ""
    one, other = (_judge(facts, read_policy(version.document)) for facts in (was, became))
    found = compare_images(was, became, rulings(one), rulings(other))
    return found, Judged(header.policy, version.number, one["verdict"], other["verdict"]), ""


def _facts(row: Image) -> tuple[ImageFacts | None, str]:
    facts, unreadable = readable_facts(row)
    said = row.problem_message or (unreadable.message if unreadable else "It was not read yet.")
    return facts, f"{row.digest[:19]}… could not be read: {said}"


def _judge(facts: ImageFacts, policy: Policy) -> Mapping[str, str]:
    return dump_results(judge(facts, policy))
