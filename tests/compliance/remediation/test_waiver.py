from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.remediation.waiver import (
    COUNTS,
    WARNINGS,
    Answer,
    Approval,
    Candidate,
    FindingFacts,
    ShownBy,
    WaiverScope,
    WaiverState,
    WaiverTerms,
    covers,
    days_to_warn,
    not_agreed,
    state_of,
    waiver_of,
)

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)
AS_ROOT, AS_APP = "k-root", "k-app"
FINDING = FindingFacts("NR101", 1, "team/app", 7, (ShownBy("1.0", "sha256:a", AS_ROOT, "sha256:amd64"),))
ALL = WaiverScope("NR101")


def _two_tags(first: str = AS_ROOT, second: str = AS_ROOT) -> FindingFacts:
    return replace(FINDING, occurrences=(ShownBy("1.0", "sha256:a", first), ShownBy("edge", "sha256:b", second)))


@pytest.mark.parametrize(
    ("scope", "answer"),
    [
        (ALL, Answer.COVERED),
        (WaiverScope("NR102"), Answer.OUT_OF_SCOPE),
        (replace(ALL, registry_id=1), Answer.COVERED),
        (replace(ALL, registry_id=2), Answer.OUT_OF_SCOPE),
        (replace(ALL, team_id=7), Answer.COVERED),
        (replace(ALL, team_id=8), Answer.OUT_OF_SCOPE),
        (replace(ALL, repository="team/app"), Answer.COVERED),
        (replace(ALL, repository="team/*"), Answer.COVERED),
        (replace(ALL, repository="*"), Answer.COVERED),
        (replace(ALL, repository="team/ap?"), Answer.COVERED),
        (replace(ALL, repository="Team/app"), Answer.OUT_OF_SCOPE),
        (replace(ALL, repository="team"), Answer.OUT_OF_SCOPE),
        (replace(ALL, repository="*/web"), Answer.OUT_OF_SCOPE),
        (replace(ALL, tag="1.*"), Answer.COVERED),
        (replace(ALL, tag="1"), Answer.OUT_OF_SCOPE),
        (replace(ALL, digest="sha256:a"), Answer.COVERED),
        (replace(ALL, digest="sha256:amd64"), Answer.COVERED),
        (replace(ALL, digest="sha256:b"), Answer.OUT_OF_SCOPE),
        (WaiverScope("NR101", 1, "team/*", "1.?", "sha256:a", 7), Answer.COVERED),
    ],
)
def test_every_part_of_the_scope(scope: WaiverScope, answer: Answer) -> None:
    assert covers(scope, {AS_ROOT}, FINDING, written_at=NOW).answer is answer


@pytest.mark.parametrize(
    ("scope", "accepted", "finding", "answer", "tags"),
    [
        (ALL, {AS_ROOT}, _two_tags(), Answer.COVERED, ()),
        (ALL, {AS_ROOT, AS_APP}, _two_tags(AS_ROOT, AS_APP), Answer.COVERED, ()),
        (replace(ALL, tag="1.*"), {AS_ROOT}, _two_tags(), Answer.PARTLY, ("edge",)),
        (replace(ALL, digest="sha256:b"), {AS_ROOT}, _two_tags(), Answer.PARTLY, ("1.0",)),
        (replace(ALL, tag="2.*"), {AS_ROOT}, _two_tags(), Answer.OUT_OF_SCOPE, ("1.0", "edge")),
        (ALL, {AS_ROOT}, _two_tags(AS_ROOT, AS_APP), Answer.CHANGED, ("edge",)),
        (ALL, {AS_ROOT, ""}, _two_tags(AS_ROOT, ""), Answer.CHANGED, ("edge",)),
        (ALL, set(), _two_tags(), Answer.CHANGED, ("1.0", "edge")),
        (ALL, {AS_ROOT}, replace(FINDING, occurrences=()), Answer.OUT_OF_SCOPE, ()),
    ],
)
def test_every_tag_has_to_fit_and_to_run_as_accepted(
    scope: WaiverScope, accepted: set[str], finding: FindingFacts, answer: Answer, tags: tuple[str, ...]
) -> None:
    found = covers(scope, accepted, finding, written_at=NOW)
    assert (found.answer, found.tags, bool(found)) == (answer, tags, answer is Answer.COVERED)


def _shown_by(count: int, run_key: str) -> FindingFacts:
    return replace(FINDING, occurrences=tuple(ShownBy(f"v{n}", f"sha256:{n}", run_key) for n in range(count)))


