"""What became of one try."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether it was taken; ``words`` for people hold no secret, no address and nothing of an answer's body.

    :param status: HTTP's or SMTP's; 0 where nobody answered.
    :param wait: seconds that the other side wants to be left alone.
    :param final: the other side says that it will never take it.
    """

    ok: bool
    status: int
    words: str
    wait: int = 0
    final: bool = False
