"""What a tag shows, from the images it leads to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scanner.domain.verdict import Verdict, worst

_LONGEST_RUNS_AS = 200


@dataclass(frozen=True, slots=True)
class ImageView:
    """One judged image, as its tag needs it.

    :param platform: as the index names it, else as the image's config does.
    :param violated: ids of violated rules.
    """

    digest: str
    platform: str
    verdict: Verdict
    score: int | None
    runs_as: str
    violated: tuple[str, ...]
    size: int
    problem: tuple[str, str, str] | None = None


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


def tag_view(images: Sequence[ImageView]) -> TagView:
    """Sum up the images a tag leads to: attestations and other things that cannot run weigh nothing."""
    running = [image for image in images if image.verdict is not Verdict.NOT_APPLICABLE]
    scores = [image.score for image in running if image.score is not None]
    verdict = worst(image.verdict for image in running)
    names = dict.fromkeys(image.runs_as for image in running if image.runs_as)
    return TagView(
        verdict=verdict,
        score=min(scores) if scores and verdict is not Verdict.UNKNOWN else None,
        runs_as=", ".join(names)[:_LONGEST_RUNS_AS],
        platforms=tuple(_strip(image) for image in images),
        violated=tuple(sorted({rule for image in running for rule in image.violated})),
        size=sum(image.size for image in images),
        problem=next((image.problem for image in images if image.problem), None),
    )


def _strip(image: ImageView) -> dict[str, str]:
    return {
        "platform": image.platform,
        "digest": image.digest,
        "verdict": image.verdict.value,
        "runs_as": image.runs_as,
    }
