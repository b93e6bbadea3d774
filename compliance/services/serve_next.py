"""What a worker does when it is rung for a repository's part: whichever waits longest for its turn."""

from __future__ import annotations

import secrets

from compliance.models import RepositoryScan
from compliance.policy.wake_up import WakeUp, Work
from compliance.services.list_repositories import Clock, Opener
from compliance.services.open_source import open_source
from compliance.services.scan_repository import scan_repository
from compliance.services.take_turn import next_part
from compliance.services.tell_people import waiting_deliveries

_PUSHES_FIRST = 3, 4
"""Three times in four; a flood of pushes must not keep whole scans from their turn for ever."""


def serve_next(rung_for: int, *, clock: Clock, opener: Opener = open_source) -> list[WakeUp]:
    """Work on the piece whose turn it is, and say which is next and who is to be told of what was found.

    :param rung_for: the piece the message names; only heavy ones are done where messages for heavy ones arrive.
    """
    heavy = RepositoryScan.objects.filter(pk=rung_for, heavy=True).exists()
    begun = clock()
    chosen = next_part(begun, heavy=heavy, pushes_first=_pushes_first())
    if chosen is None:
        return []
    left = scan_repository(chosen.id, clock=clock, opener=opener)
    apart = [wake_up for wake_up in left if not heavy and wake_up.work is Work.HEAVY_REPOSITORY_SCAN]
    now = clock()
    apart += waiting_deliveries(now, since=begun)
    following = next_part(now, heavy=heavy)
    return apart if following is None else [*apart, following]


def _pushes_first() -> bool:
    times, of = _PUSHES_FIRST
    return secrets.randbelow(of) < times
