"""How fast a changed policy, and a changed rule, are applied: `python -m benchmarks.rejudge [IMAGES]`.

Budget of a changed policy: 2,000 images a second. Beside each stands what no way of doing it could undercut, in the
same run: a plain UPDATE of as many of the same rows, and only reading the same facts from Postgres.
"""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from benchmarks.support.database import prepared_database
from scanner.domain.facts import ImageFacts
from scanner.domain.policy import RuleSetting
from scanner.domain.reference import Digest
from scanner.policies import KUBERNETES
from tests.support.clean import clean
from tests.support.facts import APP, APP_GROUP, P0, P0_GROUP, facts

_USERS = ("", "0", "app", "1001", "nobody", "app:docker", "10001:10001", "web")
_TAGS_PER_REPOSITORY = 100
_UPDATE = """
UPDATE compliance_tag SET verdict = CASE verdict WHEN 'fail' THEN 'pass' ELSE 'fail' END, violated = '["NR101"]',
    score = 50, judged_at = now()
"""
_LENIENT = {"NR101": RuleSetting(fails=True), "NR105": RuleSetting(enabled=False)}


def main(images: int) -> None:
    """Fill, measure, print."""
    with prepared_database():
        _fill(images)
        updating = _seconds(_update)
        policy = _seconds(_change_policy)
        reading = _seconds(_read)
        rule = _seconds(_change_rule)
    print(f"changed policy: {images} images in {policy:.2f} s: {images / policy:.0f} a second (budget 2000)")
    print(f"  a plain UPDATE of their tags: {updating:.2f} s; ratio {policy / updating:.1f}")
    print(f"changed rule: {images} images asked again in {rule:.2f} s: {images / rule:.0f} a second")
    print(f"  reading their facts alone: {reading:.2f} s; ratio {rule / reading:.1f}")


def _facts(number: int) -> ImageFacts:
    user = _USERS[number % len(_USERS)]
    if number % 3 == 0:
        made = clean(user)
    else:
        users = (P0, P0_GROUP) if number % 2 else (APP, APP_GROUP)
        made = facts(user, passwd=users[0], group=users[1])
    return replace(made, digest=Digest(f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}"))


def _fill(images: int) -> None:
    from django.db import connection
    from django.utils import timezone

    from compliance.models import Image, Policy, Repository, Tag
    from compliance.policy.registry_values import RegistryValues
    from compliance.services.ask_images import ImageRead, image_rows
    from compliance.services.rejudge import rejudge
    from compliance.services.save_registry import save_registry

    now = timezone.now()
    registry = save_registry(RegistryValues("bench", "https://bench.example", KUBERNETES.name), now=now)
    policy = Policy.objects.get(name=KUBERNETES.name)

    def read() -> Iterator[ImageRead]:
        for number in range(images):
            found = _facts(number)
            yield ImageRead(found.digest, facts=found)

    Image.objects.bulk_create(image_rows(read(), now=now), batch_size=500)
    stored = list(Image.objects.order_by("pk").values_list("pk", "digest"))
    for start in range(0, len(stored), _TAGS_PER_REPOSITORY):
        part = stored[start : start + _TAGS_PER_REPOSITORY]
        repository = Repository.objects.create(
            registry=registry, policy=policy, name=f"r/{start}", first_seen_at=now, tags_total=len(part)
        )
        Tag.objects.bulk_create(
            Tag(
                repository=repository,
                name=f"v{pk}",
                digest=digest,
                image_id=pk,
                verdict="unknown",
                first_seen_at=now,
                moved_at=now,
                judged_at=now,
            )
            for pk, digest in part
        )
    rejudge(clock=lambda: now)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def _seconds(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _update() -> None:
    """Other verdicts and rules, which stand in indexes, as when a policy changes; then all is taken back."""
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_UPDATE)
        transaction.set_rollback(True)


def _change_policy() -> None:
    from django.utils import timezone

    from compliance.models import Tag
    from compliance.services.publish_policies import publish_policies
    from compliance.services.rejudge import finish_rejudgings

    now = timezone.now()
    publish_policies(now, [replace(KUBERNETES, settings=_LENIENT)])
    counts = finish_rejudgings(clock=lambda: now)
    assert (counts.tags, counts.asked) == (Tag.objects.count(), 0), counts
    assert counts.changed > counts.tags // 8, counts


def _read() -> None:
    from compliance.models import Image

    for _ in Image.objects.values_list("facts", flat=True).iterator(500):
        pass


def _change_rule() -> None:
    from compliance.models import Image
    from compliance.services.rejudge import ask_again

    Image.objects.update(outline_revision=1)
    assert ask_again() == Image.objects.count()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
