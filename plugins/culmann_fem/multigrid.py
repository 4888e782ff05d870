"""The preconditioner: a cycle in single precision, matrix-free on the lattice, Galerkin stencils on the levels above it.

Smoothing is Chebyshev iteration with the diagonal (Adams et al. 2003, doi:10.1016/S0021-9991(03)00194-3), of the same degree
before and after the coarse correction, which keeps the cycle symmetric.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from culmann.data.arrays import FloatArray, IntArray
from culmann_fem import coarse, conjugate
from culmann_fem.chebyshev import chebyshev
from culmann_fem.coarse import FloatArray32, Topology, coarse_topology
from culmann_fem.conjugate import CYCLE, ConjugateState
from culmann_fem.cycle import (
    FINE_FIRST,
    FINE_PROLONG,
    FINE_RESIDUAL,
    FINE_RESTRICT,
    FINE_SMOOTH,
    FIRST,
    INVERT,
    PROLONG,
    RESIDUAL,
    RESTRICT,
    SMOOTH,
    Coarse,
    Program,
)
from culmann_fem.galerkin import child_interpolation, child_stiffness, coarsen_cells, coarsen_lattice
from culmann_fem.lattice import LatticeOperator
from culmann_fem.slabs import Slabs, shares
from culmann_fem.spectrum import largest_eigenvalue

# Degree of the smoother, and how far down the spectrum it reaches: on the lattice, on the first coarse level, and above it.
FINE = (2, 6.0)
NEXT = (2, 6.0)
DEEP = (3, 10.0)
# Of each level by its neighbour below: those above the first coarse one cost next to nothing, and real bones need them exact.
VISITS = (1, 4, 3, 1)
_DIRECT_NODES = 160  # a level this small is inverted outright
_ALONE = 1500  # nodes of a level that one thread goes through faster than several can meet

Factors = tuple[float, float] | tuple[np.float32, np.float32]


class CoarseLevel:
    """A coarse level: its part of what all levels have in common."""

    def __init__(self, topology: Topology, levels: Coarse, at: int) -> None:
        mine = slice(int(levels.begin[at]), int(levels.begin[at + 1]))
        self.topology = topology
        self.flat_stencil = levels.stencil[mine]
        self.stencil: FloatArray32 = self.flat_stencil.reshape(-1, 3, 27, 3)
        self.inverse_diagonal: FloatArray32 = levels.inverse_diagonal[mine]
        self._around = levels.x[0, levels.x_begin[at] : levels.x_begin[at + 1]]
        self._x = self._around[3 * coarse.FRONT : -3 * coarse.BEHIND].reshape(-1, 3)
        self._t = levels.t[mine]
        self.largest = 0.0
        self.inverse: FloatArray32 | None = levels.inverse if at == len(levels.begin) - 2 else None

    def finish(self) -> None:
        """Set up the smoother, or the inverse, once the stencils are complete."""
        diagonal = np.einsum("ncc->nc", self.stencil[:, :, 13, :])
        there = diagonal > 1e-12 * diagonal.max()
        self.inverse_diagonal[:] = np.divide(1, diagonal, out=np.zeros_like(diagonal), where=there)
        if self.inverse is not None:
            self.inverse[:] = self._inverted(there)
        else:
            # Softening cells change the scaled spectrum little: the first estimate serves for all later moduli.
            self.largest = self.largest or self._largest_eigenvalue()

    def _inverted(self, there: np.typing.NDArray[np.bool_]) -> FloatArray32:
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
        coarse.inverted(A)
        return A.astype(np.float32)

    def _largest_eigenvalue(self) -> float:
        nothing = np.zeros_like(self._t)

        def product(v: FloatArray) -> FloatArray:
            self._x[:] = v.reshape(-1, 3)
            coarse.residual(self.flat_stencil, self.topology.run, self._around, nothing, self._t, 0, self.topology.n_nodes)
            return -self._t.astype(np.float64).ravel()

        return largest_eigenvalue(product, self.inverse_diagonal.astype(np.float64).ravel())


class Multigrid:
    """A cycle over a `LatticeOperator`: `apply` turns the residual `r32` of the lattice into the correction `z32`."""

    def __init__(self, lattice: LatticeOperator, threads: int | None = None) -> None:
        self.lattice = lattice
        self._interpolation = child_interpolation()
        self._children = np.stack([child_stiffness(b.stiffness) for b in lattice.bricks])
        self._stiffness = np.stack([b.stiffness for b in lattice.bricks])
        topologies: list[Topology] = []
        filled = lattice.filled
        while not topologies or topologies[-1].n_nodes > _DIRECT_NODES:
            topologies.append(coarse_topology(filled))
            filled = topologies[-1].cell >= 0
        self.arrays = _arrays(topologies)
        self.levels = [CoarseLevel(topology, self.arrays, at) for at, topology in enumerate(topologies)]
        self._top = coarse_topology(filled).cell  # cells above the last level: built, never used
        self._plane_slabs = Slabs(np.ones(topologies[0].cell.shape[0], dtype=np.int64), threads)
        self.update()
        self.program = self._program()

    def update(self) -> None:
        """Build all coarse operators anew from the moduli of the lattice."""
        above = [level.topology.cell for level in self.levels[1:]] + [self._top]
        cells: FloatArray = np.zeros((int(above[0].max()) + 1, 24, 24))
        self.arrays.stencil[:] = 0
        first = self.levels[0]
        for parity in (0, 1):
            self._plane_slabs.run(
                coarsen_lattice,
                self.lattice.double,
                self._stiffness,
                self._children,
                self._interpolation,
                self.lattice.free,
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
        nothing = np.zeros((3, 0))
        self.run(CYCLE, ConjugateState(nothing, nothing, nothing, nothing, np.zeros((3, 1)), np.zeros(4)), 0.0, 0)

    def run(self, task: int, state: ConjugateState, tolerance: float, most: int) -> None:
        """A task of `culmann_fem.conjugate` on all threads."""
        lattice = self.lattice
        given = (lattice.double, lattice.fine, self.arrays, self.program, state)
        lattice.slabs.together(conjugate.run, task, *given, tolerance, most)

    def _program(self) -> Program:
        """The cycle, written down: see `culmann_fem.cycle`."""
        counts, threads = [level.topology.n_nodes for level in self.levels], self.lattice.slabs.threads
        bounds = np.empty((len(counts), threads + 1), dtype=np.int64)
        for at, count in enumerate(counts):
            bounds[at] = [0, *[count] * threads] if count < _ALONE else shares(np.ones(count, dtype=np.int64), threads)
        steps: list[tuple[int, int, int, int]] = []
        factors: list[Factors] = []

        def add(op: int, level: int, source: int, target: int, factor: Factors = (0.0, 0.0)) -> int:
            steps.append((op, level, source, target))
            factors.append(factor)
            return target

        def climb(at: int) -> int:
            """Append the cycle from level `at` on; which of its two x has the result."""
            if at == len(counts) - 1:
                return add(INVERT, at, 0, 0)
            smoother = chebyshev(self.levels[at].largest, *(DEEP if at else NEXT))
            x = add(FIRST, at, 0, 0, smoother[0])
            for step in smoother[1:]:
                x = add(SMOOTH, at, x, 1 - x, step)
            for _ in range(VISITS[min(at, 3)]):
                add(RESIDUAL, at, x, x)
                add(RESTRICT, at + 1, 0, 0)
                add(PROLONG, at, climb(at + 1), x)
                for step in smoother:
                    x = add(SMOOTH, at, x, 1 - x, step)
            return x

        smoother = chebyshev(self.lattice.largest_eigenvalue, *FINE)
        x = add(FINE_FIRST, 0, 0, 1, smoother[0])  # the number of steps that follow is odd: they end at 0
        for step in smoother[1:]:
            x = add(FINE_SMOOTH, 0, x, 1 - x, step)
        add(FINE_RESIDUAL, 0, x, 1 - x)
        add(FINE_RESTRICT, 0, 1 - x, 0)
        add(FINE_PROLONG, 0, climb(0), x)
        for step in smoother:
            x = add(FINE_SMOOTH, 0, x, 1 - x, step)

        def alone(op: int, level: int) -> bool:
            return op >= FIRST and counts[level] < _ALONE

        def builds_on(one: tuple[int, ...], then: tuple[int, ...]) -> bool:
            """Whether a thread needs what others did in the step before."""
            own = one[0] in (RESTRICT, FINE_RESTRICT) and then[0] == FIRST
            return not (own or (alone(*one[:2]) and alone(*then[:2])))

        meets = [builds_on(*both) for both in pairwise(steps)] + [True]
        program = np.array([(*step, met) for step, met in zip(steps, meets, strict=True)], dtype=np.int64)
        return Program(program, np.array(factors, dtype=np.float32), bounds, self.lattice.slabs.bounds)

    def close(self) -> None:
        """End the threads."""
        self._plane_slabs.close()


def _arrays(topologies: list[Topology]) -> Coarse:
    counts = [topology.n_nodes for topology in topologies]
    n, last = sum(counts), 3 * counts[-1]
    x_begin = _begin([3 * (coarse.FRONT + count + coarse.BEHIND) for count in counts])
    return Coarse(
        begin=_begin(counts),
        stencil=np.zeros((n + 1, 3, 81), dtype=np.float32),  # one row more: the vectors that are read of the last reach into it
        run=np.concatenate([topology.run for topology in topologies]),
        inverse_diagonal=np.zeros((n, 3), dtype=np.float32),
        r=np.zeros((n, 3), dtype=np.float32),
        t=np.zeros((n, 3), dtype=np.float32),
        d=np.zeros((n, 3), dtype=np.float32),
        x=np.zeros((2, int(x_begin[-1])), dtype=np.float32),
        x_begin=x_begin,
        place=np.concatenate([topology.place for topology in topologies]).astype(np.int32),
        number=np.concatenate([topology.number.ravel() for topology in topologies]).astype(np.int32),
        number_begin=_begin([topology.number.size for topology in topologies]),
        number_shape=np.array([topology.number.shape for topology in topologies]),
        inverse=np.zeros((last, last), dtype=np.float32),
    )


def _begin(sizes: list[int]) -> IntArray:
    return np.concatenate([[0], np.cumsum(sizes)])
