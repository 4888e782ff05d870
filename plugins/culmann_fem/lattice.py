"""The lattice problem: moduli, freedoms and vectors on the bounding box of a voxel model, and its operator K."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann_fem import sweeps, vectors
from culmann_fem.cycle import Fine
from culmann_fem.hexahedron import Brick
from culmann_fem.operator import apply_slab, spans
from culmann_fem.slabs import Slabs, node_spans, plane_work

Single = npt.NDArray[np.float32]


class LatticeOperator:
    """K on a lattice of bricks, in double precision for the solution and in single precision for its preconditioner.

    Parameters
    ----------
    E
        (groups, ni, nj, padded(nk + 1)): Young's moduli of the cells of each group of one Poisson's ratio; 0 is void.
    bricks
        One for each group.
    free
        (3, ni + 1, nj + 1, padded(nk + 1)): whether a freedom exists and is not prescribed.
    """

    def __init__(self, E: FloatArray, bricks: Sequence[Brick], free: BoolArray, threads: int | None = None) -> None:
        self.E = np.ascontiguousarray(E, dtype=np.float64)
        self.bricks = tuple(bricks)
        self.filled: BoolArray = np.asarray((self.E > 0).any(axis=0))
        self.span = np.stack([spans(e) for e in self.E])
        self.node_span = node_spans(spans(self.filled.astype(float)))
        self.slabs = Slabs(plane_work(self.node_span), threads)
        self.free: Single = free.astype(np.float32)
        self.blocks = np.stack([b.blocks for b in self.bricks])
        self._blocks32 = self.blocks.astype(np.float32)
        shape = self.free.shape
        self.r32, self.inverse_diagonal, self._d32 = (np.zeros(shape, dtype=np.float32) for _ in range(3))
        self._x32: Single = np.zeros((2, *shape), dtype=np.float32)
        #: What the preconditioner makes of `r32`.
        self.z32 = self._x32[0]
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
        corner = np.array([np.diag(b.stiffness)[:3] for b in self.bricks])
        self.slabs.run(vectors.invert_diagonal, self.E, corner, self.free, self.inverse_diagonal, self.node_span)

    def vector(self) -> FloatArray:
        """A new vector of zeros."""
        return np.zeros(self.free.shape)

    @property
    def fine(self) -> Fine:
        """In single precision, for the preconditioner."""
        bricks = (self.E32, self._blocks32, self.span, self.node_span)
        return Fine(bricks, self.free, self.inverse_diagonal, self.r32, self._x32, self._d32)

    @property
    def double(self) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
        """In double precision, for `culmann_fem.sweeps`."""
        return self.E, self.blocks, self.span, self.node_span

    def multiply(self, u: FloatArray, y: FloatArray, E: FloatArray | None = None) -> None:
        """Y = K u; with other moduli, shaped like `E`, where they are given."""
        for g, (e, blocks, span) in enumerate(zip(self.E if E is None else E, self.blocks, self.span, strict=True)):
            self.slabs.run(apply_slab, u, y, e, blocks, span, g > 0)

    def dot(self, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
        """Sum of the products, in double precision."""
        return self.slabs.total(vectors.dot, a, b, self.node_span)

    def squares(self, f: FloatArray) -> tuple[float, float]:
        """The sums of the squares over the free freedoms and over the held ones."""
        partial = np.zeros((2, self.slabs.planes))
        self.slabs.run(sweeps.squares, f, self.free, self.node_span, partial)
        free, held = partial.sum(axis=1)
        return float(free), float(held)

    def close(self) -> None:
        """End the threads."""
        self.slabs.close()


def _largest_eigenvalue(stiffness: FloatArray) -> float:
    scale = 1 / np.sqrt(np.diag(stiffness))
    return float(np.linalg.eigvalsh(scale[:, None] * stiffness * scale[None, :])[-1])
