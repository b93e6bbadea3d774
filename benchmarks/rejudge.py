"""How fast a changed policy is applied: `python -m benchmarks.rejudge [IMAGES]`. Budget: 2,000 images a second.

Beside it stands the time for only reading the same facts from Postgres, which no way of judging could undercut.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

from benchmarks.support.database import prepared_database
from scanner.domain.facts import ImageFacts
from scanner.domain.policy import RuleSetting
from scanner.domain.reference import Digest
from scanner.policies import KUBERNETES
from tests.support.facts import APP, APP_GROUP, P0, P0_GROUP, facts

_USERS = ("", "0", "app", "1001", "nobody", "app:docker", "10001:10001", "web")
_TAGS_PER_REPOSITORY = 100


def main(images: int) -> None:
    """Fill, measure twice, print."""
    with prepared_database():
        _fill(images)
        reading = _seconds_to_read()
        judging = _seconds_to_rejudge(images)
    rate = images / judging
    print(f"{images} images judged again in {judging:.2f} s: {rate:.0f} a second (budget 2000)")
    print(f"reading their facts alone: {reading:.2f} s; ratio {judging / reading:.1f}")


def _facts(number: int) -> ImageFacts:
    users = (P0, P0_GROUP) if number % 2 else (APP, APP_GROUP)
    made = facts(_USERS[number % len(_USERS)], passwd=users[0], group=users[1])
    return replace(made, digest=Digest(f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"))


def _fill(images: int) -> None:
    from django.utils import timezone

    from compliance.models import Evaluation, Image, Policy, Repository, Tag
    from compliance.policy.registry_values import RegistryValues
    from compliance.services.judge_images import ImageRead, image_row, judge_stored
    from compliance.services.save_registry import save_registry

    now = timezone.now()
    registry = save_registry(RegistryValues("bench", "https://bench.example", KUBERNETES.name), now=now)
    version = Policy.objects.get(name=KUBERNETES.name).current
    assert version is not None

    def rows() -> Iterator[Image]:
        for number in range(images):
            found = _facts(number)
            yield image_row(ImageRead(found.digest, facts=found), now=now)

    Image.objects.bulk_create(rows(), batch_size=500)
    stored = list(Image.objects.order_by("pk").values_list("pk", "digest"))
    Evaluation.objects.bulk_create(judge_stored((pk for pk, _ in stored), version, now=now), batch_size=500)
    verdicts = dict(Evaluation.objects.values_list("image_id", "verdict"))
    for start in range(0, len(stored), _TAGS_PER_REPOSITORY):
        repository = Repository.objects.create(registry=registry, name=f"r/{start}", first_seen_at=now)
        Tag.objects.bulk_create(
            Tag(
                repository=repository,
                name=f"v{pk}",
                digest=digest,
                image_id=pk,
                verdict=verdicts[pk],
                first_seen_at=now,
                moved_at=now,
                judged_at=now,
            )
            for pk, digest in stored[start : start + _TAGS_PER_REPOSITORY]
        )


def _seconds_to_read() -> float:
    from compliance.models import Image

    began = time.monotonic()
    for _ in Image.objects.values_list("facts", flat=True).iterator(500):
        pass
    return time.monotonic() - began


def _seconds_to_rejudge(images: int) -> float:
    from django.utils import timezone

    from compliance.services.publish_policies import publish_policies
    from compliance.services.rejudge import rejudge

    publish_policies(timezone.now(), [replace(KUBERNETES, settings={"NR101": RuleSetting(fails=True)})])
    began = time.monotonic()
    counts = rejudge(now=timezone.now())
    seconds = time.monotonic() - began
    assert counts.images == images, counts
    return seconds


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5_000)
