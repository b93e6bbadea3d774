"""Numbers become coordinates."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.charts import (
    HEIGHT,
    WIDTH,
    Chart,
    Series,
    nice_ceiling,
    parts,
    sparkline,
    stacked,
    up_and_down,
    with_sign,
)

COUNTS = st.lists(st.integers(0, 10_000_000), min_size=0, max_size=40)


@pytest.mark.parametrize(
    ("value", "ceiling"),
    [(0, 2), (1, 2), (2, 2), (3, 4), (9, 10), (11, 12), (13, 16), (257, 300), (999, 1000), (100_001, 120_000)],
)
def test_axes_end_at_a_round_number(value: int, ceiling: int) -> None:
    assert nice_ceiling(value) == ceiling


@given(st.integers(0, 10**9))
def test_axes_hold_the_value_and_halve_to_a_whole_number(value: int) -> None:
    top = nice_ceiling(value)
    assert value <= top
    assert top % 2 == 0


def test_areas_lie_on_each_other() -> None:
    chart = stacked("T", ["1 Jan", "2 Jan"], [Series("pass", "Pass", [1, 2]), Series("fail", "Fail", [1, 0])])
    assert [band.kind for band in chart.bands] == ["pass", "fail"]
    assert chart.bands[0].path == "M44.0 94.0 556.0 10.0 L556.0 178.0 44.0 178.0Z"
    assert chart.description == "1 Jan to 2 Jan: pass from 1 to 2, fail from 1 to 0."
    assert chart.columns[0].title == "1 Jan: 1 pass, 1 fail"


def test_a_target_is_a_line_where_the_areas_below_it_end() -> None:
    below = [Series("ontime", "On time", [2, 1]), Series("fail", "Overdue", [2, 0])]
    chart = stacked("T", ["1 Jan", "2 Jan"], below, target=Series("target", "Target", [2, 1]))
    assert chart.target is not None
    assert (chart.target.name, chart.target.path) == ("Target", "M44.0 94.0 556.0 136.0")
    assert chart.bands[0].path.startswith(chart.target.path)
    assert stacked("T", ["1 Jan", "2 Jan"], below).target is None


def test_a_target_of_one_day_is_a_stretch_and_of_none_is_nothing() -> None:
    for values, path in (([2], "M44.0 10.0 556.0 10.0"), ([], "")):
        dates = ["1 Jan"] * len(values)
        chart = stacked("T", dates, [Series("pass", "Pass", values)], target=Series("target", "Target", values))
        assert chart.target is not None
        assert chart.target.path == path


def test_one_day_is_a_stretch_and_no_day_is_said() -> None:
    assert stacked("T", ["1 Jan"], [Series("pass", "Pass", [2])]).bands[0].path.startswith("M44.0 10.0 556.0 10.0")
    assert stacked("T", [], [Series("pass", "Pass", [])]).description == "Nothing was recorded in this time."


@given(COUNTS)
def test_nothing_is_drawn_outside(values: list[int]) -> None:
    dates = [str(number) for number in range(len(values))]
    chart = up_and_down("T", dates, Series("new", "New", values), Series("fixed", "Fixed", values[::-1]))
    for bar in chart.bars:
        assert 0 <= bar.x <= chart.width - bar.width
        assert bar.y >= 0
        assert bar.y + bar.height <= HEIGHT
    assert all(0 <= tick.at <= WIDTH for tick in chart.dates)


def test_what_ended_is_named_apart() -> None:
    """It has no end at which its name could stand; what never was is not named."""
    series = [Series("pass", "Pass", [0, 4]), Series("fail", "Fail", [4, 0]), Series("unknown", "Unknown", [0, 0])]
    drawn = stacked("t", ["a", "b"], series)
    assert [band.name for band in drawn.ended] == ["Fail"]
    assert [band.name for band in drawn.bands if band.last] == ["Pass"]


def test_labels_do_not_stand_on_each_other() -> None:
    series = [Series("pass", "Pass", [1000]), Series("unknown", "Unknown", [1]), Series("fail", "Fail", [1])]
    ys = sorted(band.label_y for band in stacked("T", ["d"], series).bands)
    assert all(below - above >= 14 for above, below in pairwise(ys))


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_bar_is_never_longer_than_itself(passed: int, failed: int, unknown: int) -> None:
    found = parts(passed, failed, unknown)
    assert [part.kind for part in found] == [
        kind for kind, count in (("pass", passed), ("fail", failed), ("unknown", unknown)) if count
    ]
    assert all(part.size > 0 and part.start + part.size <= 100.05 for part in found)


def test_a_sparkline_needs_two_points() -> None:
    assert sparkline([]).points == sparkline([None, 0.5]).points == ""
    assert sparkline([0.0, None, 1.0]).label == "0 % to 100 %"
    assert sparkline([0.0, None, 1.0]).points == "2.0,20.0 84.0,2.0"


def test_a_change_stands_between_the_days_it_parts() -> None:
    chart = stacked("T", ["1 Jan", "2 Jan", "3 Jan"], [Series("pass", "Pass", [1, 2, 2])], [(2, "strict v2")])
    assert [(mark.at, mark.number, mark.text) for mark in chart.marks] == [(428.0, 1, "strict v2")]
    assert chart.description.endswith("From 3 Jan on: strict v2.")


def test_one_day_beyond_all_others_is_cut_off_and_numbered() -> None:
    chart = up_and_down(
        "Comings", ["a", "b", "c"], Series("new", "New", [110, 3, 1]), Series("fixed", "Fixed", [0, 2, 0])
    )
    assert [row.text for row in chart.rows] == ["4", "0", "4"]
    assert max(bar.height for bar in chart.bars) == chart.bars[0].height
    assert [note.text for note in chart.notes] == ["110"]


@pytest.mark.parametrize("values", [[8, 3], [9, 1]])
def test_days_alike_or_small_are_drawn_in_full(values: list[int]) -> None:
    chart = up_and_down("Comings", ["a", "b"], Series("new", "New", values), Series("fixed", "Fixed", [0, 0]))
    assert not chart.notes


def test_the_only_bar_is_drawn_in_full() -> None:
    chart = up_and_down("Comings", ["a", "b"], Series("new", "New", [50, 0]), Series("fixed", "Fixed", [0, 0]))
    assert not chart.notes
    assert not chart.quiet


def test_nothing_to_draw_is_said() -> None:
    assert up_and_down("Comings", ["a"], Series("new", "New", [0]), Series("fixed", "Fixed", [0])).quiet


def coming_and_going(new: list[int], fixed: list[int], *, net: bool = True) -> Chart:
    dates = [f"day {number}" for number in range(len(new))]
    return up_and_down("Comings", dates, Series("new", "New", new), Series("fixed", "Fixed", fixed), net=net)


def test_the_net_line_is_new_less_fixed() -> None:
    chart = coming_and_going([4, 1, 0], [0, 1, 2])
    assert chart.net is not None
    top, middle = chart.rows[0].at, chart.rows[1].at
    ys = [float(y) for y in chart.net.path.split(" ")[1::2]]
    assert ys == [top, middle, round(middle + (middle - top) / 2, 1)]
    assert [column.title for column in chart.columns] == [
        "day 0: 4 new, 0 fixed, net +4",
        "day 1: 1 new, 1 fixed, net 0",
        "day 2: 0 new, 2 fixed, net −2",
    ]
    assert chart.description.endswith(" In all the difference is +2.")


def test_no_net_line_unless_asked_for_or_with_nothing_to_draw() -> None:
    plain = coming_and_going([4, 1], [0, 1], net=False)
    assert plain.net is None
    assert "net" not in plain.columns[0].title + plain.description
    assert coming_and_going([0, 0], [0, 0]).net is None


@given(COUNTS, st.randoms(use_true_random=False))
def test_the_net_line_stays_within_the_plot_and_its_name_off_the_others(values: list[int], order: Random) -> None:
    chart = coming_and_going(values, order.sample(values, len(values)))
    if chart.net is None:
        assert chart.quiet
        return
    low, high = chart.rows[0].at, chart.rows[-1].at
    assert all(low <= float(y) <= high for y in chart.net.path.split(" ")[1::2])
    assert all(abs(chart.net.label_y - band.label_y) >= 14 for band in chart.bands)


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (3, "+3"), (-1200, "−1,200")])
def test_a_difference_has_its_sign(number: int, text: str) -> None:
    assert with_sign(number) == text


def test_a_change_on_the_first_date_stands_on_it() -> None:
    chart = stacked("T", ["1 Jan", "2 Jan"], [Series("pass", "Pass", [1, 2])], [(0, "strict v2")])
    assert chart.marks[0].at == 44.0


def test_changes_close_to_each_other_share_a_flag() -> None:
    dates = [str(day) for day in range(100)]
    changes = [(50, "a v2"), (51, "a v3"), (53, "a v4"), (90, "a v5")]
    chart = stacked("T", dates, [Series("pass", "Pass", [1] * 100)], changes)
    assert len(chart.marks) == 4
    assert [flag.text for flag in chart.flags] == ["1–3", "4"]
