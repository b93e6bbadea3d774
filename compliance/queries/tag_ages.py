"""When tags were pushed, as far as what is stored tells."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from compliance.models import IndexImage, Tag
from compliance.policy.scan_scope import OUT_OF_SCOPE
from compliance.policy.tag_age import pushed_at


def still_there() -> Q:
    """Repositories or tags the registry listed last, those out of scope included."""
    return Q(deleted_at=None) | Q(problem_code=OUT_OF_SCOPE)


def dated_tags(tags: QuerySet[Tag], most: int | None = None) -> Iterator[tuple[int, str, datetime]]:
    """The repository's id, the name and the time of each; an index is as young as its youngest image.

    One that was deleted is not dated: listed again, it is a new one.
    """
    # As a subquery it is asked for the rows that are returned, not for all that are sorted.
    children = IndexImage.objects.filter(index=OuterRef("index")).order_by().values("index")
    youngest = Subquery(children.annotate(built=Max("image__built_at")).values("built"))
    rows = tags.filter(still_there()).annotate(built=Coalesce("image__built_at", youngest))
    columns = ("repository_id", "name", "first_seen_at", "moved_at", "built")
    for pk, name, first, moved, when in rows.values_list(*columns)[:most]:
        yield pk, name, pushed_at(first_seen=first, moved=moved, built=when)
