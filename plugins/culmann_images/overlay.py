"""The picture that shows whether a scan lies on a reference: both in one, in two colours, before and after."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from culmann.data import Scan
from culmann.data.arrays import FloatArray
from culmann.drawing import png
from culmann_images.planes import Plane, on_plane, page, plane_grid, show
from culmann_images.registration import Fit, moved_onto


def overlay(
    reference: Scan, scan: Scan, moved: npt.NDArray[np.float32], moves: tuple[FloatArray, FloatArray], fits: tuple[Fit, Fit]
) -> bytes:
    """A PNG: three planes through the middle of the reference; where both images agree it is grey.

    Parameters
    ----------
    moved
        (z, y, x) of the reference: the scan after its movement.
    moves, fits
        The movements before and after the registration, and how well the images lie on each other.
    """
    from matplotlib.figure import Figure

    planes: tuple[Plane, ...] = ("axial", "coronal", "sagittal")
    first, _ = moved_onto(scan, reference.grid, moves[0], 1)
    middle = np.mean(reference.grid.extent_mm(), axis=0)
    figure = Figure(figsize=(12, 8), layout="constrained")
    panels = figure.subplots(2, 3)
    for row, hu, fit, when in zip(panels, (first, moved), fits, ("before", "after"), strict=True):
        for panel, plane, at in zip(row, planes, (middle[2], middle[1], middle[0]), strict=True):
            target = plane_grid(reference.grid, plane, at)
            red, cyan = (_grey(on_plane(image, reference.grid, target, 1)) for image in (reference.hu, hu))
            show(panel, page(np.stack([red, cyan, cyan], axis=-1), plane), target, plane)
        row[1].set_title(f"{when}: {fit.describe()}", fontsize=10)
    figure.suptitle("reference red, scan cyan, grey where they agree", fontsize=10)
    return png(figure, dpi=110)


def _grey(hu: FloatArray) -> FloatArray:
    return np.nan_to_num(np.clip((hu + 200) / 1000, 0, 1))
