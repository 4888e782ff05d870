"""What in a scan spoils densities: metal, and contrast agent, as far as grey values tell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import Grid, Scan
from culmann.data.arrays import BoolArray

#: For contrast agent, a scan is thinned out to voxels of at least this length.
_COARSE_MM = 1.5

#: Contrast agent is brighter than any tissue without it but bone, and no brighter than this on the mean.
_AGENT_HU = (130.0, 600.0)

#: It is as smooth as a liquid: this is the most that the standard deviation over about 5 mm may be.
_LIQUID_HU = 30.0

#: Nothing around it is much brighter, as the cortex around marrow is: at most this share of the voxels within 8 mm.
_BRIGHTER_HU, _BRIGHTER_SHARE, _AROUND_MM = 60.0, 0.08, 8.0

#: At most this share of what is within 8 mm may be air: the table and what lies on it is not meant.
_AIR_HU, _AIR_SHARE = -500.0, 0.15

#: An island in soft tissue (a vessel) is even when the standard deviation of its inside, and its peak over the mean of its
#: inside, stay below these.
_EVEN_HU, _EVEN_PEAK = 40.0, 1.2


@dataclass(frozen=True, slots=True)
class Findings:
    """Voxels of one kind.

    Parameters
    ----------
    grid
        The voxels that were looked at.
    where
        (z, y, x): what was found.
    """

    grid: Grid
    where: BoolArray

    @property
    def volume_cm3(self) -> float:
        """All of it."""
        return float(self.where.sum()) * self.grid.voxel_volume_mm3 / 1000

    def largest(self) -> tuple[float, tuple[float, float, float]]:
        """Volume in cm³ and centre in mm, LPS, of the largest part; there must be one."""
        part, n = ndimage.label(self.where)
        voxels = np.bincount(part.ravel(), minlength=n + 1)[1:]
        centre = np.argwhere(part == 1 + int(voxels.argmax())).mean(axis=0)[::-1]
        x, y, z = (float(v) for v in self.grid.to_world(centre[None])[0])
        return float(voxels.max()) * self.grid.voxel_volume_mm3 / 1000, (x, y, z)


def metal(scan: Scan, metal_hu: float, smallest_cm3: float) -> Findings:
    """Connected voxels above a grey value, no smaller than a volume."""
    return Findings(scan.grid, _large(scan.hu > metal_hu, scan.grid, smallest_cm3))


def contrast_agent(scan: Scan, smallest_cm3: float) -> Findings:
    """What looks like contrast agent: a heuristic, which misses thin vessels and noisy scans.

    Two looks. A vessel is an island in soft tissue above 130 HU that is even, unlike bone, whose cortex makes a peak. A bladder
    or a large vessel that touches bone is a region as smooth as a liquid around which nothing is much brighter, unlike marrow.
    """
    step = np.maximum(1, np.floor(_COARSE_MM / np.asarray(scan.grid.spacing_mm) + 1e-6)).astype(int)
    hu = scan.hu[tuple(slice(None, None, int(s)) for s in step[::-1])]
    sx, sy, sz = (float(s) for s in step * np.asarray(scan.grid.spacing_mm))
    size = (int(hu.shape[2]), int(hu.shape[1]), int(hu.shape[0]))
    grid = Grid(size, (sx, sy, sz), scan.grid.origin_mm, scan.grid.direction)
    return Findings(grid, _islands(hu, grid, smallest_cm3) | _liquids(hu, grid, smallest_cm3))


def _islands(hu: npt.NDArray[np.float32], grid: Grid, smallest_cm3: float) -> BoolArray:
    smooth = ndimage.gaussian_filter(hu, 1.0 / np.asarray(grid.spacing_mm)[::-1])
    part, n = ndimage.label(_large(smooth > _AGENT_HU[0], grid, smallest_cm3))
    numbers = np.arange(1, n + 1)
    peak = np.asarray(ndimage.maximum(smooth, part, numbers))
    # The rim of a vessel is a mixture: the voxels above half of the peak are its inside.
    core = np.where(smooth > 0.5 * np.concatenate([[0.0], peak])[part], part, 0)
    mean, spread = ndimage.mean(hu, core, numbers), ndimage.standard_deviation(hu, core, numbers)
    even = (spread < _EVEN_HU) & (peak < _EVEN_PEAK * mean) & (mean < _AGENT_HU[1])
    found = np.zeros(hu.shape, dtype=bool)
    for number, box in enumerate(ndimage.find_objects(part), start=1):
        if even[number - 1]:
            there = _around(box, grid)
            inside = part[there] == number
            found[there] |= inside & _in_tissue(_shell(hu[there], inside, grid))
    return found


def _liquids(hu: npt.NDArray[np.float32], grid: Grid, smallest_cm3: float) -> BoolArray:
    spacing = np.asarray(grid.spacing_mm)[::-1]
    window = [2 * max(1, round(2.5 / float(s))) + 1 for s in spacing]
    # Less a constant first, so that the difference of the two means does not drown in rounding.
    above = (np.clip(hu, -1000, 3000) - _AGENT_HU[0]).astype(np.float32)
    mean = ndimage.uniform_filter(above, window)
    spread = np.sqrt(np.maximum(ndimage.uniform_filter(np.square(above), window) - mean**2, 0))
    candidate = (mean > 0) & (mean < _AGENT_HU[1] - _AGENT_HU[0]) & (spread < _LIQUID_HU)
    part, _ = ndimage.label(_large(candidate, grid, smallest_cm3))
    found = np.zeros(hu.shape, dtype=bool)
    for number, box in enumerate(ndimage.find_objects(part), start=1):
        there = _around(box, grid)
        inside = part[there] == number
        shell = _shell(hu[there], inside, grid)
        brighter = shell > float(hu[there][inside].mean()) + _BRIGHTER_HU
        if _in_tissue(shell) and brighter.sum() < _BRIGHTER_SHARE * max(brighter.size, 1):
            found[there] |= inside
    return found


def _around(box: tuple[slice, ...], grid: Grid) -> tuple[slice, ...]:
    reach = [int(np.ceil(_AROUND_MM / s)) for s in reversed(grid.spacing_mm)]
    return tuple(slice(max(b.start - r, 0), b.stop + r) for b, r in zip(box, reach, strict=True))


def _shell(hu: npt.NDArray[np.float32], inside: BoolArray, grid: Grid) -> npt.NDArray[np.float32]:
    """Grey values (n,) within 8 mm around a part."""
    near = ndimage.distance_transform_edt(~inside, sampling=grid.spacing_mm[::-1])
    return np.asarray(hu[(near > 0) & (near <= _AROUND_MM)])


def _in_tissue(shell: npt.NDArray[np.float32]) -> bool:
    """Whether there is little air around, unlike around the table."""
    return bool((shell < _AIR_HU).sum() < _AIR_SHARE * max(shell.size, 1))


def _large(where: BoolArray, grid: Grid, smallest_cm3: float) -> BoolArray:
    """The connected parts that have at least a volume."""
    part, n = ndimage.label(where)
    voxels = np.bincount(part.ravel(), minlength=n + 1)
    kept = voxels * grid.voxel_volume_mm3 / 1000 >= smallest_cm3
    kept[0] = False
    return np.asarray(kept[part])
