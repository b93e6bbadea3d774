"""What tags pointed to before they moved, also where nobody could read them in between."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from compliance.models import Image, Index, TagChange, VerdictChoice
from compliance.services.match_occurrences import Pointed

_KNOWN = (VerdictChoice.PASS, VerdictChoice.FAIL)


def pointed_before(moved: Sequence[Pointed]) -> list[Pointed]:
    """Fill in what could last be read of tags that could not be read when they moved.

    A registry that falls silent for a moment after a push must not hide that the tag ran as somebody else before it.
    """
    unread = {each.tag for each in moved if each.image is None and each.index is None}
    digests = _last_known(unread) if unread else {}
    if not digests:
        return list(moved)
    wanted = list(digests.values())
    images = dict(Image.objects.filter(digest__in=wanted).values_list("digest", "pk"))
    indexes = dict(Index.objects.filter(digest__in=wanted).values_list("digest", "pk"))
    return [
        replace(each, image=images.get(digests[each.tag]), index=indexes.get(digests[each.tag]))
        if each.tag in digests
        else each
        for each in moved
    ]


def _last_known(tags: Collection[int]) -> dict[int, str]:
    rows = TagChange.objects.filter(tag__in=tags, was__in=_KNOWN).exclude(from_digest="")
    return dict(rows.order_by("tag_id", "-pk").distinct("tag_id").values_list("tag_id", "from_digest"))
