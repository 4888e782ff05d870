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
from culmann_fem.falling_moduli import FallingModuli
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
        self._ratio = operator.in_batches(materials.poisson_ratio[order], 0.0)
        self._effective = effective
        self._moduli = FallingModuli(materials, order)
        self.softened, self.commit, self.n_softened = self._moduli.softened, self._moduli.commit, self._moduli.n_softened

    @property
    def modulus(self) -> FloatArray:
        """(n,): the moduli of the state, MPa."""
        return self._moduli.now

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
        return out.ravel()[: len(self.modulus)].copy()

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

    def fields(self, u: FloatArray) -> Fields:
        """Fields at u with the moduli of the state."""
        return self.fields_later(u)()

    def fields_later(self, u: FloatArray) -> Callable[[], Fields]:
        """See `culmann_fem.system.Softening`."""
        columns = self._moduli.columns_later()

        def fields() -> Fields:
            return Fields(self._problem.at_points(u), *(self._problem.at_cells(column) for column in columns(self.strain(u))))

        return fields
