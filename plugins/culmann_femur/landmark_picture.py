"""The picture that shows whether the landmarks were found: the bone from two sides with its sphere, axes and points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from skimage.measure import marching_cubes

from culmann.data import Landmarks
from culmann.data.arrays import FloatArray
from culmann.drawing import View, frame, orientation_letters, paint_surface, png, scale_bar, view_from
from culmann.surface import Surface
from culmann_femur.outline import Outline

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BONE = (0.86, 0.83, 0.76)
RED, BLUE, GREEN = (0.80, 0.25, 0.16), (0.12, 0.42, 0.70), (0.10, 0.50, 0.25)


def landmark_picture(outline: Outline, found: Landmarks) -> bytes:
    """A PNG: the bone at right angles to its frontal plane, and along it."""
    from matplotlib.figure import Figure

    surface = _surface(outline)
    up, medial = found.direction("shaft"), found.direction("medial")
    front = found.direction("anterior") if "anterior" in found.directions else np.cross(up, medial)
    views = {
        "from the front" if "anterior" in found.directions else "along the frontal plane's normal": view_from(front, up),
        "from the medial side": view_from(medial, up),
    }
    figure = Figure(figsize=(10, 6), layout="constrained")
    for panel, (title, view) in zip(figure.subplots(1, 2), views.items(), strict=True):
        paint_surface(panel, surface, np.tile(BONE, (len(surface.triangles), 1)), view)
        _draw(panel, found, view)
        frame(panel, view, surface.points_mm, margin_mm=10)
        orientation_letters(panel, view, "black", "white")
        panel.set_title(title, fontsize=10)
        scale_bar(panel, "black")
    figure.suptitle(
        f"{found.facts['side']} femur: head of radius {found.length('head-radius'):.1f} mm, neck-shaft angle "
        f"{found.angles_deg['neck-shaft']:.0f}°, shaft axis from {found.facts['shaft_axis_from']}",
        fontsize=10,
    )
    figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    return png(figure, dpi=110)


def _draw(panel: Axes, found: Landmarks, view: View) -> None:
    head, radius = found.point("head-centre"), found.length("head-radius")
    turn = np.linspace(0, 2 * np.pi, 100)
    circle = view.on_page(head) + radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)
    panel.plot(*circle.T, color=RED, linewidth=1.5, label="sphere of the head")
    neck, end, up = found.point("neck-centre"), found.point("shaft-end"), found.direction("shaft")
    panel.plot(*view.on_page(_line(neck, head, 1.6 * radius)).T, color=BLUE, linewidth=1.5, label="neck axis")
    top = end + up * ((head - end) @ up)
    panel.plot(*view.on_page(_line(end, top, 8.0)).T, color=GREEN, linewidth=1.5, label="shaft axis")
    for name, marker in (("most-proximal", "^"), ("greater-trochanter", "s"), ("greater-trochanter-tip", "D")):
        at = view.on_page(found.point(name))
        panel.plot(
            *at, marker, color="black", markersize=6, markerfacecolor="white", label=name.replace("-", " "), linestyle="none"
        )
    panel.plot(*view.on_page(np.stack([head, neck, end])).T, "o", color="black", markersize=3)


def _line(a: FloatArray, b: FloatArray, beyond_mm: float) -> FloatArray:
    along = (b - a) / np.linalg.norm(b - a)
    return np.stack([a - beyond_mm * along, b + beyond_mm * along])


def _surface(outline: Outline) -> Surface:
    """The surface of the outline, coarse enough to be drawn quickly."""
    step = max(1, round(1.5 / outline.voxel_mm))
    points, triangles, _, _ = marching_cubes(outline.field, 0.5, step_size=step)  # type: ignore[no-untyped-call]
    world = outline.grid.to_world(points[:, ::-1].astype(np.float64))
    surface = Surface(world, triangles.astype(np.int64))
    volume = np.einsum("nx,nx->", surface.centres_mm() - world[0], surface.area_vectors_mm2())
    return surface if volume > 0 else Surface(world, surface.triangles[:, ::-1])
