"""The preconditioner: a V-cycle in single precision, matrix-free on the lattice, Galerkin stencils on the levels above it.

Smoothing is Chebyshev iteration with the diagonal (Adams et al. 2003, doi:10.1016/S0021-9991(03)00194-3), of the same degree
before and after the coarse correction, which keeps the V-cycle symmetric.
"""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem import coarse, vectors
from culmann_fem.chebyshev import chebyshev
from culmann_fem.coarse import FloatArray32, Topology, coarse_topology
from culmann_fem.galerkin import child_interpolation, child_stiffness, coarsen_cells, coarsen_lattice
from culmann_fem.lattice import LatticeOperator
from culmann_fem.slabs import Slabs
from culmann_fem.spectrum import largest_eigenvalue

# Degree of the smoother, and how far down the spectrum it reaches.
FINE = (2, 6.0)
DEEP = (3, 10.0)
# Of each level by its neighbour below: the levels above the first coarse one cost next to nothing, and real bones need them.
VISITS = (1, 3, 2, 1)
_DIRECT_NODES = 125  # a level this small is inverted outright


class CoarseLevel:
    """A coarse level with its operator, its smoother and its vectors."""

    def __init__(self, topology: Topology, threads: int | None) -> None:
        n = topology.n_nodes
        self.topology = topology
        self.slabs = Slabs(np.ones(n, dtype=np.int64), threads if n > 4000 else 1)
        self.stencil: FloatArray32 = np.zeros((n, 3, 27, 3), dtype=np.float32)
        self.inverse_diagonal: FloatArray32 = np.zeros((n, 3), dtype=np.float32)
        #: x with rows in front and one more behind, flat: what `coarse.residual` looks into.
        self.around: FloatArray32 = np.zeros(3 * (coarse.FRONT + n + 2), dtype=np.float32)
        self.x = self.around[3 * coarse.FRONT : -3].reshape(-1, 3)
        self.r, self.t, self.d = (np.zeros((n + 1, 3), dtype=np.float32) for _ in range(3))
        self.largest = 0.0
        self.inverse: FloatArray32 | None = None

    def finish(self) -> None:
        """Set up the smoother, or the inverse, once the stencils are complete."""
        diagonal = np.einsum("ncc->nc", self.stencil[:, :, 13, :])
        there = diagonal > 1e-12 * diagonal.max()
        self.inverse_diagonal[:] = np.divide(1, diagonal, out=np.zeros_like(diagonal), where=there)
        if self.topology.n_nodes <= _DIRECT_NODES:
            self.inverse = self._invert(there)
        else:
            # Softening cells change the scaled spectrum little: the first estimate serves for all later moduli.
            self.largest = self.largest or self._largest_eigenvalue()

    def _invert(self, there: np.typing.NDArray[np.bool_]) -> FloatArray32:
        n = self.topology.n_nodes
        A = np.zeros((3 * n, 3 * (n + 1)))
        for m in range(n):
            columns = 3 * self.topology.neighbour[m].astype(np.int64)
            for c in range(3):
                A[3 * m + c, (columns[:, None] + np.arange(3)).ravel()] = self.stencil[m, c].ravel()
        A = A[:, : 3 * n]
        A = (A + A.T) / 2
        # Interpolation of few free nodes may be dependent: a trace of the diagonal makes the inverse exist.
        gone = ~there.ravel()
        A[gone], A[:, gone] = 0, 0
        A[np.diag_indices_from(A)] *= 1 + 1e-6
        A[gone, gone] = 1
        return np.asarray(np.linalg.inv(A), dtype=np.float32)

    def _largest_eigenvalue(self) -> float:
        nothing = np.zeros_like(self.r)

        def product(v: FloatArray) -> FloatArray:
            self.x[:-1] = v.reshape(-1, 3)
            self.slabs.run(coarse.residual, self.flat_stencil, self.topology.run, self.around, nothing, self.t)
            return -self.t[:-1].astype(np.float64).ravel()

        return largest_eigenvalue(product, self.inverse_diagonal.astype(np.float64).ravel())

    @property
    def flat_stencil(self) -> FloatArray32:
        """(n, 3, 81)."""
        return self.stencil.reshape(-1, 3, 81)


