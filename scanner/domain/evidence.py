"""Evidence in the words all rules share, so that a page can show any rule's the same way.

::

    {"pointer": "/config/User", "declared": "app", "config": "sha256:…", "instruction": "USER app"}
    {"layer": "sha256:…", "layer_number": 4, "path": "/etc/passwd", "line": 27, "text": "app:x:0:0::/app:", …}
"""

from __future__ import annotations

import re

from scanner.domain.accounts import GroupEntry, PasswdEntry
from scanner.domain.facts import AccountFile, ImageFacts, Layer
from scanner.domain.printable import printable
from scanner.domain.verdict import Evidence

_USER_INSTRUCTION = re.compile(r"(?:/bin/sh -c #\(nop\) +)?USER\b", re.IGNORECASE)
_LONGEST_LINE = 300
_LONGEST_COMMAND = 500


def declared(facts: ImageFacts) -> Evidence:
    """What the config says, and the instruction that said it."""
    makers = [entry.created_by for entry in facts.config.history if _USER_INSTRUCTION.match(entry.created_by)]
    return {
        "pointer": "/config/User",
        "declared": printable(facts.config.user, longest=_LONGEST_LINE),
        "config": facts.config_digest,
        "instruction": printable(makers[-1], longest=_LONGEST_COMMAND) if makers else None,
    }


def account_line(facts: ImageFacts, file: AccountFile, entry: PasswdEntry | GroupEntry) -> Evidence:
    """A line of an account file as the container sees it, and the layer that holds it."""
    return {**_place(layer_at(facts, file.layer)), "path": file.path, "line": entry.line, "text": shown_line(entry)}


def layer_at(facts: ImageFacts, position: int | None) -> Layer | None:
    """The layer at a position, where there is one."""
    return facts.layers[position] if position is not None and 0 <= position < len(facts.layers) else None


def layer_number(layer: Layer | None) -> int | None:
    """A layer's number for people: 1 is the bottom."""
    return None if layer is None else layer.position + 1


def made_by(layer: Layer | None) -> str | None:
    """The history entry that made a layer, safe to show."""
    return None if layer is None or layer.created_by is None else printable(layer.created_by, longest=_LONGEST_COMMAND)


def shown_line(entry: PasswdEntry | GroupEntry) -> str:
    """A line of an account file, safe to show."""
    return printable(entry.text, longest=_LONGEST_LINE)


def _place(layer: Layer | None) -> Evidence:
    digest = None if layer is None else layer.digest
    return {"layer": digest, "layer_number": layer_number(layer), "created_by": made_by(layer)}
