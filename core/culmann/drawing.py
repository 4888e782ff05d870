"""Surfaces drawn with matplotlib alone: orthographic views, Lambert shading, the painter's order."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from culmann.data.arrays import FloatArray
from culmann.surface import Surface

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class View:
    """An orthographic camera.

    Parameters
    ----------
    right, up, towards
        Unit vectors (3,), LPS: to the right and up on the page, and from the bone towards the eye.
    """

    right: FloatArray
    up: FloatArray
    towards: FloatArray

    def on_page(self, points_mm: FloatArray) -> FloatArray:
        """(…, 2) in mm on the page of points (…, 3)."""
        return np.stack([points_mm @ self.right, points_mm @ self.up], axis=-1)

    def letters(self) -> dict[str, str]:
        """Patient directions at the `left`, `right`, `top` and `bottom` of the page, like `A` or `SL`."""
        sides = {"right": self.right, "left": -self.right, "top": self.up, "bottom": -self.up}
        return {side: _letters(vector) for side, vector in sides.items()}


def view_from(towards: FloatArray, up: FloatArray) -> View:
    """The camera that stands in direction `towards` of the bone, with `up` as nearly upwards as can be. LPS vectors."""
    towards = np.asarray(towards, dtype=float) / np.linalg.norm(towards)
    upright = np.asarray(up, dtype=float) - towards * (np.asarray(up, dtype=float) @ towards)
    upright = upright / np.linalg.norm(upright)
    return View(np.cross(upright, towards), upright, towards)


def _letters(vector: FloatArray) -> str:
    named = sorted(((abs(v), "LPS"[n] if v > 0 else "RAI"[n]) for n, v in enumerate(vector)), reverse=True)
    return "".join(letter for size, letter in named if size > 0.38)


def lit(surface: Surface, colour: FloatArray, view: View) -> FloatArray:
    """Colours (n, 3) of triangles under a lamp that stands left above the eye; normals are averaged at the corners first."""
    smooth = surface.area_vectors_mm2()
    # Twice over the neighbours: what is left of the facets would catch the eye more than the shape.
    for _ in range(2):
        normal = np.zeros((len(surface.points_mm), 3))
        for corner in surface.triangles.T:
            np.add.at(normal, corner, smooth)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
        smooth = normal[surface.triangles].mean(axis=1)
    lamp = view.towards - 0.45 * view.right + 0.55 * view.up
    bright = 0.38 + 0.62 * np.clip(smooth @ (lamp / np.linalg.norm(lamp)), 0, 1)
    return np.asarray(np.clip(colour * bright[:, None], 0, 1))


def paint(axes: Axes, polygons_mm: FloatArray, colour: FloatArray, view: View) -> None:
    """Draw polygons (n, corners, 3) in colours (n, 3), those further from the eye first."""
    from matplotlib.collections import PolyCollection

    order = np.argsort(polygons_mm.mean(axis=1) @ view.towards, kind="stable")
    # Edges in the colour of the face close the hairlines that antialiasing leaves between neighbours.
    # An array goes through matplotlib many times faster than a list of polygons, which is what its types ask for.
    flat = cast("list[FloatArray]", view.on_page(polygons_mm[order]))
    axes.add_collection(PolyCollection(flat, facecolors=colour[order], edgecolors=colour[order], linewidths=0.6))


def paint_surface(axes: Axes, surface: Surface, colour: FloatArray, view: View) -> None:
    """Draw the triangles that face the eye, lit."""
    seen = surface.area_vectors_mm2() @ view.towards > 0
    paint(axes, surface.corners_mm()[seen], lit(surface, colour, view)[seen], view)


def frame(axes: Axes, view: View, points_mm: FloatArray, margin_mm: float = 4.0) -> None:
    """Fit the picture around the points, true to scale, with the patient's directions at its borders and a 10 mm bar."""
    page = view.on_page(points_mm)
    low, high = page.min(axis=0) - margin_mm, page.max(axis=0) + margin_mm
    axes.set_xlim(low[0], high[0])
    axes.set_ylim(low[1], high[1])
    axes.set_aspect("equal")
    axes.set_axis_off()


def orientation_letters(axes: Axes, view: View, colour: str, rim: str) -> None:
    """The patient's directions at the four borders of the picture, with a rim that keeps them legible on anything."""
    from matplotlib.patheffects import withStroke

    outline = [withStroke(linewidth=3, foreground=rim)]
    at = {"left": (0.02, 0.5), "right": (0.98, 0.5), "top": (0.5, 0.98), "bottom": (0.5, 0.02)}
    align = {"left": ("left", "center"), "right": ("right", "center"), "top": ("center", "top"), "bottom": ("center", "bottom")}
    for side, letters in view.letters().items():
        horizontal, vertical = align[side]
        axes.text(
            *at[side],
            letters,
            transform=axes.transAxes,
            ha=horizontal,
            va=vertical,
            color=colour,
            fontsize=10,
            fontweight="bold",
            path_effects=outline,
        )


def scale_bar(axes: Axes, colour: str, length_mm: float = 10.0) -> None:
    """A bar of true length in the lower left corner."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y = left + 0.05 * (right - left), bottom + 0.05 * (top - bottom)
    axes.plot([x, x + length_mm], [y, y], color=colour, linewidth=2.5, solid_capstyle="butt")
    axes.text(
        x + length_mm / 2, y + 0.012 * (top - bottom), f"{length_mm:g} mm", color=colour, ha="center", va="bottom", fontsize=9
    )


def png(figure: Figure, dpi: int = 150) -> bytes:
    """The figure as a PNG file, the same bytes each time."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