class Multigrid:
    """V-cycle over a `LatticeOperator`: `apply` turns its residual `r32` into the correction `z32`."""

    def __init__(self, lattice: LatticeOperator, threads: int | None = None) -> None:
        self.lattice = lattice
        self._interpolation = child_interpolation()
        self._children = np.stack([child_stiffness(b.stiffness) for b in lattice.bricks])
        self._stiffness = np.stack([b.stiffness for b in lattice.bricks])
        self.levels: list[CoarseLevel] = []
        filled = lattice.filled
        while True:
            topology = coarse_topology(filled)
            self.levels.append(CoarseLevel(topology, threads))
            filled = topology.cell >= 0
            if topology.n_nodes <= _DIRECT_NODES:
                break
        self._top = coarse_topology(filled).cell  # cells above the last level: built, never used
        self._plane_slabs = Slabs(np.ones(self.levels[0].topology.cell.shape[0], dtype=np.int64), threads)
        self.update()

    def update(self) -> None:
        """Build all coarse operators anew from the moduli of the lattice."""
        above = [level.topology.cell for level in self.levels[1:]] + [self._top]
        cells: FloatArray = np.zeros((int(above[0].max()) + 1, 24, 24))
        for level in self.levels:
            level.stencil[:] = 0
        first = self.levels[0]
        for parity in (0, 1):
            self._plane_slabs.run(
                coarsen_lattice,
                self.lattice.E,
                self._stiffness,
                self._children,
                self._interpolation,
                self.lattice.free32,
                first.topology.number,
                first.stencil,
                above[0],
                cells,
                parity,
            )
        first.finish()
        for level, up in zip(self.levels[1:], above[1:], strict=True):
            higher = np.zeros((int(up.max()) + 1, 24, 24))
            coarsen_cells(level.topology.cell, cells, self._interpolation, level.topology.number, level.stencil, up, higher)
            level.finish()
            cells = higher

    def apply(self) -> None:
        """z32 = M r32."""
        fine, first = self.lattice, self.levels[0]
        r, z, t, d, D = fine.r32, fine.z32, fine.t32, fine.d32, fine.inverse_diagonal
        steps = chebyshev(fine.largest_eigenvalue, *FINE)
        fine.slabs.run(vectors.smooth_first, r, D, z, d, steps[0][1], fine.node_span)
        for keep, factor in steps[1:]:
            fine.multiply32(z, t)
            fine.slabs.run(vectors.smooth_next, r, t, D, z, d, keep, factor, fine.node_span)
        fine.multiply32(z, t)
        first.slabs.run(vectors.restrict, r, t, D, first.topology.place, first.r)
        self._cycle(0)
        fine.slabs.run(vectors.prolong, first.x, first.topology.number, D, z, fine.node_span)
        for keep, factor in steps:
            fine.multiply32(z, t)
            fine.slabs.run(vectors.smooth_next, r, t, D, z, d, keep, factor, fine.node_span)

    def _cycle(self, at: int) -> None:
        level = self.levels[at]
        x, r, t, d, D = level.x, level.r, level.t, level.d, level.inverse_diagonal
        if level.inverse is not None:
            x[:-1] = (level.inverse @ r[:-1].ravel()).reshape(-1, 3)
            return
        higher = self.levels[at + 1]
        steps = chebyshev(level.largest, *(DEEP if at else FINE))
        x[:] = 0
        level.slabs.run(coarse.smooth, r, D, d, x, *steps[0])
        for keep, factor in steps[1:]:
            level.slabs.run(coarse.residual, level.flat_stencil, level.topology.run, level.around, r, t)
            level.slabs.run(coarse.smooth, t, D, d, x, keep, factor)
        for _ in range(VISITS[min(at, 3)]):
            level.slabs.run(coarse.residual, level.flat_stencil, level.topology.run, level.around, r, t)
            higher.slabs.run(coarse.restrict, t, level.topology.number, higher.topology.place, higher.r)
            self._cycle(at + 1)
            level.slabs.run(coarse.prolong, higher.x, higher.topology.number, level.topology.place, x)
            for keep, factor in steps:
                level.slabs.run(coarse.residual, level.flat_stencil, level.topology.run, level.around, r, t)
                level.slabs.run(coarse.smooth, t, D, d, x, keep, factor)

    def close(self) -> None:
        """End the threads."""
        self._plane_slabs.close()
        for level in self.levels:
            level.slabs.close()
