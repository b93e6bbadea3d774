"""Which tags show which findings: what outlines say now against what is stored, one statement for all tags.

A few hundred outlines are weighed in Python; what each says travels as JSON. ``remediation.cause`` says what is
violated; tests hold the statement to a slow oracle.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from compliance.models import PolicyVersion
from compliance.policy.document import read_policy
from compliance.policy.protected_tags import patterns_regex
from compliance.remediation.cause import (
    ABOUT_USER,
    ACROSS,
    LONGEST_SUBJECT,
    RUNS_AS_ROOT,
    SUBJECT_KEPT,
    Causes,
    asked_for,
    causes_across,
    causes_of,
)
from compliance.services.occurrence_statements import MATCH, OF_REPOSITORIES, OF_TAGS, SAID
from scanner.domain.policy import Policy
from scanner.domain.rule import PlatformSummary
from scanner.domain.verdict import Severity, Verdict
from scanner.judge import REVISION


@dataclass(frozen=True, slots=True)
class Scope:
    """Which tags: of these repositories all, or these. Their repositories' rows are held by the caller."""

    repositories: Sequence[int] | None = None
    tags: Sequence[int] = ()

    @property
    def condition(self) -> str:
        """For a statement that calls the tags ``t``."""
        return OF_TAGS if self.repositories is None else OF_REPOSITORIES

    @property
    def values(self) -> dict[str, list[int]]:
        """Its parameters."""
        return {"tags": list(self.tags)} if self.repositories is None else {"repositories": list(self.repositories)}


@dataclass(frozen=True, slots=True)
class Pointed:
    """What a tag pointed to before, and what it said of it then.

    :param back: 0 where that was just before now, and more the longer it is ago.
    :param unsaid: platforms of which it did not say who runs them, with an empty one for whatever there were: that one
        is found to be root since then was known to nobody.
    :param moved: whether it points elsewhere now; otherwise what it points to has been read since.
    """

    tag: int
    image: int | None
    index: int | None
    back: int = 0
    unsaid: Sequence[str] = ()
    moved: bool = True


@dataclass(frozen=True, slots=True)
class Moves:
    """What scanned tags pointed to before that point elsewhere now, or of which more was read since.

    :param pusher: who pushed every one of the scanned tags, where that was one and is known.
    """

    pointed: Sequence[Pointed] = ()
    pusher: str | None = None


@dataclass(frozen=True, slots=True)
class Touched:
    """A finding some of whose occurrences differ from before.

    :param made: it is new.
    :param turned: a tag began to show it that runs as root only since now.
    :param proved: a scan saw a tag without it; ``gone``: one with it is gone.
    :param proved_at: when the registry was asked for the first of the tags without it.
    """

    finding: int
    made: bool
    turned: bool
    proved: bool
    gone: bool
    proved_at: datetime | None


def match_occurrences(
    scope: Scope, version: PolicyVersion, *, now: datetime, moved: Iterable[Pointed] = ()
) -> list[Touched]:
    """Write occurrences, and findings that nobody knew, as yet without their totals; return what was touched.

    :param moved: of tags that point elsewhere now, or of whose images more was read since.
    """
    policy = read_policy(version.document)
    basic = {**scope.values, "revision": REVISION}
    values = {
        **basic,
        **_said_of_images(scope, policy, basic),
        **_CONSTANTS,
        "asked": asked_for(policy),
        "pointed": json.dumps([asdict(each) for each in moved]),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(MATCH.format(scope=scope.condition), values)
        return [Touched(*row) for row in cursor.fetchall()]


_NOT_ASKED = Causes(verdict=Verdict.UNKNOWN)
_CONSTANTS: dict[str, Any] = {
    "about_user": sorted(ABOUT_USER),
    "root": sorted(RUNS_AS_ROOT),
    "comparing": sorted(ACROSS),
    "longest": LONGEST_SUBJECT,
    "kept": SUBJECT_KEPT,
    "critical": Severity.CRITICAL.rank,
}


def _said_of_images(scope: Scope, policy: Policy, basic: Mapping[str, Any]) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(SAID.format(scope=scope.condition), basic)
        said: list[tuple[str, int, str]] = cursor.fetchall()
    causes = {pk: causes_of(text, policy) for kind, pk, text in said if kind == "outline"}
    children = {pk: text for kind, pk, text in said if kind == "index"}
    lists = {text: _across(text, causes, policy) for text in set(children.values())}
    across = {index: lists[text] for index, text in children.items()}
    return {
        "violated": _violated("outline", causes),
        "unknown": _unknown("outline", causes),
        "blind": [pk for pk, each in causes.items() if each.blind],
        "across_violated": _violated("index", across),
        "across_unknown": _unknown("index", across),
        "protected": json.dumps(
            [
                {"repository": pk, "pattern": patterns_regex(json.loads(text))}
                for kind, pk, text in said
                if kind == "repository"
            ]
        ),
    }


def _across(text: str, causes: Mapping[int, Causes], policy: Policy) -> Causes:
    children: list[tuple[int | None, str]] = json.loads(text)
    return causes_across(
        [
            PlatformSummary("", "", causes.get(outline or 0, _NOT_ASKED).verdict, identity)
            for outline, identity in children
        ],
        policy,
    )


def _violated(key: str, causes: Mapping[int, Causes]) -> str:
    return json.dumps(
        [
            {key: pk, "rule": cause.rule, "rank": cause.rank, "decides": cause.decides}
            for pk, each in causes.items()
            for cause in each.violated
        ]
    )


def _unknown(key: str, causes: Mapping[int, Causes]) -> str:
    return json.dumps([{key: pk, "rule": rule} for pk, each in causes.items() for rule in sorted(each.unknown)])
