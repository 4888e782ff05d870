"""The lattice of a voxel model: moduli, freedoms and vectors on its lines, and its operator K."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from culmann.data.arrays import BoolArray, FloatArray
from culmann_fem import sweeps, vectors
from culmann_fem.cycle import Fine
from culmann_fem.hexahedron import Brick
from culmann_fem.lines import Lines, spans, zeros
from culmann_fem.operator import Bricks, apply_slab
from culmann_fem.slabs import Slabs

Single = npt.NDArray[np.float32]


class LatticeOperator:
    """K on a lattice of bricks, in double precision for the solution and in single precision for its preconditioner.

    Parameters
    ----------
    lines
        How vectors lie in memory.
    E
        (groups, size): Young's moduli of the cells of each group of one elasticity; 0 is void.
    bricks
        One for each group.
    free
        (3, size): whether a freedom exists and is not prescribed.
    """

    def __init__(
        self, lines: Lines, E: FloatArray, bricks: Sequence[Brick], free: BoolArray, threads: int | None = None
    ) -> None:
        self.lines, self.bricks = lines, tuple(bricks)
        on_box = lines.on_box(E)[:, :-1, :-1, :-1]
        #: (ni, nj, nk): the cells that are not void.
        self.filled: BoolArray = np.asarray((on_box > 0).any(axis=0))
        blocks, span = np.stack([b.blocks for b in self.bricks]), spans(on_box)
        #: In double precision; the moduli are `E`.
        self.double = Bricks(zeros(E.shape), blocks, span, lines)
        self.E = self.double.E
        self.E[:] = E
        self._single = Bricks(zeros(E.shape, np.float32), blocks.astype(np.float32), span, lines)
        self.slabs = Slabs(np.diff(lines.plane), threads)
        self.free: Single = zeros(free.shape, np.float32)
        self.free[:] = free
        self.r32, self.inverse_diagonal, self._d32 = (zeros(free.shape, np.float32) for _ in range(3))
        self._x32: Single = zeros((2, *free.shape), np.float32)
        #: What the preconditioner makes of `r32`.
        self.z32 = self._x32[0]
        # Of D^-1 K: no larger than that of the worst element alone, whatever the moduli.
        self.largest_eigenvalue = max(_largest_eigenvalue(b.stiffness) for b in self.bricks)
        #: Counts the changes of the moduli.
        self.version = 0
        self.update()

    def update(self) -> None:
        """Take in that the moduli in `E` have changed (a void cell stays void)."""
        self.version += 1
        self._single.E[:] = self.E
        corner = np.array([np.diag(b.stiffness)[:3] for b in self.bricks])
        self.slabs.run(vectors.invert_diagonal, self.double, corner, self.free, self.inverse_diagonal)

    def vector(self) -> FloatArray:
        """A new vector of zeros."""
        return zeros(self.free.shape)

    @property
    def fine(self) -> Fine:
        """In single precision, for the preconditioner."""
        return Fine(self._single, self.free, self.inverse_diagonal, self.r32, self._x32, self._d32)

    def multiply(self, u: FloatArray, y: FloatArray, E: FloatArray | None = None) -> None:
        """Y = K u; with other moduli, shaped like `E`, where they are given."""
        self.slabs.run(apply_slab, u, y, self.double if E is None else self.double._replace(E=E))

    def dot(self, a: npt.NDArray[Any], b: npt.NDArray[Any]) -> float:
        """Sum of the products, in double precision."""
        return self.slabs.total(vectors.dot, a, b, self.lines.plane)

    def squares(self, f: FloatArray) -> tuple[float, float]:
        """The sums of the squares over the free freedoms and over the held ones."""
        partial = np.zeros((2, self.slabs.planes))
        self.slabs.run(sweeps.squares, f, self.free, self.lines.plane, partial)
        free, held = partial.sum(axis=1)
        return float(free), float(held)

    def close(self) -> None:
        """End the threads."""
        self.slabs.close()


def _largest_eigenvalue(stiffness: FloatArray) -> float:
    scale = 1 / np.sqrt(np.diag(stiffness))
    return float(np.linalg.eigvalsh(scale[:, None] * stiffness * scale[None, :])[-1])
