"""NR114: what the image says depends on who reads it."""

from __future__ import annotations

from scanner.domain.citations import CVE_2026_46680, NIST_800_190, OCI_CONFIG
from scanner.domain.evidence import layer_at, layer_number, made_by
from scanner.domain.facts import Ambiguity, ImageFacts
from scanner.domain.fixes import rebuild
from scanner.domain.printable import printable, quoted
from scanner.domain.rule import Example, Finding, Rule, ok
from scanner.domain.verdict import Evidence, Outcome, Severity

_SHOWN = 20


def check(facts: ImageFacts, _: int | None = None) -> Finding:
    """Ambiguities that can change the identity; harmless ones are counted in the reason."""
    deciding = [found for found in facts.ambiguities if found.decides]
    if not deciding:
        return ok(_harmless(len(facts.ambiguities)))
    first = deciding[0]
    more = f", and {len(deciding) - 1} more" if len(deciding) > 1 else ""
    said = f"Readers disagree at {quoted(first.where)}: {printable(first.detail, longest=300)}{more}."
    evidence = tuple(_evidence(facts, found) for found in deciding[:_SHOWN])
    return Finding(Outcome.VIOLATED, said, evidence, rebuild(said))


def _harmless(count: int) -> str | None:
    if not count:
        return None
    return f"{count} place{'s' if count > 1 else ''} can be read in two ways, none of which changes who it runs as."


def _evidence(facts: ImageFacts, found: Ambiguity) -> Evidence:
    layer = layer_at(facts, found.layer)
    return {
        "layer": None if layer is None else layer.digest,
        "layer_number": layer_number(layer),
        "created_by": made_by(layer),
        "path": printable(found.where, longest=500),
        "code": found.code,
        "text": printable(found.detail, longest=500),
    }


RULE = Rule(
    id="NR114",
    slug="ambiguous-config",
    title="Two runtimes can read it differently",
    why="A scanner can be shown one user while the runtime starts another.",
    severity=Severity.HIGH,
    references=(OCI_CONFIG, CVE_2026_46680, NIST_800_190),
    violating=Example("The same key twice in the image config", '{"config": {"User": "1000", "user": "0"}}'),
    fine=Example("Every key once", '{"config": {"User": "1000"}}'),
    check=check,
    decided=(
        "Go matches JSON keys without regard to case and lets the last one win; others take the exact key or refuse. A "
        "tar that holds one path twice, or a path and its own whiteout, is applied differently by different engines. "
        "Where that can touch USER or the account files, no single answer is right."
    ),
)
