"""What proves a finding, in one line of a list: the file and its mode, or the rule's words about who runs.

Only facts are stored, so the rule is asked again of an image that shows it, which takes a fraction of a millisecond. Of
an image with uncommonly many facts the line says who it runs as; the finding's page says the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.db.models import BinaryField, Case, F, Func, IntegerField, OuterRef, Q, QuerySet, Subquery, When

from compliance.models import Finding, Image, Occurrence
from compliance.policy.tag_view import summary_of_strip
from scanner.domain.printable import printable
from scanner.domain.rule import Finding as Answer
from scanner.domain.verdict import Outcome
from scanner.judge import ask_rule
from scanner.rulebook import RULES
from scanner.storage import UnreadableFacts, load_facts

MOST_BYTES: Final = 32_768
"""Of facts as they are stored; a Debian with an application has 2,400."""

_LONGEST_PATH = 44
_LONGEST_LINE = 90
_RULES = {rule.id: rule for rule in RULES}
_SHOWING = Occurrence.objects.filter(finding=OuterRef("pk")).order_by("-regression", "-proved", "pk")
_IMAGE = Subquery(_SHOWING.filter(image__isnull=False).values("image")[:1])
_STRIPS = Subquery(_SHOWING.values("tag__platforms")[:1])
_SIZE = Func(F("facts"), function="octet_length", output_field=IntegerField())


@dataclass(frozen=True, slots=True)
class Proof:
    """What is seen of it in a line, and all that the rule says where that is more."""

    short: str
    whole: str = ""

    @classmethod
    def cut(cls, line: str, whole: str) -> Proof:
        """What fits into a line."""
        short = line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 1]}…"
        return cls(short, whole if short != whole else "")


def with_proof(rows: QuerySet[Finding]) -> QuerySet[Finding]:
    """Findings with what ``evidence_of`` needs of one of their tags; rules that compare platforms need all of it."""
    return rows.annotate(image=_IMAGE, strips=Case(When(platform="", then=_STRIPS)))


def evidence_of(found: Iterable[Mapping[str, Any]]) -> dict[int, Proof]:
    """What there is to say of each finding, by its id; one query.

    :param found: values of ``with_proof``.
    """
    rows = list(found)
    stored = _stored({row["image"] for row in rows} - {None})
    said = {}
    for row in rows:
        runs_as, facts = stored.get(row["image"], ("", None))
        otherwise = Proof.cut(f"Runs as {runs_as}", f"Runs as {runs_as}") if runs_as else None
        proof = _across(row["rule"], row["strips"]) if row["strips"] else facts and _proof_in(facts, row["rule"])
        if proof := proof or otherwise:
            said[row["pk"]] = proof
    return said


def _stored(images: set[int]) -> dict[int, tuple[str, bytes | None]]:
    """Who images run as, and their facts, where these are not too many."""
    if not images:
        return {}
    rows = Image.objects.filter(pk__in=images).annotate(stored=_SIZE)
    small = Case(When(Q(stored__lte=MOST_BYTES), then=F("facts")), output_field=BinaryField())
    return {pk: (runs_as, facts and bytes(facts)) for pk, runs_as, facts in rows.values_list("pk", "runs_as", small)}


@lru_cache(maxsize=512)
def _proof_in(stored: bytes, rule: str) -> Proof | None:
    """What a rule says of an image that violates it; equal facts are the same image, whichever row holds them."""
    known = _RULES.get(rule)
    if known is None:
        return None
    try:
        answer = ask_rule(known, load_facts(stored), None)
    except UnreadableFacts:
        return None
    return _proof(answer) if answer.outcome is Outcome.VIOLATED else None


def _across(rule: str, strips: Iterable[Mapping[str, str]]) -> Proof | None:
    known = _RULES.get(rule)
    if known is None or known.across is None:
        return None
    answer = known.across([summary_of_strip(strip) for strip in strips])
    return _proof(answer) if answer.outcome is Outcome.VIOLATED else None


def _proof(answer: Answer) -> Proof:
    """The first file with what is wrong with it, where files are what it is about."""
    whole = (answer.reason or "").replace("`", "")  # it is cut in a list, maybe between two of them
    files = [each for each in answer.evidence if each.get("path") and each.get("text") and not each.get("line")]
    if not files or files[0] is not answer.evidence[0]:
        return Proof.cut(whole, whole)
    more = f", and {len(files) - 1} more" if len(files) > 1 else ""
    return Proof.cut(printable(f"{_cut(str(files[0]['path']))}: {files[0]['text']}{more}"), whole)


def _cut(path: str) -> str:
    """Both ends of a long path, so that its mode is still seen behind it."""
    return path if len(path) <= _LONGEST_PATH else f"{path[:20]}…{path[-20:]}"
