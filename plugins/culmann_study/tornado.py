"""Pictures of a sensitivity: a bar for each factor, and the failure load over the values of each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from culmann.data import Outcomes
from culmann.drawing import png
from culmann_study.group_comparison import LOAD

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from culmann_study.sensitivity import Effect

_BAR, _SOFT = "#1f5a8c", "#bcd3e6"
#: Panels side by side.
_PANELS = 3
_SHOWN = {
    "one-at-a-time": ("range_percent", "highest less lowest failure load (% of the base)"),
    "grid": ("range_percent", "highest less lowest failure load (% of the mean)"),
    "morris": ("mu_star_percent", "Morris' mu* (% of the mean failure load)"),
    "sobol": ("total", "Sobol's total index (share of the variance)"),
}


def tornado(effects: Sequence[Effect], use: str) -> bytes:
    """A PNG: the mean of a factor's effect over the cases as a bar, each case as a point; the strongest on top."""
    from matplotlib.figure import Figure

    number, label = _SHOWN[use]
    by_factor: dict[str, list[float]] = {}
    for effect in effects:
        by_factor.setdefault(effect.factor, []).append(effect.numbers.get(number, float("nan")))
    order = sorted(by_factor, key=lambda factor: float(np.nanmean(by_factor[factor])) if by_factor[factor] else 0)
    figure = Figure(figsize=(8, 1.3 + 0.5 * len(order)), layout="constrained")
    axes = figure.subplots()
    axes.barh(range(len(order)), [float(np.nanmean(by_factor[factor])) for factor in order], color=_SOFT, height=0.6)
    for n, factor in enumerate(order):
        axes.plot(by_factor[factor], [n] * len(by_factor[factor]), "o", color=_BAR, markersize=4)
    axes.set_yticks(range(len(order)), order)
    axes.set_xlabel(label)
    axes.spines[["top", "right"]].set_visible(False)
    return png(figure)


def one_at_a_time_plot(outcomes: Outcomes) -> bytes:
    """A PNG: for each factor, the failure load of every case over its values."""
    return png(curves(outcomes))


def curves(outcomes: Outcomes) -> Figure:
    """The figure of `one_at_a_time_plot`: a panel for each factor, all with the same axis of the failure load."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    factors = list(outcomes.design["factors"])
    wide = min(len(factors), _PANELS)
    rows = -(-len(factors) // wide)
    figure = Figure(figsize=(max(4.5, 3.3 * wide), 3.1 * rows + 0.3), layout="constrained")
    panels = figure.subplots(rows, wide, squeeze=False, sharey=True).ravel()
    for axes, factor in zip(panels, factors, strict=False):
        names = [name for name, values in outcomes.factors.items() if factor in values]
        values = [outcomes.factors[name][factor] for name in names]
        numeric = all(isinstance(value, float | int) for value in values)
        places = [float(value) for value in values] if numeric else list(range(len(values)))
        for case in outcomes.cases:
            axes.plot(places, outcomes.table(LOAD, [case], names)[0] / 1000, "o-", linewidth=1, markersize=4, label=case)
        if numeric:
            axes.xaxis.set_major_locator(MaxNLocator(4))
        else:
            axes.set_xticks(places, [str(value) for value in values])
            axes.margins(x=0.2)
        axes.set_xlabel(factor)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in panels[len(factors) :]:
        axes.set_visible(False)
    for axes in panels[::wide]:
        axes.set_ylabel("failure load (kN)")
    loads = [row.numbers[LOAD] for row in outcomes.rows if LOAD in row.numbers]
    panels[0].set_ylim(0, 1.08 * max(loads) / 1000)  # the panels share it; before everything is drawn it would be too low
    if len(outcomes.cases) <= 12:
        panels[len(factors) - 1].legend(fontsize=7, frameon=False)
    return figure
