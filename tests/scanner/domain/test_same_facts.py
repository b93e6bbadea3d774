from __future__ import annotations

from scanner.domain.same_facts import SameFacts
from tests.support.facts import facts


def test_equal_facts_are_not_the_same() -> None:
    one, other = facts(), facts()
    assert one == other
    assert SameFacts(one) == SameFacts(one)
    assert SameFacts(one) != SameFacts(other)
    assert SameFacts(one) != one
    assert len({SameFacts(one), SameFacts(one), SameFacts(other)}) == 2
