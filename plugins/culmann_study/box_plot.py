"""Fig. 2 of the paper: the failure loads of every variation as boxes, with a line for each case."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from culmann_study.group_comparison import Group

_BOX, _CONTROL, _LINE, _STAR = "#bcd3e6", "#e8c99a", "#5b6570", "#b3341a"


def box_plot(groups: Sequence[Group], form: str = "png") -> bytes:
    """The figure as a `png` or `svg`: a panel for each group, the control first."""
    from matplotlib.figure import Figure

    wide = [1 + len(group.variants) for group in groups]
    figure = Figure(figsize=(1.6 + 1.15 * sum(wide), 4.6), layout="constrained")
    for axes, group in zip(figure.subplots(1, len(groups), squeeze=False, width_ratios=wide)[0], groups, strict=True):
        names = [group.control, *group.variants]
        load_kn = group.load_n / 1000
        for n, column in enumerate(load_kn.T):
            there = column[np.isfinite(column)]
            if len(there) > 2:
                axes.boxplot(
                    there,
                    positions=[n],
                    widths=0.55,
                    patch_artist=True,
                    showfliers=False,
                    boxprops={"facecolor": _CONTROL if n == 0 else _BOX, "edgecolor": _LINE},
                    medianprops={"color": "black", "linewidth": 1.6},
                    whiskerprops={"color": _LINE},
                    capprops={"color": _LINE},
                )
        for case in load_kn:
            at = np.flatnonzero(np.isfinite(case))
            axes.plot(at, case[at], color=_LINE, linewidth=0.6, alpha=0.55, marker="o", markersize=3.2, markeredgewidth=0)
        top = float(np.nanmax(load_kn)) if np.isfinite(load_kn).any() else 1.0
        for n, variant in enumerate(group.variants, start=1):
            if group.significant(variant):
                axes.text(n, 1.05 * top, "*", ha="center", va="center", fontsize=17, color=_STAR)
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.set_ylim(0, 1.13 * top)
        axes.set_xticks(range(len(names)), names, rotation=20, ha="right")
        axes.set_title(f"{group.name or 'all cases'} (n {len(group.cases)})", fontsize=11, loc="left")
        axes.set_ylabel("failure load (kN)")
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", color="#e2dfd6", linewidth=0.8)
        axes.set_axisbelow(True)
    buffer = io.BytesIO()
    facts = {"Software": None} if form == "png" else {"Date": None}
    figure.savefig(buffer, format=form, dpi=150, metadata=facts)
    return buffer.getvalue()
