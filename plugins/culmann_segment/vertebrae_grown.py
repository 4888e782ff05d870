"""Every voxel of bone to the vertebra whose body it hangs together with, along the shortest way through the bone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra

from culmann.data.arrays import BoolArray, FloatArray

IntMap = npt.NDArray[np.int32]

#: A way through thin bone is longer than it is through thick bone: joints that are fused by blur are thin.
_THIN_MM = 4.0

#: The core of a body is what lies deeper than this share of the deepest place: an arch is not half as deep as a body.
_CORE_SHARE = 0.6

#: A body that the image cuts is as deep there as if it went on for so long, in mm.
_GOES_ON_MM = 15.0

#: A core with a smaller share of the largest one's volume is none, unless the end of the image cuts it.
_LEAST_CORE_SHARE = 0.15


@dataclass(frozen=True, slots=True)
class Bone:
    """Bone of vertebrae in an array whose first axis points up.

    Parameters
    ----------
    upper, lower
        (z, y, x): the halves of vertebrae above and below the middle of their bodies; all of it is `upper` where the halves
        are not known.
    spacing_mm
        Along z, y, x.
    halves
        Whether they are known.
    """

    upper: BoolArray
    lower: BoolArray
    spacing_mm: FloatArray
    halves: bool

    @property
    def all(self) -> BoolArray:
        """Both halves."""
        return self.upper | self.lower


def grown(bone: Bone) -> IntMap:
    """Vertebrae numbered from the top, 0 where the bone belongs to none whose body is in view.

    The seeds are the cores of the bodies, which lie deep in the bone; with halves, the middles in them, where upper halves lie
    upon lower ones, so that bodies that are fused are told apart. From there it goes from neighbour to neighbour; from one half
    to the other only where the upper one lies upon the lower one, since where vertebrae touch, a lower half lies upon or beside
    an upper one. Without halves, neighbours are parted where the ways from both are equally long.
    """
    depth = _depth(bone)
    seeds = _seeds(bone, depth)
    count = int(seeds.max())
    if count == 0:
        return seeds
    number = np.full(bone.all.shape, -1, dtype=np.int64)
    inside = np.flatnonzero(bone.all)
    number.ravel()[inside] = np.arange(len(inside))
    graph = _ways(bone, depth, number)
    start = np.flatnonzero(seeds.ravel()[inside])
    distance, _, source = dijkstra(graph, directed=False, indices=start, min_only=True, return_predecessors=True)
    result = np.zeros(bone.all.shape, dtype=np.int32)
    reached = np.isfinite(distance)
    result.ravel()[inside[reached]] = seeds.ravel()[inside[source[reached]]]
    return result


def _depth(bone: Bone) -> FloatArray:
    """Distance to what is no bone, mm; bone goes on behind the border of the image."""
    pad = [(n, n) for n in np.ceil(_GOES_ON_MM / bone.spacing_mm).astype(int)]
    wide = np.pad(np.pad(bone.all, pad, mode="edge"), 1)
    deep = ndimage.distance_transform_edt(wide, sampling=bone.spacing_mm)
    return np.asarray(deep[tuple(slice(n + 1, n + 1 + size) for (n, _), size in zip(pad, bone.all.shape, strict=True))])


def _seeds(bone: Bone, depth: FloatArray) -> IntMap:
    deep = depth > _CORE_SHARE * depth.max(initial=0.0)
    for end in (0, -1):
        # A slice of a body at the end of the image is not deep, but it is wide.
        wide = ndimage.distance_transform_edt(np.pad(bone.all[end], 1), sampling=bone.spacing_mm[1:])[1:-1, 1:-1]
        deep[end] |= wide > _CORE_SHARE * depth.max(initial=0.0)
    core, count = ndimage.label(deep)
    volume = np.bincount(core.ravel(), minlength=count + 1)
    least = _LEAST_CORE_SHARE * volume[1:].max(initial=0)
    cut = np.isin(np.arange(count + 1), np.unique(core[[0, -1]]))
    core = np.where((volume[core] >= least) | cut[core], core, 0)
    if not bone.halves:
        return _numbered(core)
    upon = np.zeros_like(bone.upper)
    upon[1:] = bone.upper[1:] & bone.lower[:-1]
    # The step of a plane that is not level is as high as a voxel, so that its patches touch by corners.
    patch, patches = ndimage.label(upon & (core > 0), structure=np.ones((3, 3, 3)))
    area = np.bincount(patch.ravel(), minlength=patches + 1)
    patch = np.where(area[patch] >= _LEAST_CORE_SHARE * area[1:].max(initial=0), patch, 0)
    # Of a vertebra that the image cuts the middle may be out of view, and so may be what joins its arch to its body: all of the
    # lower half at the upper end of the image is one vertebra, and so is all of the upper half at the lower end.
    without = np.where(cut[core] & ~np.isin(core, np.unique(core[patch > 0])), core, 0)
    seeds = np.where(patch > 0, patch, 0)
    for end, half, number in ((-1, bone.lower, patches + 1), (0, bone.upper, patches + 2)):
        at_end = np.unique(without[end])
        seeds[np.isin(without, at_end[at_end > 0])] = number
        seeds[end][half[end] & (seeds[end] == 0)] = number
    return _numbered(seeds)


def _numbered(part: npt.NDArray[np.signedinteger[Any]]) -> IntMap:
    """The parts, numbered from the top."""
    kept = [int(n) for n in np.unique(part) if n != 0]
    heights = ndimage.center_of_mass(part > 0, part, kept) if kept else []
    table = np.zeros(int(part.max(initial=0)) + 1, dtype=np.int32)
    for number, at in enumerate(np.argsort([-float(h[0]) for h in heights]), start=1):
        table[kept[int(at)]] = number
    return np.asarray(table[part], dtype=np.int32)


def _ways(bone: Bone, depth: FloatArray, number: npt.NDArray[np.int64]) -> csr_array:
    """Neighbouring voxels of the bone that belong together, with the length of the step between them."""
    cost = (1 + _THIN_MM / np.maximum(depth, 0.1)).astype(np.float64)
    rows, columns, lengths = [], [], []
    for axis in range(3):
        low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
        high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
        joined = (bone.upper[low] & bone.upper[high]) | (bone.lower[low] & bone.lower[high])
        if axis == 0:
            joined |= bone.lower[low] & bone.upper[high]
        rows.append(number[low][joined])
        columns.append(number[high][joined])
        lengths.append(bone.spacing_mm[axis] * 0.5 * (cost[low] + cost[high])[joined])
    size = int(number.max()) + 1
    pairs = (np.concatenate(rows), np.concatenate(columns))
    return coo_array((np.concatenate(lengths), pairs), shape=(size, size)).tocsr()
