"""The lattice problem: moduli, freedoms and vectors on the bounding box of a voxel model, and its operator K."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import BoolArray, FloatArray
from culmann_fem import vectors
from culmann_fem.hexahedron import Brick
from culmann_fem.operator import apply_slab, spans
from culmann_fem.slabs import Slabs, node_spans, plane_work


class LatticeOperator:
    """K on a lattice of bricks, in double precision for the solution and in single precision for its preconditioner.

    Parameters
    ----------
    E
        (groups, ni, nj, nk): Young's moduli of the cells of each group of one Poisson's ratio; 0 is void.
    bricks
        One for each group.
    free
        (3, ni + 1, nj + 1, nk + 1): whether a freedom exists and is not prescribed.
    """

    def __init__(self, E: FloatArray, bricks: Sequence[Brick], free: BoolArray, threads: int | None = None) -> None:
        self.E = np.ascontiguousarray(E, dtype=np.float64)
        self.bricks = tuple(bricks)
        self.filled: BoolArray = np.asarray((self.E > 0).any(axis=0))
        self._spans = [spans(e) for e in self.E]
        self.node_span = node_spans(spans(self.filled.astype(float)))
        self.slabs = Slabs(plane_work(self.node_span), threads)
        self.free = free.astype(np.float64)
        self.free32 = free.astype(np.float32)
        self._blocks32 = [b.blocks.astype(np.float32) for b in self.bricks]
        shape = self.free.shape
        self.r32, self.z32, self.t32, self.d32 = (np.zeros(shape, dtype=np.float32) for _ in range(4))
        self.inverse_diagonal = np.zeros(shape, dtype=np.float32)
        # Of D^-1 K: no larger than that of the worst element alone, whatever the moduli.
        self.largest_eigenvalue = max(_largest_eigenvalue(b.stiffness) for b in self.bricks)
        self.E32 = np.zeros(self.E.shape, dtype=np.float32)
        #: Counts the changes of the moduli.
        self.version = 0
        self.update()

    def update(self) -> None:
        """Take in that the moduli in `E` have changed (a void cell stays void)."""
        self.version += 1
        self.E32[:] = self.E
        diagonal = np.zeros(self.free.shape, dtype=np.float32)
        for e, element in zip(self.E32, self.bricks, strict=True):
            # By symmetry all corners of a brick have the same three diagonal entries.
            around = e
            for axis in range(3):
                pad = [(1, 1) if a == axis else (0, 0) for a in range(3)]
                wide = np.pad(around, pad)
                low = tuple(slice(None, -1) if a == axis else slice(None) for a in range(3))
                high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
                around = wide[low] + wide[high]
            for c in range(3):
                diagonal[c] += np.float32(element.stiffness[c, c]) * around
        there = (self.free32 > 0) & (diagonal > 0)
        np.divide(1, diagonal, out=self.inverse_diagonal, where=there)

    def vector(self) -> FloatArray:
        """A new vector of zeros."""
        return np.zeros(self.free.shape)

    def multiply(self, u: FloatArray, y: FloatArray, E: FloatArray | None = None) -> None:
        """Y = K u; with other moduli (groups, ni, nj, nk) where they are given."""
        for g, (e, element, span) in enumerate(zip(self.E if E is None else E, self.bricks, self._spans, strict=True)):
            self.slabs.run(apply_slab, u, y, e, element.blocks, span, g > 0)

    def multiply32(self, u: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> None:
        """Y = K u in single precision."""
        for g, (e, blocks, span) in enumerate(zip(self.E32, self._blocks32, self._spans, strict=True)):
            self.slabs.run(apply_slab, u, y, e, blocks, span, g > 0)

    def dot(self, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
        """Sum of the products, in double precision."""
        return self.slabs.total(vectors.dot, a, b, self.node_span)

    def close(self) -> None:
        """End the threads."""
        self.slabs.close()


def _largest_eigenvalue(stiffness: FloatArray) -> float:
    scale = 1 / np.sqrt(np.diag(stiffness))
    return float(np.linalg.eigvalsh(scale[:, None] * stiffness * scale[None, :])[-1])
