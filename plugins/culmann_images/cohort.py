"""The median voxel spacing of a cohort, from the headers of its images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import optimize

from culmann.data import Grid
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann.image_files import read_image_grid
from culmann_images.dicom import read_series_grid


def median_spacing_mm(files: Sequence[Path]) -> tuple[float, float, float]:
    """Median spacing along left-right, front-back and up-down of the patient, over image files and DICOM folders.

    Only headers are read. The axes of each image go to the axes of the patient that are nearest.

    Raises
    ------
    InputError
        When there is no file, or one cannot be read; it is named.
    """
    if not files:
        raise InputError("a cohort without images has no median spacing")
    grids = [read_series_grid(path) if path.is_dir() else read_image_grid(path) for path in files]
    x, y, z = np.median([spacing_in_patient(grid) for grid in grids], axis=0)
    return float(x), float(y), float(z)


def image_axes(grid: Grid) -> IntArray:
    """Which axis of an image (0, 1, 2 for i, j, k) goes with each axis of the patient (left-right, front-back, up-down)."""
    return np.asarray(optimize.linear_sum_assignment(-np.abs(grid.axes))[1], dtype=np.int64)


def spacing_in_patient(grid: Grid) -> FloatArray:
    """(3,): the spacing of an image along left-right, front-back and up-down of the patient."""
    return np.asarray(grid.spacing_mm)[image_axes(grid)]