_OTHERWISE = "as another user, uid or gid, or with another entrypoint, than was accepted."
_NAMED = [(2, "v0 and v1"), (3, "v0, v1 and v2"), (4, "v0, v1, v2 and 1 more"), (5, "v0, v1, v2 and 2 more")]


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (_two_tags(AS_ROOT, AS_APP), f"edge points to an image that runs {_OTHERWISE}"),
        *((_shown_by(count, AS_APP), f"{names} point to images that run {_OTHERWISE}") for count, names in _NAMED),
        (replace(FINDING, occurrences=()), "No tag shows it now."),
        (replace(FINDING, rule="NR102"), "It is outside the scope."),
    ],
)
def test_the_words_name_tags_but_never_a_whole_repository(finding: FindingFacts, words: str) -> None:
    assert covers(ALL, {AS_ROOT}, finding, written_at=NOW).words == words


@pytest.mark.parametrize(
    ("scope", "count", "words"),
    [
        (replace(ALL, tag="v[01]"), 3, "None of its tags is in scope."),
        (replace(ALL, digest="sha256:0"), 3, "v1 and v2 show it too, out of scope."),
        (replace(ALL, tag="v0"), 2, "v1 shows it too, out of scope."),
        (replace(ALL, tag="v?"), 2, "It is covered."),
    ],
)
def test_what_is_out_of_scope_is_named(scope: WaiverScope, count: int, words: str) -> None:
    assert covers(scope, {AS_ROOT}, _shown_by(count, AS_ROOT), written_at=NOW).words == words


@pytest.mark.parametrize(
    ("scope", "written_at", "answer"),
    [
        (ALL, NOW + DAY, Answer.REGRESSED),
        (replace(ALL, registry_id=1, repository="team/*"), NOW + DAY, Answer.REGRESSED),
        (replace(ALL, registry_id=1, repository="team/app"), NOW - DAY, Answer.REGRESSED),
        (replace(ALL, repository="team/app"), NOW + DAY, Answer.REGRESSED),
        (replace(ALL, registry_id=1), NOW + DAY, Answer.REGRESSED),
        (replace(ALL, registry_id=1, repository="team/ap?"), NOW + DAY, Answer.REGRESSED),
        (replace(ALL, registry_id=1, repository="team/app"), NOW + DAY, Answer.COVERED),
        (replace(ALL, registry_id=1, repository="team/app"), NOW, Answer.COVERED),
    ],
)
def test_a_regression_takes_a_waiver_of_its_own(scope: WaiverScope, written_at: datetime, answer: Answer) -> None:
    regression = replace(FINDING, regressed_at=NOW)
    assert covers(scope, {AS_ROOT}, regression, written_at=written_at).answer is answer


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (ALL, True),
        (replace(ALL, repository="**"), True),
        (replace(ALL, tag="v1"), True),
        (replace(ALL, repository="a*"), False),
        (replace(ALL, registry_id=1), False),
        (replace(ALL, team_id=1), False),
        (replace(ALL, digest="sha256:a"), False),
    ],
)
def test_what_every_repository_means(scope: WaiverScope, expected: bool) -> None:
    assert scope.is_every_repository is expected


_STATES = [
    (None, NOW + 90 * DAY, None, WaiverState.WAITING),
    (None, NOW, None, WaiverState.EXPIRED),
    (NOW - DAY, NOW + 90 * DAY, None, WaiverState.ACTIVE),
    (NOW, NOW + 14 * DAY + timedelta(seconds=1), None, WaiverState.ACTIVE),
    (NOW - DAY, NOW + 14 * DAY, None, WaiverState.EXPIRING),
    (NOW - DAY, NOW + timedelta(seconds=1), None, WaiverState.EXPIRING),
    (NOW - DAY, NOW, None, WaiverState.EXPIRED),
    (NOW - DAY, NOW + 90 * DAY, NOW, WaiverState.REVOKED),
    (None, NOW + 90 * DAY, NOW - DAY, WaiverState.REVOKED),
    (NOW - DAY, NOW - DAY, NOW - DAY, WaiverState.REVOKED),
    (NOW - DAY, NOW + 90 * DAY, NOW + timedelta(seconds=1), WaiverState.ACTIVE),
]


@pytest.mark.parametrize(("approved_at", "expires_at", "revoked_at", "state"), _STATES)
def test_where_it_stands(
    approved_at: datetime | None, expires_at: datetime, revoked_at: datetime | None, state: WaiverState
) -> None:
    assert state_of(approved_at=approved_at, expires_at=expires_at, revoked_at=revoked_at, now=NOW) is state


