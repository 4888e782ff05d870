"""The picture of the failure: a CT slice with the cells that yield in colour, and the bone from outside in the same colours."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from culmann.data import Mesh, Response, Scan, Strength
from culmann.data.arrays import FloatArray
from culmann.drawing import View, frame, orientation_letters, paint_surface, png, scale_bar, view_from
from culmann.errors import InputError
from culmann.surface import outer_surface
from culmann_report.curve import moment_of
from culmann_report.slices import Plane, cells_at, grey_values

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap, Normalize

PAPER, BONE = "#14161a", (0.88, 0.84, 0.76)
#: Strains below this share of the top of the colours are left in the colour of bone.
FAINT = 0.02
#: What the slice shows around the loaded part.
MARGIN_MM = 15.0
#: Caveats in the picture: lines at most, characters a line.
CAVEAT_LINES, CAVEAT_WIDTH = 4, 165


@dataclass(frozen=True, slots=True)
class Look:
    """How the picture is made, as in the options of `figures`."""

    plane: str
    offset_mm: float
    view: tuple[float, float, float]
    window_hu: tuple[float, float]
    strain_top: float | None


def failure_picture(response: Response, strength: Strength, scan: Scan | None, look: Look) -> bytes:
    """A PNG."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize
    from matplotlib.figure import Figure

    moment = response.end if moment_of(response, strength) == "end" else response.peak
    strain, what = moment.equivalent_plastic_strain, "equivalent plastic strain (%)"
    if not (strain > 0).any():
        strain, what = moment.equivalent_strain, "equivalent strain (%)"
    mesh = response.mesh
    top = look.strain_top or _round_top(strain[mesh.is_bone])
    colours = LinearSegmentedColormap.from_list("yield", ["#ffe08a", "#fba238", "#e8502a", "#b3123f", "#5c0a4a"])
    scale = Normalize(0, top)

    said = [*_moved(mesh), *caveat_lines(strength.caveats)]
    figure = Figure(figsize=(11, 4.7 + 0.17 * len(said)), facecolor=PAPER, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.35))
    _draw_slice(left, mesh, strain, scan, look, colours, scale)
    _draw_bone(right, mesh, strain, look, colours, scale)
    bar = figure.colorbar(ScalarMappable(Normalize(0, 100 * top), colours), ax=right, shrink=0.7, pad=0.02, extend="max")
    bar.set_label(what, color="white", fontsize=10)
    bar.ax.tick_params(colors="white")
    bar.outline.set_visible(False)
    title = f"failure load {strength.failure_load_n / 1000:.2f} kN"
    figure.suptitle(f"{title}  ({strength.criterion})", color="white", fontsize=13, fontweight="bold")
    if said:
        figure.supxlabel("\n".join(said), x=0.01, ha="left", color="#ffcf70", fontsize=8, linespacing=1.3)
    return png(figure)


def _moved(mesh: Mesh) -> list[str]:
    """What was done to the bone before it was meshed, where left and right in the picture are not the patient's."""
    told = "; ".join(mesh.placement.history)
    return [f"not as in the patient: {told}"] if told else []


def caveat_lines(caveats: Sequence[str]) -> list[str]:
    """What the picture says of the caveats: so many as fit on a few lines, and how many more there are."""
    lines: list[str] = []
    for n, caveat in enumerate(caveats):
        wrapped = textwrap.wrap(f"caution: {caveat}", CAVEAT_WIDTH, subsequent_indent="    ")
        if len(lines) + len(wrapped) > CAVEAT_LINES:
            return [*lines, f"… and {len(caveats) - n} more: strength.json"]
        lines += wrapped
    return lines


def _round_top(strain: FloatArray) -> float:
    """A round number near the highest strains, past what a few cells reach."""
    positive = strain[strain > 0]
    if not len(positive):
        return 0.01
    top = max(float(np.percentile(positive, 98)), 1e-6)
    unit = 10 ** np.floor(np.log10(top))
    return float(unit * min(n for n in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if n * unit >= top * (1 - 1e-9)))


def _loaded_part(mesh: Mesh) -> FloatArray:
    """Points (n, 3) around the loaded part: the endplates where there are some, else all of the bone."""
    plates = [mesh.node_sets[name] for name in ("endplate-superior", "endplate-inferior") if len(mesh.node_sets.get(name, ()))]
    return mesh.points_mm[np.concatenate(plates)] if plates else mesh.cell_centres_mm()[mesh.is_bone]


