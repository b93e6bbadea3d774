from __future__ import annotations

from datetime import UTC, datetime

import pytest

from compliance.policy.tag_change import Kind, TagState, deletion, failing_since, what_happened
from scanner.domain.verdict import Verdict

NOW = datetime(2026, 3, 1, tzinfo=UTC)
EARLIER = datetime(2026, 2, 1, tzinfo=UTC)
PASS, FAIL, UNKNOWN, NOTHING = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.NOT_APPLICABLE

CASES = [
    # before, digest now, verdict now → kind, new, fixed, failing since
    (None, "a", FAIL, Kind.CREATED, True, False, NOW),
    (None, "a", PASS, Kind.CREATED, False, False, None),
    (None, "", UNKNOWN, Kind.CREATED, False, False, None),
    (TagState("a", FAIL, EARLIER), "a", FAIL, None, False, False, EARLIER),
    (TagState("a", PASS), "a", PASS, None, False, False, None),
    (TagState("a", FAIL, EARLIER), "b", PASS, Kind.MOVED, False, True, None),
    (TagState("a", FAIL, EARLIER), "b", FAIL, Kind.MOVED, False, False, EARLIER),
    (TagState("a", PASS), "b", FAIL, Kind.MOVED, True, False, NOW),
    (TagState("a", FAIL, EARLIER), "a", UNKNOWN, Kind.REJUDGED, False, False, EARLIER),
    (TagState("a", UNKNOWN, EARLIER), "a", FAIL, Kind.REJUDGED, False, False, EARLIER),
    (TagState("a", UNKNOWN, EARLIER), "a", PASS, Kind.REJUDGED, False, True, None),
    (TagState("a", UNKNOWN), "a", FAIL, Kind.REJUDGED, True, False, NOW),
    (TagState("a", FAIL, EARLIER), "b", NOTHING, Kind.MOVED, False, True, None),
    (TagState("a", FAIL, EARLIER, deleted=True), "a", FAIL, Kind.RETURNED, True, False, NOW),
    (TagState("a", FAIL, EARLIER, deleted=True), "b", PASS, Kind.RETURNED, False, False, None),
]


@pytest.mark.parametrize(("before", "digest", "verdict", "kind", "new", "fixed", "since"), CASES)
def test_what_happened(
    before: TagState | None,
    digest: str,
    verdict: Verdict,
    kind: Kind | None,
    new: bool,
    fixed: bool,
    since: datetime | None,
) -> None:
    change = what_happened(before, digest, verdict)

    assert (change.kind if change else None) == kind
    assert (change.new if change else False, change.fixed if change else False) == (new, fixed)
    assert failing_since(before, verdict, NOW) == since


def test_a_deleted_tag_is_neither_new_nor_fixed() -> None:
    change = deletion(TagState("a", FAIL, EARLIER))

    assert (change.kind, change.new, change.fixed) == (Kind.DELETED, False, False)
    assert (change.was, change.became) == (FAIL, None)
