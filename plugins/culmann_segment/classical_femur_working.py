"""The image that the classical femur segmenter works on: axes as in the patient, equal spacing, and a box around one hip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import Grid
from culmann.data.arrays import FloatArray
from culmann.regridding import antialias_sigma_voxels, index_map, sample
from culmann.surface import nearest_axes

FloatImage = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Image:
    """Hounsfield units on a grid whose axes i, j, k lie nearest to left, posterior and superior.

    Parameters
    ----------
    grid
        Where the voxels are.
    hu
        (z, y, x) float32.
    """

    grid: Grid
    hu: FloatImage

    def at(self, point_mm: FloatArray) -> FloatArray:
        """Linear interpolation at positions (..., 3), LPS; beyond the image it is continued by its edge."""
        index = self.grid.to_index(point_mm.reshape(-1, 3))[:, ::-1].T
        hu = ndimage.map_coordinates(self.hu, index, order=1, mode="nearest", output=np.float64)
        return np.asarray(hu, dtype=np.float64).reshape(point_mm.shape[:-1])

    def holds(self, point_mm: FloatArray, margin_mm: float = 0.0) -> npt.NDArray[np.bool_]:
        """Whether positions (..., 3) lie within the image, and at least `margin_mm` away from its border."""
        index = self.grid.to_index(point_mm.reshape(-1, 3))
        room = margin_mm / np.asarray(self.grid.spacing_mm)
        inside = ((index >= room - 0.5) & (index <= np.asarray(self.grid.size) - 0.5 - room)).all(axis=1)
        return np.asarray(inside).reshape(point_mm.shape[:-1])

    def positions_mm(self) -> FloatArray:
        """(z, y, x, 3): the centre of every voxel, LPS."""
        step = self.grid.axes * np.asarray(self.grid.spacing_mm)
        k, j, i = np.ogrid[tuple(slice(0, n) for n in self.grid.shape)]
        along = [start + i * s[0] + j * s[1] + k * s[2] for start, s in zip(self.grid.origin_mm, step, strict=True)]
        return np.stack(along, axis=-1)


def turned(grid: Grid, array: npt.NDArray[Any]) -> Image:
    """The same voxels with their axes in the order and sense of the patient's: no interpolation."""
    order, backwards = nearest_axes(grid)
    size = np.asarray(grid.size)
    first = np.where([backwards[order.index(a)] for a in range(3)], size - 1, 0)
    axes = grid.axes[:, list(order)] * np.where(backwards, -1.0, 1.0)
    x, y, z = (float(v) for v in grid.to_world(first[None])[0])
    placed = Grid(
        tuple(int(n) for n in size[list(order)]),  # type: ignore[arg-type]
        tuple(float(grid.spacing_mm[a]) for a in order),  # type: ignore[arg-type]
        (x, y, z),
        tuple(float(v) for v in axes.ravel()),
    )
    return Image(placed, _turn(array, order, backwards).astype(np.float32, copy=False))


def _turn(array: npt.NDArray[Any], order: tuple[int, ...], backwards: tuple[bool, ...]) -> npt.NDArray[Any]:
    as_ijk = array.transpose(2, 1, 0).transpose(order)
    sense = tuple(slice(None, None, -1) if back else slice(None) for back in backwards)
    return np.ascontiguousarray(as_ijk[sense].transpose(2, 1, 0))


def turned_back(array: npt.NDArray[Any], grid: Grid) -> npt.NDArray[Any]:
    """An array on `turned(grid, ...)` in the order of voxels of `grid` again."""
    order, backwards = nearest_axes(grid)
    sense = tuple(slice(None, None, -1) if back else slice(None) for back in backwards)
    as_ijk = array.transpose(2, 1, 0)[sense].transpose(tuple(int(a) for a in np.argsort(order)))
    return np.ascontiguousarray(as_ijk.transpose(2, 1, 0))


def box(image: Image, low_mm: FloatArray, high_mm: FloatArray) -> Image:
    """The part of an image that holds a box, given by its corners in LPS, as far as the image reaches."""
    corner = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
    index = image.grid.to_index(np.where(corner == 1, high_mm, low_mm))
    first = np.clip(np.floor(index.min(axis=0)), 0, np.asarray(image.grid.size) - 1).astype(int)
    stop = np.clip(np.ceil(index.max(axis=0)) + 1, first + 1, image.grid.size).astype(int)
    window = tuple(slice(int(a), int(b)) for a, b in zip(first[::-1], stop[::-1], strict=True))
    return Image(image.grid.part(window), image.hu[window])


def resampled(image: Image, spacing_mm: float) -> Image:
    """The image at equal spacing over the same extent: blurred first where voxels become wider, cubic splines else."""
    grid = image.grid
    old_size, old_spacing = np.asarray(grid.size), np.asarray(grid.spacing_mm)
    size = np.maximum(1, np.round(old_size * old_spacing / spacing_mm)).astype(int)
    first = ((old_size - 1) - (size - 1) * spacing_mm / old_spacing) / 2
    x, y, z = (float(v) for v in grid.to_world(first[None])[0])
    i, j, k = (int(n) for n in size)
    target = replace(grid, size=(i, j, k), spacing_mm=(spacing_mm,) * 3, origin_mm=(x, y, z))
    matrix, offset = index_map(grid, target)
    hu = ndimage.gaussian_filter(image.hu, antialias_sigma_voxels(grid, target), mode="nearest")
    return Image(target, sample(hu, matrix, offset, target.shape, order=3).astype(np.float32, copy=False))
