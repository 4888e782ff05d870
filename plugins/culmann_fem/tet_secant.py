"""Secant state of quadratic tetrahedra: every cell's effective strain, and the modulus that falls with it for good.

See `secant_state`. The effective strain comes from the mean strain of a cell, where a voxel has that of its centre.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from culmann.data import Fields, Materials
from culmann.data.arrays import FloatArray, IntArray
from culmann_fem import tet_return_mapping
from culmann_fem.effective_strain import EffectiveStrain
from culmann_fem.secant_state import stress_on_curve
from culmann_fem.tet_kernels import WIDTH
from culmann_fem.tet_operator import TetOperator
from culmann_fem.tet_problem import TetProblem


class TetSecant:
    """See `culmann_fem.system.Softening`; moduli go straight into the operator. `effective` as in `SecantState`."""

    def __init__(
        self, problem: TetProblem, materials: Materials, operator: TetOperator, effective: EffectiveStrain | None = None
    ) -> None:
        order = problem.order
        self._problem, self._operator = problem, operator
        self._initial = materials.youngs_modulus_mpa[order]
        self._ratio = operator.in_batches(materials.poisson_ratio[order], 0.0)
        self._stress = np.ascontiguousarray(materials.stress_mpa[order])
        self._plastic = np.ascontiguousarray(materials.plastic_strain[order])
        self.modulus = self._initial.copy()
        self._reached = np.zeros(len(order))
        self._effective = effective

    def strain(self, u: FloatArray, cells: IntArray | None = None) -> FloatArray:
        """(n,): effective strain of every cell, or of some, in their order."""
        every = self._every_strain(u)
        return every if cells is None else every[cells]

    def _every_strain(self, u: FloatArray) -> FloatArray:
        if self._effective is not None:
            return self._effective(u)
        operator = self._operator
        out = np.empty((operator.batches, WIDTH))
        operator.block_slabs.run(tet_return_mapping.effective_strains, u, operator.blocks, operator.geometry, self._ratio, out)
        return out.ravel()[: len(self._initial)].copy()

    def softened(self, e: FloatArray) -> FloatArray:
        """(n,): the secant moduli at effective strains e; none above the present one."""
        stress = np.empty_like(e)
        stress_on_curve(e, self._initial, self._stress, self._plastic, stress)
        secant = np.divide(stress, e, out=self._initial.copy(), where=e > 0)
        return np.minimum(self.modulus, secant)

    def use(self, modulus: FloatArray) -> None:
        """Put moduli into the operator, without making them the state."""
        self._operator.modulus[:] = modulus
        self._operator.update()

    def multiply_by(self, modulus: FloatArray, u: FloatArray, f: FloatArray) -> None:
        """F = K u with other moduli, which may be zero or below it; those in the operator stay."""
        kept = self._operator.modulus.copy()
        self.use(modulus)
        self._operator.multiply(u, f)
        self.use(kept)

    def commit(self, modulus: FloatArray, e: FloatArray) -> None:
        """Make moduli the state, and remember how far each cell was strained."""
        self.modulus = modulus.copy()
        self._reached = np.maximum(self._reached, e)

    def n_softened(self) -> int:
        """Cells below their initial modulus."""
        return int((self.modulus < self._initial * (1 - 1e-12)).sum())

    def fields(self, u: FloatArray) -> Fields:
        """Fields at u with the moduli of the state."""
        return self.fields_later(u)()

    def fields_later(self, u: FloatArray) -> Callable[[], Fields]:
        """See `culmann_fem.system.Softening`."""
        modulus, reached = self.modulus, self._reached

        def fields() -> Fields:
            e = self.strain(u)
            stress = modulus * e
            ends = self._plastic + self._stress / self._initial[:, None]
            columns = (e, e - stress / self._initial, stress, (reached[:, None] > ends).sum(axis=1).astype(float))
            return Fields(self._problem.at_points(u), *(self._problem.at_cells(column) for column in columns))

        return fields
