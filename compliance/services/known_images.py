"""What we already have of some digests, and how it was judged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings

from compliance.models import Evaluation, Image, Index, IndexImage, PolicyVersion
from compliance.policy.document import read_policy
from compliance.policy.tag_view import ImageView, TagView, tag_view
from scanner.domain.limits import Limits
from scanner.domain.policy import Policy
from scanner.domain.problems import limit_named_by
from scanner.domain.verdict import Verdict
from scanner.judge import REVISION
from scanner.storage import FACTS_SCHEMA, FROM_TOC

_COLUMNS = (
    *("pk", "digest", "platform", "artifact", "size", "runs_as", "identity", "outline_id", "outline_revision"),
    *("problem_code", "problem_message", "problem_remedy", "problem_allowed", "facts_schema"),
)


@dataclass(frozen=True, slots=True)
class KnownImage:
    """``view`` is ``None`` while nobody has judged it under the policy version at hand.

    :param current: ``False`` where an older release read it, which knew less of it than its judges ask now, and where
        its tables of contents do not suffice for a fail.
    """

    pk: int
    view: ImageView | None
    current: bool = True


@dataclass(frozen=True, slots=True)
class KnownIndex:
    """Its children as (platform, digest), in the order of the document."""

    pk: int
    children: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Known:
    """Rows by digest."""

    policy: Policy
    images: dict[str, KnownImage] = field(default_factory=dict)
    indexes: dict[str, KnownIndex] = field(default_factory=dict)

    def has(self, digest: str) -> bool:
        """Whether a tag that points to it can be judged without the registry."""
        return all(child in self.images for child in self._images_of(digest))

    def is_current(self, digest: str) -> bool:
        """Whether the registry has nothing more to tell of it: everything there is to know has been read."""
        return self.has(digest) and all(self.images[child].current for child in self._images_of(digest))

    def _images_of(self, digest: str) -> list[str]:
        index = self.indexes.get(digest)
        return [digest] if index is None else [child for _, child in index.children]

    def view(self, digest: str) -> TagView:
        """Sum up what a tag shows; only where every image is judged."""
        if digest not in self.indexes:
            return tag_view([self._image_view(digest, "")], self.policy)
        children = self.indexes[digest].children
        return tag_view([self._image_view(child, platform) for platform, child in children], self.policy)

    def unjudged(self) -> list[int]:
        """Ids of images that need only a judgement."""
        return [image.pk for image in self.images.values() if image.view is None]

    def _image_view(self, digest: str, platform: str) -> ImageView:
        view = self.images[digest].view
        if view is None:
            raise LookupError(f"{digest} is not judged")
        return replace(view, platform=platform) if platform else view


def known_images(digests: Iterable[str], version: PolicyVersion, platforms: str = "") -> Known:
    """Load what is stored of these digests: five queries at most, however many there are.

    :param platforms: ``Index.platforms``.
    """
    wanted = set(digests)
    indexes = _indexes(wanted, platforms)
    children = {child for index in indexes.values() for _, child in index.children}
    images = _images((wanted - indexes.keys()) | children, version)
    return Known(read_policy(version.document), images, indexes)


def _indexes(digests: set[str], platforms: str) -> dict[str, KnownIndex]:
    stored = Index.objects.filter(digest__in=digests, platforms=platforms)
    pks = dict(stored.values_list("pk", "digest")) if digests else {}
    children: dict[int, list[tuple[str, str]]] = {pk: [] for pk in pks}
    if pks:
        rows = IndexImage.objects.filter(index__in=pks).order_by("index", "position")
        for index, platform, digest in rows.values_list("index_id", "platform", "image__digest"):
            children[index].append((platform, digest))
    return {pks[pk]: KnownIndex(pk, tuple(found)) for pk, found in children.items()}


def _images(digests: set[str], version: PolicyVersion) -> dict[str, KnownImage]:
    if not digests:
        return {}
    rows = [
        row
        for row in Image.objects.filter(digest__in=digests).values(*_COLUMNS)
        if not is_outgrown(row["problem_code"], row["problem_allowed"], settings.LIMITS)
    ]
    judged = _evaluations({row["outline_id"] for row in rows if row["outline_revision"] == REVISION}, version)
    return {row["digest"]: _known(row, judged.get(row["outline_id"])) for row in rows}


def _known(row: Mapping[str, Any], judged: tuple[str, int | None, list[str]] | None) -> KnownImage:
    view = _view(row, judged)
    failed_early = row["facts_schema"] == FROM_TOC and view is not None and view.verdict is Verdict.FAIL
    return KnownImage(row["pk"], view, failed_early or row["facts_schema"] >= FACTS_SCHEMA)


def _evaluations(outlines: set[int], version: PolicyVersion) -> dict[int, tuple[str, int | None, list[str]]]:
    if not outlines:
        return {}
    rows = Evaluation.objects.filter(policy_version=version, outline__in=outlines)
    found = rows.values_list("outline_id", "verdict", "score", "violated")
    return {outline: (verdict, score, violated) for outline, verdict, score, violated in found}


def _view(row: Mapping[str, object], judged: tuple[str, int | None, list[str]] | None) -> ImageView | None:
    if judged is None or row["outline_revision"] != REVISION:
        return None
    verdict, score, violated = judged
    code, message, remedy = (str(row[f"problem_{part}"]) for part in ("code", "message", "remedy"))
    return ImageView(
        digest=str(row["digest"]),
        platform=str(row["platform"]),
        verdict=Verdict(verdict),
        score=score,
        runs_as=str(row["runs_as"]),
        violated=tuple(violated),
        size=int(str(row["size"])),
        problem=(code, message, remedy) if code else None,
        identity=str(row["identity"]),
    )


def is_outgrown(code: str, allowed: float | None, limits: Limits) -> bool:
    """Whether a problem was a limit that has been raised since, so that the bytes deserve another look."""
    limit = limit_named_by(code)
    if allowed is None or limit is None:
        return False
    now_allowed = getattr(limits, limit, None)
    return isinstance(now_allowed, int | float) and now_allowed > allowed
