"""What is known of images under a policy version: outlines are weighed, images asked only where nobody did."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from compliance.models import Evaluation, Image, Outline, PolicyVersion
from compliance.models.bulk import upsert_rows
from compliance.policy.document import read_policy
from compliance.policy.weighing import weigh
from compliance.services.ask_images import ask_stored
from compliance.services.known_images import Known, known_images
from scanner.domain.policy import Policy
from scanner.judge import REVISION

_UNIQUE = ("outline", "policy_version")


def judged_images(digests: Iterable[str], version: PolicyVersion, *, now: datetime, platforms: str = "") -> Known:
    """What is stored of these digests, all of it judged under a version, without a registry.

    :param platforms: ``Index.platforms``.
    """
    wanted = set(digests)
    known = known_images(wanted, version, platforms)
    unjudged = known.unjudged()
    if not unjudged:
        return known
    ask_stored(list(stale_images().filter(pk__in=unjudged).order_by("pk").values_list("pk", flat=True)))
    outlines = Image.objects.filter(pk__in=unjudged).exclude(outline=None).values_list("outline_id", flat=True)
    evaluate(version, {pk for pk in outlines if pk is not None}, now=now)
    return known_images(wanted, version, platforms)


def stale_images() -> QuerySet[Image]:
    """Images that other rules than ours have been put to."""
    # Two ranges and not "other than", which no index answers.
    return Image.objects.filter(Q(outline_revision__lt=REVISION) | Q(outline_revision__gt=REVISION))


def evaluate(version: PolicyVersion, outline_ids: Collection[int] | None = None, *, now: datetime) -> int:
    """Weigh outlines that nobody has weighed under this version; return how many there were.

    :param outline_ids: only these; ``None`` for all that some image has.
    """
    judged = Evaluation.objects.filter(outline=OuterRef("pk"), policy_version=version)
    rows = Outline.objects.filter(~Exists(judged))
    if outline_ids is None:
        rows = rows.filter(Exists(Image.objects.filter(outline=OuterRef("pk"))))
    else:
        rows = rows.filter(pk__in=outline_ids)
    policy = read_policy(version.document)
    # In one order: two workers that insert the same must not wait for each other in a circle.
    made = [_evaluation(row, version, policy, now) for row in rows.order_by("pk")]
    upsert_rows(made, _UNIQUE, replace=False)
    return len(made)


def _evaluation(row: Outline, version: PolicyVersion, policy: Policy, now: datetime) -> Evaluation:
    found = weigh(policy, row.text)
    return Evaluation(
        outline=row,
        policy_version=version,
        verdict=found.verdict.value,
        score=found.score,
        failed_on=list(found.failed_on),
        unsure_of=list(found.unsure_of),
        violated=sorted(found.violated),
        evaluated_at=now,
    )
