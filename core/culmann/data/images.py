"""Between arrays on a Grid, SimpleITK images and NIfTI files: one place knows how the three lie to each other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk

from culmann.data.grid import Grid


def to_image(array: npt.NDArray[Any], grid: Grid) -> sitk.Image:
    """A SimpleITK image of an array (z, y, x) on a grid."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(array))
    image.SetSpacing(grid.spacing_mm)
    image.SetOrigin(grid.origin_mm)
    image.SetDirection(grid.direction)
    return image


def write_nifti(path: Path, array: npt.NDArray[Any], grid: Grid) -> None:
    """Write an array on a grid. NIfTI keeps the pose in 32 bits: callers that need it exactly keep the grid beside it."""
    sitk.WriteImage(to_image(array, grid), str(path))


def read_nifti(path: Path) -> npt.NDArray[Any]:
    """The array (z, y, x) of an image that `write_nifti` wrote."""
    return np.asarray(sitk.GetArrayFromImage(sitk.ReadImage(str(path))))