@pytest.mark.parametrize(
    ("left", "warned", "due"),
    [
        (15 * DAY, None, None),
        (15 * DAY, 14, None),
        (14 * DAY, None, 14),
        (14 * DAY, 14, None),
        (4 * DAY, 14, None),
        (3 * DAY, 14, 3),
        (2 * DAY, None, 3),
        (2 * DAY, 3, None),
        (DAY, 3, 0),
        (timedelta(seconds=1), 0, None),
        (timedelta(0), None, None),
        (-DAY, 3, None),
    ],
)
def test_warnings(left: timedelta, warned: int | None, due: int | None) -> None:
    assert days_to_warn(NOW + left, warned, NOW) == due


def test_the_one_that_ends_last_counts() -> None:
    assert waiver_of([]) is None
    assert waiver_of([Candidate(1, NOW + DAY), Candidate(2, NOW + DAY), Candidate(3, NOW)]) == 2


def test_what_waits_or_has_ended_covers_nothing() -> None:
    assert {WaiverState.ACTIVE, WaiverState.EXPIRING} == COUNTS


_names = st.text("ab/", min_size=1, max_size=4)
_findings = st.builds(
    FindingFacts,
    rule=st.sampled_from(["NR101", "NR102"]),
    registry_id=st.integers(1, 2),
    repository=_names,
    team_id=st.sampled_from([None, 1, 2]),
    occurrences=st.lists(
        st.builds(
            ShownBy, st.sampled_from(["a", "b"]), st.sampled_from(["d1", "d2"]), st.sampled_from(["", "k1", "k2"])
        ),
        max_size=3,
    ).map(tuple),
    regressed_at=st.sampled_from([None, NOW - DAY, NOW + DAY]),
)
_scopes = st.builds(
    WaiverScope,
    rule=st.sampled_from(["NR101", "NR102"]),
    registry_id=st.sampled_from([None, 1]),
    repository=st.text("ab/*?", max_size=3),
    tag=st.text("ab*?", max_size=2),
    digest=st.sampled_from(["", "d1"]),
    team_id=st.sampled_from([None, 1]),
)


@given(_scopes, st.sets(st.sampled_from(["k1", "k2"])), _findings)
def test_to_accept_less_or_to_show_more_never_covers_more(
    scope: WaiverScope, accepted: set[str], finding: FindingFacts
) -> None:
    if covers(scope, accepted, finding, written_at=NOW):
        wider = replace(scope, registry_id=None, repository="*", tag="*", digest="", team_id=None)
        if finding.regressed_at is None:
            assert covers(wider, accepted, finding, written_at=NOW)
        for shown in finding.occurrences:
            assert not covers(scope, accepted - {shown.run_key}, finding, written_at=NOW)
            other = replace(shown, run_key="k3")
            assert not covers(
                scope, accepted, replace(finding, occurrences=(*finding.occurrences, other)), written_at=NOW
            )
    else:
        assert covers(scope, accepted, finding, written_at=NOW).words


@given(st.integers(0, 40 * 24), st.integers(1, 48))
def test_each_warning_is_given_once_whatever_the_pace_of_the_clock(hours: int, pace: int) -> None:
    expires_at, warned, told = NOW + timedelta(hours=hours), None, []
    for passed in range(0, hours, pace):
        due = days_to_warn(expires_at, warned, NOW + timedelta(hours=passed))
        if due is not None:
            warned = due
            told.append(due)
    assert told == sorted(set(told), reverse=True)
    assert set(told) <= set(WARNINGS)


@given(st.sampled_from(_STATES), st.integers(0, 400))
def test_what_has_ended_never_counts_again(
    row: tuple[datetime | None, datetime, datetime | None, WaiverState], days: int
) -> None:
    approved_at, expires_at, revoked_at, state = row
    later = state_of(approved_at=approved_at, expires_at=expires_at, revoked_at=revoked_at, now=NOW + days * DAY)
    if state not in COUNTS and approved_at is not None:
        assert later not in COUNTS


LASTS_TOO_LONG = "It lasts longer than the 30 days that the policy strict allows."
ALONE = "The policy strict asks for a second person, and its author approved it alone."


@pytest.mark.parametrize(
    ("days", "alone", "second_person", "words"),
    [
        (30, True, False, ""),
        (31, True, False, ""),  # the last second of a day that is chosen west of us is on the next one here
        (32, True, False, LASTS_TOO_LONG),
        (32, False, True, LASTS_TOO_LONG),
        (30, True, True, ALONE),
        (30, False, True, ""),
    ],
)
def test_what_a_policy_has_not_agreed_to(days: int, alone: bool, second_person: bool, words: str) -> None:
    approval = Approval(NOW, NOW + days * DAY, alone)
    assert not_agreed(approval, WaiverTerms("strict", 30, second_person)) == words
