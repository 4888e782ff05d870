"""Box plots of failure loads by group: where boxes, whiskers and points lie, as shares of the width of the plot."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from culmann.cohort.results import ResultRow

#: A fact with more different values than this is no grouping.
_MANY_GROUPS = 12


@dataclass(frozen=True, slots=True)
class Point:
    """A failure load in a plot; `at` in percent of its width."""

    row: ResultRow
    at: float
    #: Its distance from the middle of the box, from -1 to 1, so that equal loads do not hide each other.
    aside: float


@dataclass(frozen=True, slots=True)
class Box:
    """A group: quartiles and whiskers (the last loads within 1.5 times the height of the box, after Tukey), in percent."""

    name: str
    median_n: float
    low: float
    first: float
    middle: float
    third: float
    high: float
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """The boxes of one grouping on a common axis; `ticks` are (position in percent, load in newton)."""

    by: str
    boxes: tuple[Box, ...]
    ticks: tuple[tuple[float, float], ...]


def plots(rows: Sequence[ResultRow]) -> list[Plot]:
    """A plot for each way to group the failure loads that makes more than one group; one of all of them when none does."""
    loads = [row for row in rows if row.result.failure_load_n is not None and row.result.outcome == "done"]
    if not loads:
        return []
    several = len({row.result.output for row in loads}) > 1
    found = list[Plot]()
    for name, key in _groupings(loads).items():
        groups = dict[str, list[ResultRow]]()
        for row in loads:
            label = " · ".join(filter(None, [key(row) or "not given", row.result.output if several else ""]))
            groups.setdefault(label, []).append(row)
        found.append(_plot(name, groups))
    return found


def _groupings(loads: Sequence[ResultRow]) -> Mapping[str, Callable[[ResultRow], str]]:
    """{name: the group of a row} of facts, settings and variants with a few different values; `group` comes first."""
    names = sorted(loads[0].carried, key=lambda name: name != "group")
    found: dict[str, Callable[[ResultRow], str]] = {
        name: (lambda row, name=name: row.carried.get(name, ""))  # type: ignore[misc]
        for name in names
        if 1 < len({row.carried.get(name, "") for row in loads}) <= min(_MANY_GROUPS, len(loads) - 1)
    }
    if len({row.result.variant for row in loads}) > 1:
        found["variant"] = lambda row: row.result.variant
    return found or {"all cases": lambda _: "all"}


def _plot(name: str, groups: Mapping[str, Sequence[ResultRow]]) -> Plot:
    from matplotlib.ticker import MaxNLocator

    values = [_load(row) for rows in groups.values() for row in rows]
    ticks = [float(tick) for tick in MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]).tick_values(min(values), max(values))]
    start, width = ticks[0], ticks[-1] - ticks[0]

    def at(load: float) -> float:
        return round(100 * (load - start) / width, 3) if width else 50.0

    ordered = sorted(groups.items(), key=lambda item: _natural(item[0]))
    return Plot(name, tuple(_box(label, rows, at) for label, rows in ordered), tuple((at(tick), tick) for tick in ticks))


def _box(label: str, rows: Sequence[ResultRow], at: Callable[[float], float]) -> Box:
    from matplotlib.cbook import boxplot_stats

    [stats] = boxplot_stats([_load(row) for row in rows])
    low, first, middle, third, high = (at(float(stats[name])) for name in ("whislo", "q1", "med", "q3", "whishi"))
    points = tuple(Point(row, at(_load(row)), ((7 * n) % 5 - 2) / 2) for n, row in enumerate(rows))
    return Box(label, float(stats["med"]), low, first, middle, third, high, points)


def _load(row: ResultRow) -> float:
    assert row.result.failure_load_n is not None
    return row.result.failure_load_n


def _natural(label: str) -> tuple[bool, float, str]:
    try:
        return (False, float(label), "")
    except ValueError:
        return (True, 0.0, label)
