from __future__ import annotations

from scanner.domain.facts import Ambiguity
from scanner.rules.nr114_ambiguous_config import RULE
from tests.support.answers import answer, evidence
from tests.support.facts import digest, facts

KEY = Ambiguity("folding-key", "/config/user", "User and user")
PATH = Ambiguity("duplicate-path", "/etc/passwd", "twice in one layer", layer=0)
HARMLESS = Ambiguity("duplicate-path", "/usr/share/doc", "twice in one layer", layer=0, decides=False)


def test_violated() -> None:
    assert answer(RULE, facts(ambiguities=[KEY])) == "violated"


def test_evidence_names_the_layer() -> None:
    found = evidence(RULE, facts(ambiguities=[PATH]))
    assert (found["layer"], found["path"], found["code"]) == (digest(100), "/etc/passwd", "duplicate-path")


def test_ok() -> None:
    assert answer(RULE, facts()) == "ok"


def test_what_cannot_change_the_identity_is_said_and_fine() -> None:
    finding = RULE.check(facts(ambiguities=[HARMLESS]), None)
    assert finding.outcome.value == "ok"
    assert "1 place can be read in two ways" in str(finding.reason)


def test_counts_the_rest() -> None:
    assert "and 1 more" in str(RULE.check(facts(ambiguities=[HARMLESS, KEY, PATH]), None).reason)
