"""Facts as a key of a cache."""

from __future__ import annotations

from scanner.domain.facts import ImageFacts


class SameFacts:
    """Equal only to the very same facts: hashing their bytes for every rule would cost more than reading them."""

    __slots__ = ("facts",)

    def __init__(self, facts: ImageFacts) -> None:
        self.facts = facts

    def __hash__(self) -> int:
        return id(self.facts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SameFacts) and self.facts is other.facts
