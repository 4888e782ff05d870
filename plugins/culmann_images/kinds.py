"""What scans, label maps and density maps have in common: voxels on a grid, somewhere in the patient."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from culmann.data import DensityMap, Grid, Labels, Placement, Scan

Image = TypeVar("Image", Scan, Labels, DensityMap)


def voxels(image: Scan | Labels | DensityMap) -> npt.NDArray[Any]:
    """The array (z, y, x) of an image."""
    if isinstance(image, Scan):
        return image.hu
    return image.label if isinstance(image, Labels) else image.g_cm3


def with_voxels(image: Image, grid: Grid, array: npt.NDArray[Any], told: str, placement: Placement | None = None) -> Image:
    """The same image with other voxels and with `told` in its history; a density map keeps its history in its calibration."""
    placement = placement or image.placement
    if isinstance(image, Scan):
        hu = array.astype(np.float32, copy=False)
        return replace(image, grid=grid, hu=hu, history=(*image.history, told), placement=placement)
    if isinstance(image, Labels):
        label = array.astype(np.int32, copy=False)
        return replace(image, grid=grid, label=label, history=(*image.history, told), placement=placement)
    before = image.calibration.get("since then")
    record = {**image.calibration, "since then": told if before is None else f"{before}; {told}"}
    return replace(image, grid=grid, g_cm3=array.astype(np.float32, copy=False), calibration=record, placement=placement)


def axis_across(grid: Grid) -> int:
    """Which of the axes i, j, k runs nearest to the left-right axis of the patient."""
    return int(np.abs(grid.axes[0]).argmax())
