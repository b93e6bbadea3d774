"""What a tag shows, from the images it leads to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scanner.across import compare
from scanner.domain.policy import Policy
from scanner.domain.rule import PlatformSummary
from scanner.domain.verdict import Verdict, worst

_LONGEST_RUNS_AS = 200


@dataclass(frozen=True, slots=True)
class ImageView:
    """One judged image, as its tag needs it.

    :param platform: as the index names it, else as the image's config does.
    :param violated: ids of violated rules.
    :param identity: ``PlatformSummary.identity``; empty where it could not be read.
    """

    digest: str
    platform: str
    verdict: Verdict
    score: int | None
    runs_as: str
    violated: tuple[str, ...]
    size: int
    problem: tuple[str, str, str] | None = None
    identity: str = ""


@dataclass(frozen=True, slots=True)
class TagView:
    """The worst of its platforms. ``problem`` is (code, message, remedy) of the first one that has one."""

    verdict: Verdict
    score: int | None
    runs_as: str
    platforms: tuple[dict[str, str], ...]
    violated: tuple[str, ...]
    size: int
    problem: tuple[str, str, str] | None


def tag_view(images: Sequence[ImageView], policy: Policy) -> TagView:
    """Sum up the images a tag leads to: attestations and other things that cannot run weigh nothing.

    What rules about an index say of them is added under the tag's policy.
    """
    running = [image for image in images if image.verdict is not Verdict.NOT_APPLICABLE]
    scores = [image.score for image in running if image.score is not None]
    compared = compare([summary(image) for image in images], policy)
    worst_of_them = worst(image.verdict for image in running)
    verdict, score = compared.total(worst_of_them, min(scores, default=None))
    names = dict.fromkeys(image.runs_as for image in running if image.runs_as)
    return TagView(
        verdict=verdict,
        score=score,
        runs_as=", ".join(names)[:_LONGEST_RUNS_AS],
        platforms=tuple(_strip(image) for image in images),
        violated=tuple(sorted({*compared.violated, *(rule for image in running for rule in image.violated)})),
        size=sum(image.size for image in images),
        problem=next((image.problem for image in images if image.problem), None),
    )


def summary(image: ImageView) -> PlatformSummary:
    """An image as rules about an index see it."""
    return PlatformSummary(image.platform, image.digest, image.verdict, image.identity)


def summary_of_strip(strip: Mapping[str, str]) -> PlatformSummary:
    """The same from what ``TagView.platforms`` says."""
    identity = strip.get("identity", strip["runs_as"])
    return PlatformSummary(strip["platform"], strip["digest"], Verdict(strip["verdict"]), identity)


def _strip(image: ImageView) -> dict[str, str]:
    strip = {
        "platform": image.platform,
        "digest": image.digest,
        "verdict": image.verdict.value,
        "runs_as": image.runs_as,
    }
    # A million tags: what ``runs_as`` says already is not stored a second time.
    return strip if image.identity == image.runs_as else {**strip, "identity": image.identity}
