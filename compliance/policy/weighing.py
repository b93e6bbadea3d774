"""Stored outlines under policies: what each makes of an image, and why two of them differ."""

from __future__ import annotations

from scanner.domain.outline import UnreadableOutline, load_outline
from scanner.domain.policy import Policy
from scanner.domain.verdict import Verdict
from scanner.judge import UNREAD, Applied, apply


def weigh(policy: Policy, text: str) -> Applied:
    """A stored outline under a policy; one that cannot be read is *unknown*."""
    try:
        return apply(policy, load_outline(text))
    except UnreadableOutline:
        return apply(policy, UNREAD)


def deciding(verdict: Verdict, failed_on: tuple[str, ...], unsure_of: tuple[str, ...]) -> frozenset[str]:
    """The rules that made a verdict what it is; none for *pass*."""
    if verdict is Verdict.FAIL:
        return frozenset(failed_on)
    return frozenset(unsure_of) if verdict is Verdict.UNKNOWN else frozenset()


def because(before: frozenset[str], after: frozenset[str]) -> tuple[str, ...]:
    """The rules whose treatment turned one verdict into another: those that decide now and did not, else the others."""
    return tuple(sorted(after - before or before - after or after))
