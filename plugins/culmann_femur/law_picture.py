"""The picture that shows what a law was given: density in a frontal cut through the bone, and its cortical cells."""

from __future__ import annotations

from typing import cast

import numpy as np

from culmann.data import Mesh
from culmann.data.arrays import BoolArray, FloatArray
from culmann.drawing import frame, orientation_letters, png, scale_bar, view_from
from culmann_femur.cortex import cell_size_mm

_TRABECULAR, _CORTICAL = (0.93, 0.80, 0.55), (0.45, 0.30, 0.20)


def law_picture(bone: Mesh, rho_g_cm3: FloatArray, cortical: BoolArray, kind: str) -> bytes:
    """A PNG of the cells in the frontal plane through the middle of the bone: a square stands for a cell."""
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    centres, size = bone.cell_centres_mm(), cell_size_mm(bone)
    view = view_from(np.array([0.0, -1.0, 0.0]), np.array([0.0, 0.0, 1.0]))
    # The axes of the lattice that lie in the page, so that squares meet where the image is oblique.
    right, up = view.right, view.up
    if bone.lattice is not None:
        axes, spacing = bone.lattice.grid.axes, np.asarray(bone.lattice.grid.spacing_mm)
        x, z = int(np.argmax(np.abs(axes[0]))), int(np.argmax(np.abs(axes[2])))
        right, up = axes[:, x] * spacing[x] / size[0], axes[:, z] * spacing[z] / size[0]
    depth = centres @ view.towards
    cut = np.abs(depth - np.quantile(depth, 0.5, method="lower")) <= 0.5 * size
    half = size[cut, None, None] / 2
    square = np.stack([right + up, up - right, -right - up, right - up])
    # An array goes through matplotlib many times faster than a list of polygons, which is what its types ask for.
    corners = cast("list[FloatArray]", view.on_page(centres[cut][:, None, :] + half * square))

    figure = Figure(figsize=(9, 5), layout="constrained")
    left, right_panel = figure.subplots(1, 2)
    shown = PolyCollection(corners, array=rho_g_cm3[cut], cmap="viridis", edgecolors="face", linewidths=0.2)
    left.add_collection(shown)
    figure.colorbar(shown, ax=left, shrink=0.8, label=f"density that enters the law, {kind}, g/cm³")
    colours = np.where(cortical[cut, None], _CORTICAL, _TRABECULAR)
    right_panel.add_collection(PolyCollection(corners, facecolors=colours, edgecolors=colours, linewidths=0.2))
    left.set_title("frontal cut", fontsize=10)
    right_panel.set_title(f"dark: cortical, {100 * cortical.mean():.1f} % of all cells", fontsize=10)
    for panel in (left, right_panel):
        frame(panel, view, centres, margin_mm=12)
        orientation_letters(panel, view, "black", "white")
        scale_bar(panel, "black")
    return png(figure, dpi=110)
