"""Secant state: every cell's effective strain, and the modulus that falls with it and never recovers.

The effective strain of a cell is its von Mises stress over its present modulus, from the strain at its centre: the modulus
cancels. Sas et al. 2020, doi:10.1016/j.bonr.2020.100263.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from culmann.data import Fields, Materials
from culmann.data.arrays import FloatArray, IntArray
from culmann_fem.effective_strain import EffectiveStrain
from culmann_fem.elastic_groups import ElasticGroup
from culmann_fem.falling_moduli import FallingModuli
from culmann_fem.gauss import gradients
from culmann_fem.kernels import fast_kernel
from culmann_fem.lattice import LatticeOperator
from culmann_fem.problem import LatticeProblem


@fast_kernel
def _effective_strain(u, place, cell, plane, poisson_ratio, scale, out, first, last):
    modes, grad, g = np.empty((3, 8)), np.empty((3, 3, 4)), np.empty((3, 3))
    for m in range(plane[first], plane[min(last, plane.shape[0] - 1)]):
        gradients(u, place, cell[m, 0], cell[m, 1], cell[m, 2], scale, modes, grad)
        for c in range(3):
            for d in range(3):
                g[c, d] = (grad[c, d, 0] + grad[c, d, 1] + grad[c, d, 2] + grad[c, d, 3]) / 4
        mean = (g[0, 0] + g[1, 1] + g[2, 2]) / 3
        xy, yz, zx = (g[0, 1] + g[1, 0]) / 2, (g[1, 2] + g[2, 1]) / 2, (g[2, 0] + g[0, 2]) / 2
        square = (g[0, 0] - mean) ** 2 + (g[1, 1] - mean) ** 2 + (g[2, 2] - mean) ** 2
        square += 2 * (xy * xy + yz * yz + zx * zx)
        out[m] = np.sqrt(1.5 * square) / (1 + poisson_ratio[m])


class SecantState:
    """Cells in the order of their planes; moduli go straight into the lattice operator.

    Parameters
    ----------
    groups
        The elasticity of all cells.
    effective
        The effective strain where it is not von Mises's with Hooke's law.
    """

    def __init__(
        self,
        problem: LatticeProblem,
        materials: Materials,
        lattice: LatticeOperator,
        groups: Sequence[ElasticGroup],
        effective: EffectiveStrain | None = None,
    ) -> None:
        order = np.lexsort(problem.cell.T[::-1])
        self._order, self._problem, self._lattice = order, problem, lattice
        self._cell = np.ascontiguousarray(problem.cell[order])
        self._at = problem.lines.at(self._cell)
        self._plane = np.searchsorted(self._cell[:, 0], np.arange(problem.shape[0] + 1))
        self._ratio = materials.poisson_ratio[order]
        self._group = np.stack([group.member for group in groups]).argmax(axis=0)[order]
        self._effective = effective
        self._scale = -1 / (4 * problem.spacing_mm)
        self._moduli = FallingModuli(materials, order)
        self.softened, self.commit, self.n_softened = self._moduli.softened, self._moduli.commit, self._moduli.n_softened

    @property
    def modulus(self) -> FloatArray:
        """(n,): the moduli of the state, MPa."""
        return self._moduli.now

    def strain(self, u: FloatArray, cells: IntArray | None = None) -> FloatArray:
        """(n,): effective strain of every cell, or of some, in their order."""
        if self._effective is not None:
            every = self._effective(u)
            return every if cells is None else every[cells]
        which, plane, ratio = self._cell, self._plane, self._ratio
        if cells is not None:
            which, plane, ratio = which[cells], np.searchsorted(cells, plane), ratio[cells]
        out = np.empty(len(which))
        self._lattice.slabs.run(_effective_strain, u, self._problem.lines.place, which, plane, ratio, self._scale, out)
        return out

    def use(self, modulus: FloatArray) -> None:
        """Put moduli into the operator, without making them the state."""
        self._lattice.E[self._group, self._at] = modulus
        self._lattice.update()

    def multiply_by(self, modulus: FloatArray, u: FloatArray, f: FloatArray) -> None:
        """F = K u with other moduli, which may be zero or below it; those in the operator stay."""
        E = np.zeros_like(self._lattice.E)
        E[self._group, self._at] = modulus
        self._lattice.multiply(u, f, E)

    def fields(self, u: FloatArray) -> Fields:
        """Fields at u with the moduli of the state."""
        return self.fields_later(u)()

    def fields_later(self, u: FloatArray) -> Callable[[], Fields]:
        """What makes the fields at u of the present state, whatever the state is by then: for most increments nobody asks."""
        columns = self._moduli.columns_later()

        def fields() -> Fields:
            per_cell = np.stack(columns(self.strain(u)), axis=1)
            back = np.empty_like(per_cell)
            back[self._order] = per_cell
            return Fields(self._problem.at_points(u), *(back[:, c].copy() for c in range(4)))

        return fields
