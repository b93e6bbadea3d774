"""Charts as values: numbers in, coordinates out. A template turns them into SVG without a single inline style.

All coordinates are rounded to one decimal, so that a chart is the same text for the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 640
NARROW = 420
HEIGHT = 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 84, 10, 22
_NARROW_RIGHT = 60
_ALONE, _MANY = 4, 20
_FLAG = 26
_NICE = (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10)


@dataclass(frozen=True, slots=True)
class Band:
    """One colored area with the label that stands at its right end, and the most it ever was."""

    kind: str
    name: str
    path: str
    label_y: float
    last: int
    most: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """A line through the plot that something is held against."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Net:
    """The line of what came less what went, with the height of its name at the right end."""

    path: str
    label_y: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A grid line or a date with its text."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A line from which on something else holds; ``number`` is that of its explanation below the chart."""

    at: float
    number: int
    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """The invisible strip over one date, which carries that date's numbers as its title."""

    x: float
    width: float
    title: str


@dataclass(frozen=True, slots=True)
class Rect:
    """One bar."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Note:
    """A number beside a bar that is cut off."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A whole plot: stacked areas, or bars up and down from a middle line."""

    title: str
    description: str
    bands: tuple[Band, ...] = ()
    bars: tuple[Rect, ...] = ()
    rows: tuple[Tick, ...] = ()
    dates: tuple[Tick, ...] = ()
    marks: tuple[Mark, ...] = ()
    flags: tuple[Tick, ...] = ()
    columns: tuple[Column, ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    margin: int = _RIGHT
    notes: tuple[Note, ...] = ()
    quiet: str = ""
    target: Line | None = None
    net: Net | None = None

    @property
    def left(self) -> int:
        """Where the grid begins."""
        return _LEFT

    @property
    def right(self) -> int:
        """Where the grid ends and the direct labels begin."""
        return self.width - self.margin

    @property
    def middle(self) -> float:
        """Where a word for want of anything to draw stands."""
        return (self.left + self.right) / 2

    @property
    def ended(self) -> tuple[Band, ...]:
        """Areas that are over before the last date, where no label can stand at their end."""
        return tuple(band for band in self.bands if band.most and not band.last)

    @property
    def floor(self) -> int:
        """Where the dates stand."""
        return self.height - 4


@dataclass(frozen=True, slots=True)
class Series:
    """Numbers of one kind, one per date."""

    kind: str
    name: str
    values: Sequence[int]


def stacked(
    title: str,
    dates: Sequence[str],
    series: Sequence[Series],
    changes: Sequence[tuple[int, str]] = (),
    target: Series | None = None,
) -> Chart:
    """Areas on top of each other, the first at the bottom.

    :param target: a line over them; not above their sum.
    :param changes: positions in ``dates`` from which on something else holds, named by the text.
    """
    totals = [sum(each.values[at] for each in series) for at in range(len(dates))]
    top = nice_ceiling(max(totals, default=0))
    xs = _positions(len(dates))
    lower = [0] * len(dates)
    bands: list[Band] = []
    for each in series:
        upper = [base + value for base, value in zip(lower, each.values, strict=True)]
        path = _area(xs, [_y(value, top) for value in lower], [_y(value, top) for value in upper])
        middle = _y((lower[-1] + upper[-1]) / 2, top) if dates else 0.0
        last, most = each.values[-1] if dates else 0, max(each.values, default=0)
        bands.append(Band(each.kind, each.name, path, middle, last, most))
        lower = upper
    marks = tuple(Mark(_before(xs, at), number, text) for number, (at, text) in enumerate(changes, start=1))
    return Chart(
        title,
        " ".join([_sentence(dates, series), *(f"From {dates[at]} on: {text}." for at, text in changes)]),
        bands=tuple(_spread([band for band in bands if band.last])) + tuple(b for b in bands if not b.last),
        rows=tuple(Tick(_y(value, top), _count(value)) for value in (0, top / 2, top)),
        dates=_date_ticks(xs, dates),
        marks=marks,
        flags=_flags(marks),
        columns=_columns(xs, dates, series, (WIDTH - _LEFT - _RIGHT) / max(1, len(dates))),
        target=None if target is None else Line(target.name, _line(xs, [_y(value, top) for value in target.values])),
    )


def up_and_down(title: str, dates: Sequence[str], up: Series, down: Series, *, net: bool = False) -> Chart:
    """Bars above and below one line, for what came and what went.

    :param net: draw the difference of the two as a line over them.
    """
    top = nice_ceiling(_second_if_alone([*up.values, *down.values]))
    middle = _TOP + (HEIGHT - _TOP - _BOTTOM) / 2
    reach = middle - _TOP
    step = (NARROW - _LEFT - _NARROW_RIGHT) / max(1, len(dates))
    thick = round(max(1.0, step * 0.7), 1)
    xs = [round(_LEFT + step * (at + 0.5), 1) for at in range(len(dates))]
    bars = []
    for x, plus, minus in zip(xs, up.values, down.values, strict=True):
        rise, fall = (round(reach * min(1.0, value / top), 1) for value in (plus, minus))
        left = round(x - thick / 2, 1)
        bars += [Rect(up.kind, left, round(middle - rise, 1), thick, rise)] if plus else []
        bars += [Rect(down.kind, left, round(middle, 1), thick, fall)] if minus else []
    nets = [plus - minus for plus, minus in zip(up.values, down.values, strict=True)]
    return Chart(
        title,
        _sentence(dates, (up, down)) + (_net_sentence(nets) if net else ""),
        bands=(Band(up.kind, up.name, "", _TOP + reach / 2, 1), Band(down.kind, down.name, "", middle + reach / 2, 1)),
        bars=tuple(bars),
        rows=(Tick(_TOP, _count(top)), Tick(round(middle, 1), "0"), Tick(round(middle + reach, 1), _count(top))),
        dates=_date_ticks(xs, dates),
        columns=_columns(xs, dates, (up, down), step, [f", net {with_sign(each)}" for each in nets] if net else ()),
        width=NARROW,
        margin=_NARROW_RIGHT,
        notes=tuple(_beyond(xs, up.values, top, _TOP + 8) + _beyond(xs, down.values, top, middle + reach - 2)),
        quiet="" if bars else "none in this time",
        net=_net(xs, [middle - reach * max(-1.0, min(1.0, each / top)) for each in nets]) if net and bars else None,
    )


def _net(xs: Sequence[float], ys: Sequence[float]) -> Net:
    """The name stands where the line ends, but not on the names of the bars."""
    rounded = [round(y, 1) for y in ys]
    quarter = (HEIGHT - _TOP - _BOTTOM) / 4
    return Net(_line(xs, rounded), min(max(rounded[-1], _TOP + quarter + 14), _TOP + 3 * quarter - 14))


def _net_sentence(nets: Sequence[int]) -> str:
    return f" In all the difference is {with_sign(sum(nets))}."


def with_sign(number: int) -> str:
    """A whole difference, with its sign unless it is none."""
    return f"{number:+,}".replace("-", "−") if number else "0"


def _second_if_alone(values: Sequence[int]) -> int:
    """What the scale has to reach: the first scan of a registry alone must not flatten every day after it."""
    largest, second = [*sorted(values, reverse=True), 0, 0][:2]
    return second if second and largest > max(_ALONE * second, _MANY) else largest


def _beyond(xs: Sequence[float], values: Sequence[int], top: int, y: float) -> list[Note]:
    return [Note(x + 6, round(y, 1), f"{value:,}") for x, value in zip(xs, values, strict=True) if value > top]


@dataclass(frozen=True, slots=True)
class Spark:
    """A line of a few dozen pixels; ``points`` is empty where there is nothing to draw."""

    points: str
    end_x: float
    end_y: float
    label: str


def sparkline(shares: Sequence[float | None], width: int = 88, height: int = 22) -> Spark:
    """Shares between 0 and 1, oldest first; gaps are skipped."""
    known = [(at, share) for at, share in enumerate(shares) if share is not None]
    if len(known) < 2:
        return Spark("", 0, 0, "")
    step = (width - 6) / max(1, len(shares) - 1)
    points = [(round(2 + at * step, 1), round(2 + (height - 4) * (1 - share), 1)) for at, share in known]
    label = f"{known[0][1] * 100:.0f} % to {known[-1][1] * 100:.0f} %"
    return Spark(" ".join(f"{x},{y}" for x, y in points), points[-1][0], points[-1][1], label)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar, in hundredths of its length."""

    kind: str
    start: float
    size: float


def parts(passed: int, failed: int, unknown: int, waived: int = 0) -> tuple[Part, ...]:
    """A bar of verdicts; one that occurs never vanishes, however rare."""
    counts = (("pass", passed), ("fail", failed), ("unknown", unknown), ("waived", waived))
    total = sum(count for _, count in counts)
    wanted = [(kind, max(1.0, 100 * count / total)) for kind, count in counts if count]
    shrink = 100 / sum(size for _, size in wanted) if wanted else 1.0
    out: list[Part] = []
    start = 0.0
    for kind, size in wanted:
        out.append(Part(kind, round(start, 2), round(size * shrink, 2)))
        start += size * shrink
    return tuple(out)


def nice_ceiling(value: float) -> int:
    """The next round number that halves to a whole one or is 1."""
    if value <= 2:
        return 2
    scale = 10 ** (len(str(int(value))) - 1)
    fits = (int(scale * nice) for nice in _NICE if scale * nice >= value and (scale * nice) % 2 == 0)
    return next(fits, int(scale * 10))


def _positions(count: int) -> list[float]:
    span = WIDTH - _LEFT - _RIGHT
    if count == 1:
        return [float(_LEFT + span)]
    return [round(_LEFT + span * at / max(1, count - 1), 1) for at in range(count)]


def _before(xs: Sequence[float], at: int) -> float:
    """Half-way from the date before; a change on the first date stands on it."""
    return round((xs[max(0, at - 1)] + xs[at]) / 2, 1)


def _flags(marks: Sequence[Mark]) -> tuple[Tick, ...]:
    """The numbers over the lines; lines so close that their numbers would touch share one flag."""
    groups: list[list[Mark]] = []
    for mark in marks:
        if groups and mark.at - groups[-1][-1].at < _FLAG:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return tuple(Tick(round((each[0].at + each[-1].at) / 2, 1), _numbers(each)) for each in groups)


def _numbers(marks: Sequence[Mark]) -> str:
    first, last = marks[0].number, marks[-1].number
    return str(first) if first == last else f"{first}–{last}"


def _y(value: float, top: float) -> float:
    return round(_TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - value / top), 1)


def _line(xs: Sequence[float], ys: Sequence[float]) -> str:
    if len(xs) == 1:
        xs, ys = [float(_LEFT), xs[0]], [*ys, *ys]
    return "M" + " ".join(f"{x} {y}" for x, y in zip(xs, ys, strict=True)) if xs else ""


def _area(xs: Sequence[float], lower: Sequence[float], upper: Sequence[float]) -> str:
    if not xs:
        return ""
    if len(xs) == 1:  # one day is drawn as a flat stretch, not as nothing
        xs, lower, upper = [float(_LEFT), xs[0]], [*lower, *lower], [*upper, *upper]
    there = " ".join(f"{x} {y}" for x, y in zip(xs, upper, strict=True))
    back = " ".join(f"{x} {y}" for x, y in zip(reversed(xs), reversed(lower), strict=True))
    return f"M{there} L{back}Z"


def _spread(bands: list[Band]) -> list[Band]:
    """Labels that would stand on each other are moved apart, upward."""
    out: list[Band] = []
    for band in bands:
        y = min(band.label_y, out[-1].label_y - 14) if out else min(band.label_y, HEIGHT - _BOTTOM)
        out.append(Band(band.kind, band.name, band.path, round(y, 1), band.last))
    return out


def _date_ticks(xs: Sequence[float], dates: Sequence[str]) -> tuple[Tick, ...]:
    if not dates:
        return ()
    every = max(1, -(-len(dates) // 6))
    ticks = tuple(Tick(xs[at], dates[at]) for at in range(len(dates) - 1, -1, -every))[::-1]
    return ticks[1:] if len(ticks) > 1 and ticks[0].at < _LEFT + 10 else ticks  # it would stand on the numbers


def _columns(
    xs: Sequence[float], dates: Sequence[str], series: Sequence[Series], step: float, more: Sequence[str] = ()
) -> tuple[Column, ...]:
    """Strips; ``more`` is what each title says after the numbers of the series."""
    width = round(step, 1)
    return tuple(
        Column(
            round(x - width / 2, 1),
            width,
            f"{date}: "
            + ", ".join(f"{each.values[at]:,} {each.name.lower()}" for each in series)
            + (more[at] if more else ""),
        )
        for at, (x, date) in enumerate(zip(xs, dates, strict=True))
    )


def _sentence(dates: Sequence[str], series: Sequence[Series]) -> str:
    if not dates:
        return "Nothing was recorded in this time."
    changes = ", ".join(f"{each.name.lower()} from {each.values[0]:,} to {each.values[-1]:,}" for each in series)
    return f"{dates[0]} to {dates[-1]}: {changes}."


def _count(value: float) -> str:
    return f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}"
