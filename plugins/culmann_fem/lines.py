"""Lines: how vectors of a voxel model lie in memory: line by line of its nodes, without the space around the bone.

A bone fills a quarter of its box. A line begins and ends at whole vectors of `culmann_fem.simd`, counted from the side of the
box, so that those of neighbouring lines stand side by side. Cells are kept as their first nodes are.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import BoolArray, IntArray

#: Nodes of a vector in single precision.
LANES = 16
_ALIGNED = 64  # bytes


class Lines(NamedTuple):
    """Vectors are (3, size): component c of node (i, j, k) is [c, place[i, j] + k]; what is no node stays zero.

    Parameters
    ----------
    place
        (ni + 1, nj + 1).
    span
        (ni + 1, nj + 1, 2): first and past-the-last k of every line that has a place; 0, 0 for an empty line.
    plane
        (ni + 2,): where the lines of each plane of nodes begin, and where the last one ends.
    cells
        Cells of the box along the last axis.
    longest, widest
        The length of the longest line, and of the plane with the most in it.
    """

    place: IntArray
    span: IntArray
    plane: IntArray
    cells: int
    longest: int
    widest: int

    @property
    def size(self) -> int:
        """Places of a vector."""
        return int(self.plane[-1])

    def at(self, node: IntArray) -> IntArray:
        """(n,): the places of nodes or cells (n, 3) of the model."""
        i, j, k = node.T
        return np.asarray(self.place[i, j] + k)

    def from_box(self, box: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(…, size) from (…, ni + 1, nj + 1, nk + 1); what is outside of the lines is left out."""
        inside = self._inside()
        wide = np.zeros((*box.shape[:-1], inside.shape[2]), dtype=box.dtype)
        wide[..., : box.shape[-1]] = box
        return np.ascontiguousarray(wide[..., inside])

    def on_box(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """(…, ni + 1, nj + 1, nk + 1) from (…, size)."""
        inside = self._inside()
        box = np.zeros((*values.shape[:-1], *inside.shape), dtype=values.dtype)
        box[..., inside] = values
        return np.ascontiguousarray(box[..., : self.cells + 1])

    def _inside(self) -> BoolArray:
        """Which places of the box, made as long as whole vectors, the lines take: in this order they stand in memory."""
        k = np.arange(-(-(self.cells + 1) // LANES) * LANES)
        return np.asarray((k >= self.span[..., :1]) & (k < self.span[..., 1:]))


def lines_of(filled: BoolArray) -> Lines:
    """The lines of the corners of these cells (ni, nj, nk)."""
    ni, nj, nk = filled.shape
    cells = spans(filled)
    some = cells[..., 1] > cells[..., 0]
    first = np.full((ni + 1, nj + 1), np.iinfo(np.int64).max)
    last = np.zeros((ni + 1, nj + 1), dtype=np.int64)
    for a in (0, 1):
        for b in (0, 1):
            view = (slice(a, ni + a), slice(b, nj + b))
            first[view] = np.where(some, np.minimum(first[view], cells[..., 0]), first[view])
            last[view] = np.where(some, np.maximum(last[view], cells[..., 1] + 1), last[view])
    first[last == 0] = 0
    first, last = first // LANES * LANES, -(-last // LANES) * LANES
    length = last - first
    begin = np.concatenate([[0], np.cumsum(length.ravel())])
    place = np.where(length > 0, begin[:-1].reshape(length.shape) - first, 0)
    plane = begin[:: nj + 1].copy()
    return Lines(place, np.stack([first, last], axis=2), plane, nk, int(length.max()), int(np.diff(plane).max()))


def spans(filled: npt.NDArray[Any]) -> IntArray:
    """(…, ni, nj, 2): where every line of cells begins and ends; an empty line has 0, 0."""
    solid = filled != 0
    some = solid.any(axis=-1)
    first = np.where(some, solid.argmax(axis=-1), 0)
    last = np.where(some, solid.shape[-1] - solid[..., ::-1].argmax(axis=-1), 0)
    return np.ascontiguousarray(np.stack([first, last], axis=-1).astype(np.int64))


def zeros(shape: tuple[int, ...], kind: npt.DTypeLike = np.float64) -> npt.NDArray[Any]:
    """An array of zeros that begins where a line of the cache does: numpy's own seldom do, and each load touches two."""
    wanted = np.dtype(kind)
    nbytes = int(np.prod(shape)) * wanted.itemsize
    raw = np.zeros(nbytes + _ALIGNED, dtype=np.uint8)
    skip = -raw.ctypes.data % _ALIGNED
    return raw[skip : skip + nbytes].view(wanted).reshape(shape)
