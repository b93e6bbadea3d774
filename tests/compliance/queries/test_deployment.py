"""The lines of a file beside its review."""

from __future__ import annotations

from compliance.queries.deployment import MOST_LINES, around, source_lines


def numbers(text: str, pointed_at: set[int], *, most: int = MOST_LINES) -> list[int | None]:
    """The numbers of the lines that are shown; ``None`` where some are left out."""
    return [line.number for line in source_lines(text, pointed_at, set(), most=most)]


def test_a_short_file_is_shown_whole() -> None:
    assert numbers("a\nb\nc\n", {2}) == [1, 2, 3]
    assert numbers("a\nb\nc", set()) == [1, 2, 3]
    assert numbers("", set()) == []


def test_of_a_long_one_only_the_surroundings() -> None:
    text = "x\n" * 100
    assert numbers(text, {50}, most=10) == [None, *range(46, 55), None]
    assert numbers(text, {1}, most=10) == [*range(1, 6), None]
    assert numbers(text, {100}, most=10) == [None, *range(96, 101)]
    assert numbers(text, {10, 12, 90}, most=10) == [None, *range(6, 17), None, *range(86, 95), None]


def test_gaps_say_what_they_leave_out() -> None:
    gaps = [line.text for line in source_lines("x\n" * 2_000, {1_000}, set(), most=10) if line.number is None]
    assert gaps == ["lines 1 to 995 are left out", "lines 1,005 to 2,000 are left out"]


def test_no_more_than_most_lines_however_many_are_pointed_at() -> None:
    shown = [line for line in numbers("x\n" * 20_000, set(range(1, 20_000, 2))) if line is not None]
    assert len(shown) == MOST_LINES


def test_what_a_person_could_not_see_is_escaped() -> None:
    (line,) = source_lines("a\x1b[31m\u202eb\r\n", set(), {1})
    assert line.text == "a\\x1b[31m\\u202eb"
    assert line.marked


def test_long_lines_are_cut() -> None:
    (line,) = source_lines("y" * 5_000, set(), set())
    assert len(line.text) <= 501


def test_the_place_of_a_fault() -> None:
    found = around("x\n" * 30, 20)
    assert [line.number for line in found] == list(range(16, 25))
    assert [line.number for line in found if line.marked] == [20]
    assert around("x\n", None) == ()
    assert around("", 1) == ()
