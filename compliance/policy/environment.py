"""What people call the place a registry's images run in: one short word, the same in forms and in addresses."""

from __future__ import annotations

import re
from typing import Final

LONGEST_ENVIRONMENT: Final = 30
ENVIRONMENT: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,29}", re.ASCII)


class InvalidEnvironment(ValueError):
    """What was entered is no such word."""


def parse_environment(text: str) -> str:
    """Read a label; capital letters count as small ones.

    :raises InvalidEnvironment: when it is not one word of letters, digits, hyphens and underscores.
    """
    label = text.strip().lower()
    if label and not ENVIRONMENT.fullmatch(label):
        raise InvalidEnvironment("Write one word of letters, digits, hyphens and underscores.")
    return label
