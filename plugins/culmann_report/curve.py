"""The picture of the curve: force over displacement and strain, with the failure load."""

from __future__ import annotations

from typing import Any

import numpy as np

from culmann.data import Response, Strength
from culmann.drawing import png

INK, CURVE, MARK = "#222222", "#1f5a8c", "#c8381e"


def curve_picture(response: Response, strength: Strength) -> bytes:
    """A PNG."""
    from matplotlib.figure import Figure

    u, force_kn = response.displacement_mm, response.force_n / 1000
    height = response.reference_height_mm
    load_kn, at = strength.failure_load_n / 1000, strength.displacement_mm
    top = 1.15 * max(float(force_kn.max()), load_kn, 1e-9)
    right = 1.06 * max(float(u.max()), at)

    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.add_subplot()
    slope = strength.stiffness_n_mm / 1000
    if slope > 0:
        end = min(right, top / slope)
        axes.plot([0, end], [0, slope * end], color="#888888", linewidth=1.2, linestyle=(0, (5, 3)), zorder=1)
        axes.annotate(
            f"initial stiffness {strength.stiffness_n_mm / 1000:.3g} kN/mm",
            (end, slope * end),
            xytext=(-8 if end > 0.5 * right else 8, 0),
            textcoords="offset points",
            color="#666666",
            fontsize=9,
            ha="right" if end > 0.5 * right else "left",
            va="top",
        )
    axes.plot(u, force_kn, color=CURVE, linewidth=2, marker="o", markersize=3.5, zorder=2)
    axes.plot([at, at, 0], [0, load_kn, load_kn], color=MARK, linewidth=0.9, linestyle=":", zorder=1)
    axes.plot([at], [load_kn], color=MARK, marker="o", markersize=9, zorder=3)
    to_the_left = at > 0.5 * right
    axes.annotate(
        f"failure load {load_kn:.2f} kN\n{strength.criterion}",
        (at, 0),
        xytext=(-10 if to_the_left else 10, 14),
        textcoords="offset points",
        ha="right" if to_the_left else "left",
        va="bottom",
        color=MARK,
        fontsize=10,
        fontweight="bold",
        linespacing=1.4,
    )
    axes.set(
        xlim=(0, right), ylim=(min(0.0, float(force_kn.min())), 1.12 * top), xlabel="displacement (mm)", ylabel="force (kN)"
    )
    axes.grid(color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines["right"].set_visible(False)

    def to_strain(displacement: Any) -> Any:
        return 100 * displacement / height

    def to_displacement(strain_percent: Any) -> Any:
        return strain_percent * height / 100

    strain = axes.secondary_xaxis("top", functions=(to_strain, to_displacement))
    strain.set_xlabel("displacement over height (%)")
    for side in (axes, strain):
        side.tick_params(colors=INK)
    return png(figure)


def moment_of(response: Response, strength: Strength) -> str:
    """`peak` or `end`: of which moment the fields lie nearer to the failure load."""
    at_peak = float(response.displacement_mm[np.argmax(response.force_n)])
    at_end = float(response.displacement_mm[-1])
    return "end" if abs(at_end - strength.displacement_mm) <= abs(at_peak - strength.displacement_mm) else "peak"
