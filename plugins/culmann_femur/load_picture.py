"""The picture of a load case: the bone from two sides, with the nodes that are loaded and held and the load's direction."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.spatial import cKDTree

from culmann.data import Landmarks, Mesh
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.drawing import frame, lit, orientation_letters, paint, png, scale_bar, view_from
from culmann.surface import outer_surface

BONE, CAST = (0.86, 0.83, 0.76), (0.62, 0.70, 0.78)
COLOURS = ((0.80, 0.25, 0.16), (0.12, 0.42, 0.70), (0.10, 0.50, 0.25))

_ARROW_MM, _SMOOTHING_MM = 22.0, 1.5


def load_picture(
    mesh: Mesh, landmarks: Landmarks, sets: Mapping[str, tuple[IntArray, FloatArray | None]], *, from_above: bool = False
) -> bytes:
    """A PNG: the bone and what was cast onto it from the front, and from the medial side or from above.

    Parameters
    ----------
    sets
        {name: (nodes, the direction in which they are moved or None)}, three at most.
    """
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    up, medial = landmarks.direction("shaft"), landmarks.direction("medial")
    front = landmarks.direction("anterior") if "anterior" in landmarks.directions else np.cross(up, medial)
    other = {"from the medial side": view_from(medial, up)} if not from_above else {"from above": view_from(up, front)}
    views = {"frontal plane": view_from(front, up), **other}
    surface = outer_surface(mesh, np.ones(mesh.n_cells, dtype=bool), _SMOOTHING_MM)
    shades = np.where(_near_bone(surface.centres_mm(), mesh)[:, None], BONE, CAST)
    figure = Figure(figsize=(10, 6.2), layout="constrained")
    for panel, (title, view) in zip(figure.subplots(1, 2), views.items(), strict=True):
        seen = surface.area_vectors_mm2() @ view.towards > 0
        corners = surface.corners_mm()[seen]
        polygons = [np.concatenate([corners, corners[:, 2:]], axis=1)]
        colours = [lit(surface, shades, view)[seen]]
        for (nodes, _), colour in zip(sets.values(), COLOURS, strict=False):
            square = 0.5 * np.array([view.right + view.up, view.up - view.right, -view.right - view.up, view.right - view.up])
            at = mesh.points_mm[nodes] + 2.0 * view.towards
            polygons.append(at[:, None, :] + square)
            colours.append(np.tile(colour, (len(nodes), 1)))
        paint(panel, np.concatenate(polygons), np.concatenate(colours), view)
        ends = [surface.points_mm]
        for (nodes, direction), colour in zip(sets.values(), COLOURS, strict=False):
            if direction is None:
                continue
            first = mesh.points_mm[nodes][int(np.argmin(mesh.points_mm[nodes] @ direction))]
            tip = mesh.points_mm[nodes].mean(axis=0)
            tip = tip + direction * ((first - tip) @ direction) - 2 * direction
            tail = tip - _ARROW_MM * direction
            ends.append(np.stack([tail, tip]))
            a, b = view.on_page(tail), view.on_page(tip)
            panel.annotate("", (b[0], b[1]), (a[0], a[1]), arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 2.5})
        frame(panel, view, np.concatenate(ends), margin_mm=8)
        orientation_letters(panel, view, "black", "white")
        panel.set_title(title, fontsize=10)
        scale_bar(panel, "black")
    handles = [
        Line2D([], [], marker="s", linestyle="none", color=colour, label=f"{name}: {len(nodes)} nodes")
        for (name, (nodes, _)), colour in zip(sets.items(), COLOURS, strict=False)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    return png(figure, dpi=110)


def _near_bone(places_mm: FloatArray, mesh: Mesh) -> BoolArray:
    """(n,): whether the cell nearest to each place is bone."""
    if mesh.is_bone.all():
        return np.ones(len(places_mm), dtype=bool)
    return np.asarray(mesh.is_bone[cKDTree(mesh.cell_centres_mm()).query(places_mm)[1]])
