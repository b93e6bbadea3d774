"""The images of one index side by side: what rules about an index say, and what follows for its verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from scanner.domain.facts import ImageFacts
from scanner.domain.identity import StartError, process_groups
from scanner.domain.policy import Policy
from scanner.domain.printable import printable
from scanner.domain.reading import read
from scanner.domain.rule import Finding, PlatformSummary, Rule, unknown
from scanner.domain.score import HIGHEST
from scanner.domain.verdict import Judgement, Outcome, RuleResult, Verdict, worst
from scanner.judge import counts_against, decide, rule_result
from scanner.rulebook import RULES

DOES_NOT_START = "does not start"
LONGEST_IDENTITY = 300


@dataclass(frozen=True, slots=True)
class Compared:
    """What an index adds to the worst of its images.

    :param results: of the rules about an index; empty where fewer than two images can run.
    :param verdict: *fail* or *unknown* where such a rule decides that, else ``None``.
    :param decided_by: ids of the rules that do.
    :param lost: points.
    """

    results: tuple[RuleResult, ...] = ()
    verdict: Verdict | None = None
    lost: int = 0
    decided_by: tuple[str, ...] = ()

    @property
    def violated(self) -> tuple[str, ...]:
        """Ids of the violated rules."""
        return tuple(result.rule for result in self.results if result.outcome is Outcome.VIOLATED)

    def deciding(self, verdict: Verdict) -> tuple[str, ...]:
        """Ids of the rules that make the index have this verdict."""
        return self.decided_by if verdict is self.verdict else ()

    def total(self, verdict: Verdict, score: int | None) -> tuple[Verdict, int | None]:
        """Verdict and score of the index from those of its worst image."""
        together = worst([verdict, self.verdict]) if self.verdict else verdict
        if together not in (Verdict.PASS, Verdict.FAIL) or score is None:
            return together, None
        return together, min(HIGHEST, max(0, score - self.lost))


def identity_word(facts: ImageFacts) -> str:
    """``PlatformSummary.identity``: equal for two images that Docker starts alike, and only for those."""
    answer = read(facts).answer
    if isinstance(answer, StartError):
        return _bounded(f"{DOES_NOT_START}: {answer.message}")
    groups = ",".join(str(gid) for gid in process_groups(answer))
    return _bounded(f"{answer.uid}:{answer.gid}{f' groups {groups}' if groups else ''}")


def compare(platforms: Sequence[PlatformSummary], policy: Policy, rules: Sequence[Rule] = RULES) -> Compared:
    """Ask the rules about an index that the policy has switched on."""
    if sum(platform.verdict is not Verdict.NOT_APPLICABLE for platform in platforms) < 2:
        return Compared()
    asked = [rule for rule in rules if rule.across is not None and policy.setting(rule.id).enabled]
    results = tuple(rule_result(rule, _ask(rule, platforms), policy) for rule in asked)
    deciding = [
        result for rule, result in zip(asked, results, strict=True) if counts_against(policy, rule, result.severity)
    ]
    lost = sum(result.severity.weight for result in results if result.outcome is Outcome.VIOLATED)
    for verdict, outcome in ((Verdict.FAIL, Outcome.VIOLATED), (Verdict.UNKNOWN, Outcome.UNKNOWN)):
        decided_by = tuple(result.rule for result in deciding if result.outcome is outcome)
        if decided_by:
            return Compared(results, verdict, lost, decided_by)
    return Compared(results, None, lost)


def with_results(judgement: Judgement, results: Iterable[RuleResult], policy: Policy) -> Judgement:
    """The judgement of one image of an index, with what was said of the index; it may decide the verdict."""
    said = {result.rule: result for result in results}
    if not said:
        return judgement
    return decide(policy, (said.get(result.rule, result) for result in judgement.results))


def _ask(rule: Rule, platforms: Sequence[PlatformSummary]) -> Finding:
    try:
        return rule.across(platforms) if rule.across else unknown("It is not about an index.")
    except Exception as error:  # as with one image: it must not read as clean
        return unknown(f"The rule could not finish: {type(error).__name__}.")


def _bounded(text: str) -> str:
    """Printable and short; texts that differ stay different."""
    if text.isprintable() and len(text) <= LONGEST_IDENTITY // 2:
        return text
    mark = sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{printable(text, longest=LONGEST_IDENTITY // 2)} [{mark}]"
