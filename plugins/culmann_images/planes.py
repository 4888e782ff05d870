"""Planes through an image as pictures: axial, coronal and sagittal, true to scale, with the patient's directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt

from culmann.data import Grid
from culmann.data.arrays import FloatArray
from culmann.drawing import View, orientation_letters
from culmann.regridding import Order, index_map, inside, sample

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Plane = Literal["axial", "coronal", "sagittal"]

#: Along which patient axis a plane stands; which axes run to the right and up on the page; as the radiologist looks.
_ACROSS: dict[Plane, int] = {"axial": 2, "coronal": 1, "sagittal": 0}
_RIGHT: dict[Plane, tuple[int, int]] = {"axial": (0, 1), "coronal": (0, 1), "sagittal": (1, 1)}
_UP: dict[Plane, tuple[int, int]] = {"axial": (1, -1), "coronal": (2, 1), "sagittal": (2, 1)}


def plane_grid(grid: Grid, plane: Plane, at_mm: float, most: int = 500) -> Grid:
    """One layer of square pixels in a plane of the patient, over the extent of an image, `most` pixels long at most."""
    low, high = grid.extent_mm()
    right, up = _RIGHT[plane][0], _UP[plane][0]
    pixel = max(min(grid.spacing_mm), float(max(high[right] - low[right], high[up] - low[up])) / most)
    size = np.ones(3, dtype=int)
    size[[right, up]] = np.maximum(1, np.ceil((high - low)[[right, up]] / pixel)).astype(int)
    origin = low + pixel / 2
    origin[_ACROSS[plane]] = at_mm
    (i, j, k), (x, y, z) = (int(n) for n in size), (float(v) for v in origin)
    return Grid((i, j, k), (pixel, pixel, pixel), (x, y, z))


def on_plane(array: npt.NDArray[Any], grid: Grid, target: Grid, order: Order, outside: float = np.nan) -> FloatArray:
    """Values (z, y, x) of an image on a layer of pixels, `outside` where the image does not reach."""
    matrix, offset = index_map(grid, target)
    values = sample(array.astype(np.float32), matrix, offset, target.shape, order)
    return np.where(inside(grid, target), values, outside)


def page(values: npt.NDArray[Any], plane: Plane) -> npt.NDArray[Any]:
    """A layer (z, y, x, …) as a picture (rows, columns, …) whose first row is the lowest one."""
    picture = np.squeeze(values, axis=2 - _ACROSS[plane])
    return picture[::-1] if _UP[plane][1] < 0 else picture


def page_extent(target: Grid, plane: Plane) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of such a picture, mm, for `imshow(origin="lower")`."""
    low, high = target.extent_mm()
    right, (up, sign) = _RIGHT[plane][0], _UP[plane]
    bottom, top = (low[up], high[up]) if sign > 0 else (-high[up], -low[up])
    return float(low[right]), float(high[right]), float(bottom), float(top)


def show(axes: Axes, picture: npt.NDArray[Any], target: Grid, plane: Plane, **look: Any) -> None:
    """Draw a picture with letters for the patient's directions."""
    axes.set_facecolor("black")
    axes.imshow(picture, origin="lower", extent=page_extent(target, plane), interpolation="nearest", **look)
    vectors = np.eye(3)
    right, up = vectors[_RIGHT[plane][0]], vectors[_UP[plane][0]] * _UP[plane][1]
    orientation_letters(axes, View(right, up, np.cross(right, up)), "white", "black")
    axes.set_xticks([])
    axes.set_yticks([])