def _draw_slice(
    axes: Axes, mesh: Mesh, strain: FloatArray, scan: Scan | None, look: Look, colours: Colormap, scale: Normalize
) -> None:
    from matplotlib.colors import to_rgb

    facing = np.array([1.0, 0.0, 0.0]) if look.plane == "sagittal" else np.array([0.0, -1.0, 0.0])
    view = view_from(facing, np.array([0.0, 0.0, 1.0]))
    loaded = _loaded_part(mesh)
    page = view.on_page(loaded)
    (x0, y0), (x1, y1) = page.min(axis=0) - MARGIN_MM, page.max(axis=0) + MARGIN_MM
    pixel = max(x1 - x0, y1 - y0) / 700
    plane = Plane(view, loaded.mean(axis=0) + look.offset_mm * np.abs(facing), (x0, x1, y0, y1), pixel)
    points = plane.points_mm()
    cell = cells_at(mesh, points)
    shown = np.ones_like(cell, dtype=bool)
    if scan is None:
        picture = np.where((cell >= 0)[..., None], np.asarray(BONE) * 0.55, np.asarray(to_rgb(PAPER)))
    else:
        hu = grey_values(scan, points)
        low, high = look.window_hu
        grey = np.clip((hu - low) / max(high - low, 1e-9), 0, 1)
        picture = np.where(np.isnan(grey)[..., None], np.asarray(to_rgb(PAPER)), np.repeat(grey[..., None], 3, axis=2))
        if (in_scan := ~np.isnan(hu)).any():
            shown = in_scan
    value = np.where(cell >= 0, strain[np.maximum(cell, 0)], 0)
    share = value / float(scale.vmax or 1)
    cover = 0.95 * np.clip((share - FAINT) / 0.08, 0, 1)[..., None]
    picture = (1 - cover) * picture + cover * np.asarray(colours(scale(value)))[..., :3]
    rows, columns = cell.shape
    extent = (x0, x0 + columns * pixel, y0, y0 + rows * pixel)
    axes.imshow(picture, extent=extent, origin="lower", interpolation="nearest")
    if (cell >= 0).any():
        axes.contour((cell >= 0).astype(float), [0.5], extent=extent, origin="lower", colors="white", linewidths=0.9)
    column, row = np.flatnonzero(shown.any(axis=0)), np.flatnonzero(shown.any(axis=1))
    axes.set_xlim(x0 + column[0] * pixel, x0 + (column[-1] + 1) * pixel)
    axes.set_ylim(y0 + row[0] * pixel, y0 + (row[-1] + 1) * pixel)
    axes.set_axis_off()
    _label(axes, view, f"{look.plane} slice" + ("" if scan is None else " of the scan"))


def _draw_bone(axes: Axes, mesh: Mesh, strain: FloatArray, look: Look, colours: Colormap, scale: Normalize) -> None:
    up = np.array([0.0, 0.0, 1.0])
    direction = np.asarray(look.view, dtype=float)
    if np.linalg.norm(np.cross(direction, up)) < 1e-6:
        raise InputError(f"`view` is {look.view}: the bone cannot be seen from straight above or below, or from nowhere")
    view = view_from(direction, up)
    surface = outer_surface(mesh, mesh.is_bone, smoothing_mm=0.0)
    bone = np.flatnonzero(mesh.is_bone)
    distance, near = cKDTree(mesh.cell_centres_mm()[bone]).query(surface.centres_mm(), k=min(6, len(bone)))
    weight = 1 / (np.reshape(distance, (len(surface.triangles), -1)) + 0.1)
    value = (strain[bone][np.reshape(near, weight.shape)] * weight).sum(axis=1) / weight.sum(axis=1)
    cover = np.clip((value / float(scale.vmax or 1) - FAINT) / 0.1, 0, 1)[:, None]
    colour = (1 - cover) * np.asarray(BONE) + cover * np.asarray(colours(scale(value)))[:, :3]
    paint_surface(axes, surface, colour, view)
    frame(axes, view, surface.points_mm, margin_mm=5)
    _label(axes, view, "from outside")


def _label(axes: Axes, view: View, title: str) -> None:
    orientation_letters(axes, view, "white", PAPER)
    scale_bar(axes, "white")
    axes.set_title(title, color="#c8c8c8", fontsize=10)
