"""The CT around the bone as a block of grey values, with the mask and the cells of the model in the same places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import DensityMap, Fields, Grid, Labels, Mesh, Response, Scan
from culmann.data.arrays import FloatArray
from culmann.data.placement import Placement
from culmann_report.rasterising import tetrahedra_on
from culmann_report.slices import cells_at

#: The block has at most about so many voxels: a page of some hundred kilobytes.
MOST_VOXELS = 1_000_000
#: No finer than this, and no finer than half of the image's own voxels.
FINEST_MM = 0.3
#: What is shown around the bone.
MARGIN_MM = 10.0
#: HU drawn black and white.
WINDOW_HU = (-150.0, 850.0)
#: In `codes`: inside of the mask, a cell that is not bone, and a bone cell of phase 0; phase n is n above that.
MASK, OTHER_CELL, BONE_CELL = 128, 1, 2
_HIGHEST_PHASE = 100


@dataclass(frozen=True, slots=True)
class Volume:
    """A block parallel to the patient's axes.

    Parameters
    ----------
    grey
        (z, y, x) uint8: black to white over `window`.
    codes
        (z, y, x) uint8: see `MASK`, `OTHER_CELL`, `BONE_CELL`.
    first_mm, step_mm
        Centre of the first voxel, LPS, and the distance to the next.
    window, unit
        Which values are black and white.
    own_mm
        Voxel spacing of the image that was sampled.
    """

    grey: npt.NDArray[np.uint8]
    codes: npt.NDArray[np.uint8]
    first_mm: FloatArray
    step_mm: float
    window: tuple[float, float]
    unit: str
    own_mm: tuple[float, float, float]


def block(
    image: Scan | DensityMap, labels: Labels | None, response: Response | None, moment: Fields | None, most: int = MOST_VOXELS
) -> Volume | None:
    """The image around the bone, which the response tells, or else the labels; None when there is neither."""
    box = _box(labels, response)
    if box is None:
        return None
    low, high = box[0] - MARGIN_MM, box[1] + MARGIN_MM
    own = image.grid.spacing_mm
    step = max(min(own) / 2, FINEST_MM, float(np.prod(high - low) / most) ** (1 / 3))
    size = np.ceil((high - low) / step).astype(int)
    where = _Where(low + step / 2, step, (int(size[2]), int(size[1]), int(size[0])))

    values = image.hu if isinstance(image, Scan) else image.g_cm3
    window, unit = _window(image)
    share = (where.sampled(values, image.grid, image.placement) - window[0]) / (window[1] - window[0])
    grey = np.round(255 * np.clip(np.nan_to_num(share), 0, 1)).astype(np.uint8)

    codes = np.zeros(where.shape, dtype=np.uint8)
    if response is not None and moment is not None:
        mesh = response.mesh
        cell = _cells(mesh, where)
        code = np.where(mesh.is_bone, BONE_CELL + np.clip(moment.phase, 0, _HIGHEST_PHASE), OTHER_CELL).astype(np.uint8)
        codes = np.where(cell >= 0, code[np.maximum(cell, 0)], 0).astype(np.uint8)
    if labels is not None:
        inside = where.nearest((labels.label > 0).astype(np.uint8), labels.grid, labels.placement, outside=0)
        codes |= np.where(inside > 0, MASK, 0).astype(np.uint8)
    return Volume(grey, codes, where.first_mm, step, window, unit, own)


@dataclass(frozen=True, slots=True)
class _Where:
    """The voxels of the block, parallel to the patient's axes: the first one, the distance to the next, (z, y, x)."""

    first_mm: FloatArray
    step_mm: float
    shape: tuple[int, int, int]

    def sampled(self, values: npt.NDArray[np.float32], grid: Grid, placement: Placement) -> npt.NDArray[np.float32]:
        """Values of an image, interpolated; NaN outside of it."""
        matrix, offset, part = self._way(grid, placement)
        values = values[part].astype(np.float32, copy=False)
        return _mapped(values, matrix, offset, self.shape, order=1, outside=np.nan)

    def nearest(self, values: npt.NDArray[Any], grid: Grid, placement: Placement, outside: int) -> npt.NDArray[Any]:
        """Values of the nearest voxels."""
        matrix, offset, part = self._way(grid, placement)
        return _mapped(values[part], matrix, offset, self.shape, order=0, outside=outside)

    def points_mm(self) -> FloatArray:
        """(n, 3), LPS."""
        z, y, x = np.indices(self.shape).reshape(3, -1)
        return np.asarray(self.first_mm + self.step_mm * np.stack([x, y, z], axis=1))

    def _way(self, grid: Grid, placement: Placement) -> tuple[FloatArray, FloatArray, tuple[slice, ...]]:
        """From a voxel of the block to one of an image, both (z, y, x): matrix and offset, and the part that is needed."""
        corners = self.first_mm + self.step_mm * np.vstack([np.zeros(3), np.eye(3)])
        index = grid.to_index(placement.point_from_patient(corners))[:, ::-1]
        matrix, offset = (index[1:] - index[0])[::-1].T, index[0]
        ends = np.stack([np.zeros(3), np.array(self.shape) - 1])
        reached = np.array([matrix @ np.choose(which, ends) + offset for which in np.ndindex(2, 2, 2)])
        size = np.array(grid.shape)
        low = np.clip(np.floor(reached.min(axis=0)).astype(int) - 2, 0, size - 1)
        high = np.clip(np.ceil(reached.max(axis=0)).astype(int) + 3, low + 1, size)
        return matrix, offset - low, tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _mapped(
    values: npt.NDArray[Any],
    matrix: FloatArray,
    offset: FloatArray,
    shape: tuple[int, ...],
    order: Literal[0, 1],
    outside: float,
) -> npt.NDArray[Any]:
    straight = np.abs(matrix - np.diag(np.diag(matrix))).max() < 1e-9
    how: Any = np.diag(matrix) if straight else matrix  # an image along the patient's axes is sampled much faster
    found = ndimage.affine_transform(values, how, offset, shape, order=order, mode="grid-constant", cval=outside)
    return np.asarray(found)


