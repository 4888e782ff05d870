"""Arrays with their axes in the order of the patient, and back: for what does not look at poses, such as a network."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import optimize

from culmann.data import Grid


def upright(array: npt.NDArray[Any], grid: Grid) -> tuple[npt.NDArray[Any], Grid]:
    """An array (z, y, x) with i running nearest to the patient's left, j to the back and k upwards, and its grid.

    Axes are swapped and turned round; no voxel changes its value or its place.
    """
    order, turned = _order(grid)
    moved = np.flip(np.transpose(array, _in_array(order)), _flipped(turned))
    columns = grid.axes[:, order] * np.where(turned, -1.0, 1.0)
    first = np.zeros(3)
    first[order] = np.where(turned, np.asarray(grid.size)[order] - 1, 0)
    x, y, z = grid.to_world(first[None])[0]
    i, j, k = (grid.size[axis] for axis in order)
    a, b, c = (grid.spacing_mm[axis] for axis in order)
    direction = tuple(float(v) for v in columns.ravel())
    return np.ascontiguousarray(moved), Grid((i, j, k), (a, b, c), (float(x), float(y), float(z)), direction)


def as_it_lay(array: npt.NDArray[Any], grid: Grid) -> npt.NDArray[Any]:
    """An array that `upright` gave, or one of its shape, back in the order of the axes of the grid that went in."""
    order, turned = _order(grid)
    back = np.argsort(_in_array(order))
    return np.ascontiguousarray(np.transpose(np.flip(array, _flipped(turned)), back))


def _order(grid: Grid) -> tuple[list[int], list[bool]]:
    """For left, back and up: the axis of the image that runs nearest to it, and whether it runs the other way."""
    order = [int(axis) for axis in optimize.linear_sum_assignment(-np.abs(grid.axes))[1]]
    return order, [bool(grid.axes[place, axis] < 0) for place, axis in enumerate(order)]


def _in_array(order: list[int]) -> list[int]:
    """The order of i, j, k as one of the axes (z, y, x)."""
    return [2 - axis for axis in reversed(order)]


def _flipped(turned: list[bool]) -> tuple[int, ...]:
    return tuple(2 - place for place, is_turned in enumerate(turned) if is_turned)
