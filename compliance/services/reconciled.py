"""What scans and judging again make of findings, for whoever counts them or tells of them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Reconciled:
    """What became of findings, by their ids.

    :param critical: new ones of the highest severity; ``regressions``: those a tag has just begun to show that ran as
        somebody else before and runs as root now. Somebody is to be told of both at once.
    :param pusher: who pushed what they were found in, where that was one and is known.
    :param recount: tags are excused, or no longer: they are to be counted again, whether they were written or not.
    """

    new: list[int] = field(default_factory=list)
    fixed: list[int] = field(default_factory=list)
    regressed: list[int] = field(default_factory=list)
    critical: list[int] = field(default_factory=list)
    regressions: list[int] = field(default_factory=list)
    recount: bool = False
    pusher: str | None = None