def _box(labels: Labels | None, response: Response | None) -> tuple[FloatArray, FloatArray] | None:
    """Lowest and highest corner of the bone in the patient."""
    if response is not None:
        mesh = response.mesh
        points = mesh.placement.point_to_patient(mesh.points_mm[np.unique(mesh.cells[mesh.is_bone])])
    elif labels is not None and labels.foreground.any():
        index = np.argwhere(labels.foreground)[:, ::-1]
        points = labels.placement.point_to_patient(labels.grid.to_world(index))
    else:
        return None
    return points.min(axis=0), points.max(axis=0)


def _window(image: Scan | DensityMap) -> tuple[tuple[float, float], str]:
    if isinstance(image, Scan) and image.intensity == "hu":
        return WINDOW_HU, "HU"
    values = image.hu if isinstance(image, Scan) else image.g_cm3
    low, high = np.percentile(values[::2, ::2, ::2], [2, 99.8])
    unit = "normalised" if isinstance(image, Scan) else "g/cm³"
    return (float(low), float(max(high, low + 1e-6))), unit


def _cells(mesh: Mesh, where: _Where) -> npt.NDArray[Any]:
    """(z, y, x): the cell that each voxel of the block lies in, -1 for none."""
    if mesh.lattice is not None:
        number = np.full(mesh.lattice.grid.shape, -1, dtype=np.int32)
        i, j, k = mesh.lattice.cell_index.T
        number[k, j, i] = np.arange(mesh.n_cells)
        return where.nearest(number, mesh.lattice.grid, mesh.placement, outside=-1)
    if mesh.cell_type != "hex8":
        corners = (mesh.placement.point_to_patient(mesh.points_mm) - where.first_mm) / where.step_mm
        return tetrahedra_on(corners[mesh.cells[:, :4]], where.shape)
    points = mesh.placement.point_from_patient(where.points_mm())
    return np.asarray(cells_at(mesh, points[None])[0]).reshape(where.shape)
