"""Which team owns a repository: that of the last rule that fits, as in CODEOWNERS.

A rule is a glob over names of repositories, or over the value of a label of the image the repository's newest tag
points to. Rules that are meant for few stand below those that are meant for many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from compliance.policy.assignment import LONGEST_PATTERN, InvalidPattern, parse_pattern
from compliance.policy.globs import compile_glob

MOST_LABELS: Final = 50
LONGEST_LABEL: Final = 200
LONGEST_VALUE: Final = 500

COMMON_LABELS: Final = (
    "org.opencontainers.image.source",
    "org.opencontainers.image.vendor",
    "org.opencontainers.image.authors",
    "org.opencontainers.image.title",
)
"""What the image spec calls labels that say where an image comes from (OCI image spec, "Annotations")."""


@dataclass(frozen=True, slots=True)
class OwnershipRule:
    """One rule; ``team`` and ``id`` are ids.

    :param registry: of which registry; ``None`` for all.
    :param label: the label whose value has to fit; empty for the name of the repository.
    """

    id: int
    team: int
    pattern: str
    registry: int | None = None
    label: str = ""

    def fits(self, name: str, registry: int, labels: Mapping[str, str]) -> bool:
        """Whether a repository is meant."""
        if self.registry not in (registry, None):
            return False
        text = labels.get(self.label) if self.label else name
        return text is not None and compile_glob(self.pattern).fits(text)


def deciding_rule(
    name: str, registry: int, labels: Mapping[str, str], rules: Sequence[OwnershipRule]
) -> OwnershipRule | None:
    """The last rule that fits a repository.

    :param rules: in their order.
    """
    return next((rule for rule in reversed(rules) if rule.fits(name, registry, labels)), None)


def owner_of(name: str, registry: int, labels: Mapping[str, str], rules: Sequence[OwnershipRule]) -> int | None:
    """The id of the team that owns a repository by the rules, or ``None`` where none fits.

    :param rules: in their order.
    """
    rule = deciding_rule(name, registry, labels, rules)
    return rule.team if rule else None


def parse_rule(label: str, pattern: str) -> str:
    """Read the glob of a rule: over names of repositories, or with a label over any text that a label can hold.

    :raises InvalidPattern: when nothing can fit it; the message says why.
    """
    if not label:
        return parse_pattern(pattern)
    if not pattern:
        raise InvalidPattern("Enter a value or a pattern, for example https://git.example/payments/*.")
    if len(pattern) > LONGEST_PATTERN:
        raise InvalidPattern(f"A pattern may have at most {LONGEST_PATTERN} characters.")
    if not (pattern.isprintable() and label.isprintable()):
        raise InvalidPattern("Labels are kept as text that can be seen; this holds a character that cannot.")
    return pattern


def kept_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """What is kept of an image's labels: at most ``MOST_LABELS`` that can be shown, the common ones before others.

    What is too long or holds unprintable characters is left out, not cut: half a value would fit other rules than all
    of it.
    """
    usable = {key: value for key, value in labels.items() if _is_usable(key, value)}
    common = [key for key in COMMON_LABELS if key in usable]
    rest = sorted(usable.keys() - set(common))
    return {key: usable[key] for key in [*common, *rest][:MOST_LABELS]}


def _is_usable(key: str, value: str) -> bool:
    fits = 0 < len(key) <= LONGEST_LABEL and 0 < len(value) <= LONGEST_VALUE
    return fits and key.isprintable() and value.isprintable()
