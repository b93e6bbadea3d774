"""Several notices as one: titles, counts, what is left out, what a database keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.remediation.joining import JOINED, joined, narrowed, not_before, packed, unpacked
from compliance.remediation.notices import Kind, Line, Notice, words

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def notice(kind: Kind, repository: int, count: int = 1, more: int = 0) -> Notice:
    lines = tuple(Line(f"line {at}", f"/findings/{at}/", at, "NR103", repository) for at in range(count))
    name = f"harbor/app-{repository}"
    return Notice(
        kind, f"{kind}/{repository}", f"News of {name}", f"/r/{repository}/", lines, more, name, (repository,)
    )


@pytest.mark.parametrize(
    ("parts", "title"),
    [
        ([notice(Kind.CRITICAL, 1)], "News of harbor/app-1"),
        ([notice(Kind.CRITICAL, 1, 2), notice(Kind.CRITICAL, 1, 3)], "5 new critical findings in harbor/app-1"),
        (
            [notice(Kind.CRITICAL, 1, 10, 990), notice(Kind.CRITICAL, 2, 1)],
            "1,001 new critical findings in 2 repositories",
        ),
        (
            [notice(Kind.REGRESSION, 1), notice(Kind.REGRESSION, 1)],
            "2 regressions: harbor/app-1 runs as root now, and did not before",
        ),
        (
            [notice(Kind.REGRESSION, 1), notice(Kind.REGRESSION, 2)],
            "2 regressions: 2 repositories run as root now, and did not before",
        ),
        (
            [replace(notice(Kind.CRITICAL, at), repository="", repositories=(at, 9)) for at in (1, 2)],
            "2 new critical findings in 3 repositories",
        ),
        ([notice(Kind.ASSIGNED, 1, 2), notice(Kind.ASSIGNED, 2)], "You were assigned 3 findings"),
        ([notice(Kind.OVERDUE, 1, 2), notice(Kind.OVERDUE, 2)], "3 findings are overdue"),
    ],
)
def test_titles(parts: list[Notice], title: str) -> None:
    assert joined(parts).title == title


def test_waivers_are_counted_as_waivers() -> None:
    parts = [
        Notice(Kind.WAIVER, str(at), f"Waiver {at}", f"/waivers/{at}/", waiver=at, wider="/waivers/") for at in (1, 2)
    ]
    said = joined(parts)
    assert (said.title, said.path, said.waiver) == ("News of 2 waivers", "/waivers/", None)
    assert [(line.text, line.path) for line in said.lines] == [("Waiver 1", "/waivers/1/"), ("Waiver 2", "/waivers/2/")]


def test_of_several_everything_is_kept_that_is_true_of_all() -> None:
    one, two, again = (notice(Kind.CRITICAL, 40), notice(Kind.CRITICAL, 9, 2), notice(Kind.CRITICAL, 40, 2))
    assert joined([replace(one, wider="/findings/"), two]) == replace(
        one,
        title="3 new critical findings in 2 repositories",
        path="/findings/",
        wider="/findings/",
        lines=(*one.lines, *two.lines),
        repository="",
        repositories=(9, 40),
    )
    title = "3 new critical findings in harbor/app-40"
    assert joined([one, again]) == replace(one, title=title, lines=(*one.lines, *again.lines))


def test_where_one_does_not_name_all_of_its_findings_none_is_named() -> None:
    for parts in (
        [notice(Kind.CRITICAL, 1, 2, 3), notice(Kind.CRITICAL, 2)],
        [notice(Kind.CRITICAL, 1, 0), notice(Kind.CRITICAL, 2)],
    ):
        assert [line.text for line in joined(parts).lines] == ["News of harbor/app-1", "News of harbor/app-2"]


def test_findings_are_named_while_they_fit() -> None:
    few = joined([notice(Kind.CRITICAL, 1, 5), notice(Kind.CRITICAL, 2, 5)])
    assert [line.repository for line in few.lines] == [1] * 5 + [2] * 5
    many = joined([notice(Kind.CRITICAL, at, 2) for at in range(1, 31)])
    assert ([line.text for line in many.lines[:2]], many.more) == (["News of harbor/app-1", "News of harbor/app-2"], 20)
    assert "and 20 more" in words(many).text


def test_what_may_not_be_said_is_left_out() -> None:
    whole = replace(
        notice(Kind.OVERDUE, 1, 3), lines=(*notice(Kind.OVERDUE, 1, 3).lines, *notice(Kind.OVERDUE, 2, 1).lines)
    )
    less = narrowed(whole, lambda line: line.repository == 2)
    assert less is not None
    assert (less.title, less.repositories, len(less.lines)) == ("1 finding is overdue", (2,), 1)
    assert less.path == "/r/1/"
    wider = narrowed(replace(whole, wider="/findings/"), lambda line: line.repository == 2)
    assert wider is not None
    assert wider.path == "/findings/"
    assert narrowed(whole, lambda _: True) is whole
    assert narrowed(whole, lambda _: False) is None
    without_lines = Notice(Kind.WAIVER, "w", "Waiver", "/waivers/1/", waiver=1)
    assert narrowed(without_lines, lambda _: False) is without_lines


def test_repositories_that_are_left_are_named_in_order() -> None:
    lines = tuple(Line(str(at), "/x/", repository=at) for at in (40, 9, None, 3))
    less = narrowed(replace(notice(Kind.OVERDUE, 1), lines=lines), lambda line: line.repository != 3)
    assert less is not None
    assert less.repositories == (9, 40)


def test_a_week_and_a_test_stand_alone() -> None:
    assert (Kind.REGRESSION, Kind.CRITICAL, Kind.ASSIGNED, Kind.OVERDUE, Kind.WAIVER, Kind.WATCHED) == JOINED


@pytest.mark.parametrize(
    ("sent", "last", "until"),
    [
        (0, None, None),
        (9, NOW, None),
        (10, None, None),
        (10, NOW, NOW + timedelta(minutes=5)),
        (500, NOW, NOW + timedelta(minutes=5)),
    ],
)
def test_pace(sent: int, last: datetime | None, until: datetime | None) -> None:
    assert not_before(sent, last) == until


@given(st.text(max_size=400), st.sampled_from(JOINED), st.integers(0, 10**9))
def test_what_is_kept_is_read_again_and_fits_a_database(text: str, kind: Kind, more: int) -> None:
    made = replace(notice(kind, 1), title=text, lines=(Line(text, "/x/", 1, "NR103", 1),), more=more, repository=text)
    kept = json.loads(json.dumps(packed(made)))
    assert "\\u0000" not in json.dumps(kept)
    json.dumps(kept, ensure_ascii=False).encode()  # no lone surrogate
    read = unpacked(kind, made.about, kept)
    assert packed(read) == kept
    assert words(read) == words(made)


@pytest.mark.parametrize(
    ("made", "teams"),
    [
        (replace(notice(Kind.OVERDUE, 1), teams=frozenset({5}), wider="/findings/"), []),
        (Notice(Kind.WAIVER, "w", "Waiver", "/waivers/1/", teams=frozenset({5}), waiver=1, wider="/waivers/"), []),
        (Notice(Kind.DIGEST, "d", "Week", "/teams/a/", teams=frozenset({40, 9, None}), more=2), [9, 40]),
    ],
)
def test_teams_are_kept_of_what_names_nothing_else(made: Notice, teams: list[int]) -> None:
    kept = packed(made)
    assert kept["teams"] == teams
    assert unpacked(made.kind, made.about, json.loads(json.dumps(kept))) == replace(made, teams=frozenset(teams))
