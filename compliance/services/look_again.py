"""Tags whose image is about to be read anew, wherever they are: the next scan must not pass over them."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Q

from compliance.models import Image, Tag
from scanner.storage import FACTS_SCHEMA

_BATCH = 1_000


def overwritten(digests: Iterable[str]) -> set[int]:
    """Ids of the images that a new reading of these digests replaces: an outgrown limit's, or an older release's."""
    again = ~Q(problem_code="") | Q(facts_schema__lt=FACTS_SCHEMA)
    return set(Image.objects.filter(again, digest__in=list(digests)).values_list("pk", flat=True))


def look_again(image_ids: set[int]) -> int:
    """Forget by which version the tags that lead to these images were judged; return how many there were.

    To be called before the images are written: whoever dies in between has only made work, not lost it.
    """
    if not image_ids:
        return 0
    leading = Q(image__in=image_ids) | Q(index__children__image__in=image_ids)
    pks = sorted(set(Tag.objects.filter(leading, judged_by__isnull=False).values_list("pk", flat=True)))
    for start in range(0, len(pks), _BATCH):
        with transaction.atomic():
            # In the order of ids, so that two who mark the same tags do not wait for each other in a circle.
            rows = Tag.objects.filter(pk__in=pks[start : start + _BATCH]).order_by("pk").select_for_update(of=("self",))
            Tag.objects.filter(pk__in=[row.pk for row in rows.only("pk")]).update(judged_by=None)
    return len(pks)
