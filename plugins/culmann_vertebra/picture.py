"""The picture that shows whether the endplates were found: the bone from three sides, its endplate nodes and its axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from culmann.data import Mesh
from culmann.data.arrays import FloatArray, IntArray
from culmann.drawing import View, frame, lit, orientation_letters, paint, png, scale_bar, view_from
from culmann.surface import Surface
from culmann_vertebra.plates import Plate

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BONE = (0.86, 0.83, 0.76)
COLOURS = ((0.80, 0.25, 0.16), (0.12, 0.42, 0.70))


def endplate_picture(
    mesh: Mesh,
    surface: Surface,
    sets: Mapping[str, IntArray],
    plates: tuple[Plate, Plate],
    axis: FloatArray,
    up: FloatArray,
) -> bytes:
    """A PNG: the bone from its left, from above and from below, in the colours of its endplates."""
    from matplotlib.figure import Figure

    posterior = np.array([0.0, 1.0, 0.0]) if abs(up[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    left = np.cross(posterior, up)
    views = {
        "from the left": view_from(left, up),
        "from above": view_from(up - 0.7 * posterior + 0.25 * left, up),
        "from below": view_from(-up - 0.7 * posterior + 0.25 * left, up),
    }
    ends = np.stack([plates[1].centre_mm - 12 * axis, plates[0].centre_mm + 12 * axis])
    figure = Figure(figsize=(12, 4.6), layout="constrained")
    for panel, (title, view) in zip(figure.subplots(1, 3), views.items(), strict=True):
        _draw(panel, mesh, surface, sets, plates, view)
        panel.plot(*view.on_page(ends).T, color="black", linewidth=1.2, linestyle=(0, (6, 3)), label="axis of the endplates")
        frame(panel, view, np.concatenate([surface.points_mm, ends]), margin_mm=8)
        orientation_letters(panel, view, "black", "white")
        panel.set_title(title, fontsize=10)
        scale_bar(panel, "black")
    names = ", ".join(
        f"{name} {len(nodes)} nodes, {plate.area_mm2:.0f} mm²"
        for (name, nodes), plate in zip(sets.items(), plates, strict=True)
    )
    figure.suptitle(f"{names} (areas of the smoothed surface)", fontsize=10)
    figure.legend(*panel.get_legend_handles_labels(), loc="outside lower center", fontsize=9, frameon=False)
    return png(figure, dpi=120)


def _draw(
    panel: Axes, mesh: Mesh, surface: Surface, sets: Mapping[str, IntArray], plates: tuple[Plate, Plate], view: View
) -> None:
    colour = np.tile(BONE, (len(surface.triangles), 1))
    for plate, plate_colour in zip(plates, COLOURS, strict=True):
        colour[plate.triangle] = 0.55 * np.asarray(BONE) + 0.45 * np.asarray(plate_colour)
    seen = surface.area_vectors_mm2() @ view.towards > 0
    corners = surface.corners_mm()[seen]
    polygons, colours = [np.concatenate([corners, corners[:, 2:]], axis=1)], [lit(surface, colour, view)[seen]]
    # A node is a small square that faces the eye and stands out of the surface far enough to be seen.
    spacing = 0.3 * np.sqrt(plates[0].area_mm2 / max(len(next(iter(sets.values()))), 1))
    square = spacing * np.array([view.right + view.up, view.up - view.right, -view.right - view.up, view.right - view.up])
    for nodes, plate, plate_colour in zip(sets.values(), plates, COLOURS, strict=True):
        if plate.normal @ view.towards > -0.2:
            at = mesh.points_mm[nodes] + 1.5 * view.towards
            polygons.append(at[:, None, :] + square)
            colours.append(np.tile(plate_colour, (len(nodes), 1)))
    paint(panel, np.concatenate(polygons), np.concatenate(colours), view)
