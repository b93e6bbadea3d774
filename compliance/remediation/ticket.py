"""A finding as Markdown for somebody's ticket. Names come from images and registries: none can leave its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from compliance.prose import Block, BlockKind, Span, parse_prose
from compliance.remediation.sla import due_words

_MOST_TAGS = 20
_SPECIAL = re.compile(r"([\\`*_\[\]<>#|~!&@])")
_RUNS = re.compile(r"`+")


@dataclass(frozen=True, slots=True)
class Proof:
    """One place in an image that proves something."""

    where: str
    quote: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says.

    :param tags: names of tags that show the finding, the first of ``tag_count``.
    :param reason: what is wrong, and ``fix`` what to do, in the Markdown that rules write.
    """

    rule: str
    title: str
    severity: str
    repository: str
    platform: str
    status: str
    tag_count: int
    tags: Sequence[str]
    found_at: datetime
    due_at: datetime | None
    url: str
    sentence: str
    reason: str
    proofs: Sequence[Proof]
    fix: str
    assignee: str = ""


def ticket(found: Ticket, now: datetime) -> str:
    """Write it: a heading, the facts as a list, what is wrong, the evidence, what to do."""
    parts = [
        f"## {_text(f'{found.rule} {found.title}')} in {_code(found.repository)}",
        "\n".join(_facts(found, now)),
        *(["### What is wrong", *_wrong(found)] if found.sentence or found.reason else []),
        *(["### Evidence", "\n".join(map(_proof, found.proofs))] if found.proofs else []),
        *(["### What to do", *_blocks(found.fix)] if found.fix else []),
    ]
    return "\n\n".join(parts) + "\n"


def _facts(found: Ticket, now: datetime) -> Iterable[str]:
    yield f"- **Severity:** {_text(found.severity)}"
    if found.platform:
        yield f"- **Platform:** {_code(found.platform)}"
    yield f"- **Tags:** {_tags(found)}"
    yield f"- **Found:** {found.found_at:%Y-%m-%d}"
    due = f" ({found.due_at:%Y-%m-%d})" if found.due_at else ""
    yield f"- **Due:** {due_words(found.due_at, now)}{due}"
    yield f"- **Status:** {_text(found.status)}, {_text(found.assignee) if found.assignee else 'assigned to nobody'}"
    yield f"- **Link:** <{found.url}>"


def _tags(found: Ticket) -> str:
    shown = [_code(name) for name in found.tags[:_MOST_TAGS]]
    more = found.tag_count - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if shown and more > 0 else "") or "none"


def _wrong(found: Ticket) -> list[str]:
    return [*([_text(found.sentence)] if found.sentence else []), *_blocks(found.reason)]


def _proof(proof: Proof) -> str:
    return f"- {_code(proof.where)}: {_code(proof.quote)}" if proof.quote else f"- {_code(proof.where)}"


def _blocks(prose: str) -> list[str]:
    return [_block(block) for block in parse_prose(prose)]


def _block(block: Block) -> str:
    if block.kind is BlockKind.CODE:
        fence = "`" * max(3, _longest_run(block.code) + 1)
        return f"{fence}{block.language}\n{block.code}\n{fence}"
    lead = "- " if block.kind is BlockKind.LIST else ""
    return "\n".join(lead + "".join(map(_span, item)) for item in block.items)


def _span(span: Span) -> str:
    if span.kind == "code":
        return _code(span.text)
    return f"**{_text(span.text)}**" if span.kind == "bold" else _text(span.text)


def _text(text: str) -> str:
    """Text that no reader of Markdown takes for markup, a mention or a tag; in one line."""
    return _SPECIAL.sub(r"\\\1", _line(text))


def _code(text: str) -> str:
    """Inline code with more backticks around it than are in it (CommonMark 6.1)."""
    line = _line(text)
    if not line:
        return "–"
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if "`" in (line[0], line[-1]) or line.isspace() else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def _line(text: str) -> str:
    return "".join(each if each.isprintable() else " " for each in text)


def _longest_run(text: str) -> int:
    return max((len(run) for run in _RUNS.findall(text)), default=0)
