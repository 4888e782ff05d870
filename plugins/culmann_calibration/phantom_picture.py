"""The picture that shows whether the phantom was found: its rods in a slice and along the slices, the fit, the profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from culmann.data import Scan
from culmann.drawing import png
from culmann_calibration.certificates import Certificate
from culmann_calibration.equation import Equation
from culmann_calibration.profile import Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RODS, _LINE = "#e0632a", "#1f6bb0"


def phantom_picture(scan: Scan, equation: Equation, certificate: Certificate, profile: Profile) -> bytes:
    """A PNG: a slice with the numbered rods, the image along the rods, the fitted line, the lines of the slices."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8), layout="constrained")
    panels = figure.subplots(2, 2, gridspec_kw={"width_ratios": (1.25, 1)})
    _draw_slice(panels[0, 0], scan, equation)
    _draw_along(panels[1, 0], scan, equation)
    _draw_fit(panels[0, 1], equation, certificate)
    _draw_profile(panels[1, 1], profile)
    line = equation.line
    figure.suptitle(
        f"phantom {certificate.serial}: density = {line.slope * 1000:.4f} HU {line.intercept * 1000:+.2f} mg/cm³, "
        f"r² = {line.r2:.5f}, rods {'found' if equation.rods.found else 'given by hand'}, {equation.order}",
        fontsize=11,
    )
    return png(figure, dpi=110)


def _draw_slice(panel: Axes, scan: Scan, equation: Equation) -> None:
    from matplotlib.patches import Circle

    seen = np.flatnonzero(equation.rods.seen)
    k = int(seen[len(seen) // 2])
    sx, sy = scan.grid.spacing_mm[:2]
    ny, nx = scan.hu.shape[1:]
    extent = (-sx / 2, (nx - 0.5) * sx, (ny - 0.5) * sy, -sy / 2)
    panel.imshow(scan.hu[k], cmap="gray", vmin=-200, vmax=500, extent=extent)
    for n, (i, j) in enumerate(equation.rods.at_voxel[:, k]):
        panel.add_patch(Circle((i * sx, j * sy), equation.radius_mm, fill=False, color=_RODS, linewidth=1.2))
        panel.text(
            i * sx, j * sy - 1.9 * equation.rods.radius_mm, str(n + 1), color=_RODS, ha="center", va="center", fontsize=10
        )
    left = "R" if scan.grid.axes[0, 0] > 0 else "L"
    for x, letter in ((0.02, left), (0.98, "L" if left == "R" else "R")):
        panel.text(x, 0.95, letter, transform=panel.transAxes, color="white", ha="center", va="top", fontsize=10)
    panel.set_title(f"slice {k}: the circles are what is measured", fontsize=10)
    panel.set_axis_off()


def _draw_along(panel: Axes, scan: Scan, equation: Equation) -> None:
    """The image resampled on the surface that the axes of the rods span: each rod is a straight band."""
    from scipy import ndimage

    at, slices = equation.rods.at_voxel, np.arange(scan.hu.shape[0])
    count = len(at)
    place = np.linspace(-0.8, count - 0.2, 400)
    along = np.clip(np.floor(place), 0, count - 2).astype(int)
    share = (place - along)[:, None, None]
    path = at[along] * (1 - share) + at[along + 1] * share
    where = np.stack([np.broadcast_to(slices, path.shape[:2]), path[..., 1], path[..., 0]])
    image = ndimage.map_coordinates(scan.hu, where, order=1, mode="nearest").T
    panel.imshow(
        image,
        cmap="gray",
        vmin=-200,
        vmax=500,
        aspect="auto",
        origin="lower",
        extent=(0.2, count + 0.8, -0.5, len(slices) - 0.5),
    )
    seen = np.flatnonzero(equation.rods.seen)
    for edge in (seen[0] - 0.5, seen[-1] + 0.5):
        panel.axhline(edge, color=_RODS, linewidth=1.2)
    panel.set_xticks(range(1, count + 1))
    panel.set_xlabel("rod")
    panel.set_ylabel("slice")
    panel.set_title("along the rods: bands must be straight; measured between the lines", fontsize=10)


def _draw_fit(panel: Axes, equation: Equation, certificate: Certificate) -> None:
    densities, line = np.array(certificate.densities), equation.line
    found = densities + line.residual_g_cm3 * 1000
    ends = np.array([min(densities.min(), found.min()), max(densities.max(), found.max())])
    panel.plot(ends, ends, color=_LINE, linewidth=1.2, label="fit")
    panel.plot(densities, found, "o", color=_RODS, markersize=5, label="rods")
    for n, (x, y) in enumerate(zip(densities, found, strict=True)):
        # Rods of the same density would write over each other on one side.
        offset, side = ((8, -12), "left") if n % 2 else ((-8, 6), "right")
        told = f"{n + 1}: {equation.rods_hu[n]:.0f} HU"
        panel.annotate(told, (x, y), xytext=offset, textcoords="offset points", fontsize=8, ha=side)
    panel.set_xlabel(f"certificate, mg/cm³ {'K2HPO4' if certificate.kind == 'qct-k2hpo4' else 'hydroxyapatite'}")
    panel.set_ylabel("measured, mg/cm³")
    panel.margins(0.2)
    panel.legend(frameon=False, fontsize=9, loc="lower right")


def _draw_profile(panel: Axes, profile: Profile) -> None:
    slices = np.arange(len(profile.seen))
    panel.plot(slices, profile.raw_g_cm3 * 1000, ".", color=_RODS, markersize=5, label="each slice")
    panel.plot(slices, profile.smooth_g_cm3 * 1000, color=_LINE, linewidth=1.4, label="smoothed")
    panel.axhline(200, color="black", linewidth=0.8, linestyle=(0, (6, 3)), label="all slices")
    middle = float(np.nanmax(np.abs(profile.raw_g_cm3 * 1000 - 200)))
    panel.set_ylim(200 - max(12.0, 1.2 * middle), 200 + max(12.0, 1.2 * middle))
    panel.set_xlabel("slice")
    panel.set_ylabel("mg/cm³ where all slices give 200")
    panel.legend(frameon=False, fontsize=9)
