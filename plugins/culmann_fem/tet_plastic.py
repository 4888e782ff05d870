"""The elastoplastic model on quadratic tetrahedra: its state, its forces and its tangent, on the operator's blocks."""

from __future__ import annotations

import numpy as np

from culmann.data import Fields, Materials
from culmann.data.arrays import FloatArray
from culmann_fem import tet_return_mapping
from culmann_fem.tet_kernels import WIDTH, tangent_rows
from culmann_fem.tet_operator import TetOperator
from culmann_fem.tet_problem import TetProblem


class TetPlastic:
    """See `culmann_fem.system.Plasticity`."""

    def __init__(self, problem: TetProblem, materials: Materials, operator: TetOperator, *, elastic: bool) -> None:
        order, n = problem.order, operator.batches
        self._problem, self._operator = problem, operator
        self._elastic = elastic or materials.is_linear
        stress = np.full((len(order), 1), np.inf) if self._elastic else materials.stress_mpa[order]
        strain = np.zeros((len(order), 1)) if self._elastic else materials.plastic_strain[order]
        self._curve = (operator.in_batches(stress, np.inf), operator.in_batches(strain, 0.0))
        self._modulus = operator.in_batches(materials.youngs_modulus_mpa[order], 1.0)
        self._plastic = np.zeros((n, 4, 7, WIDTH))
        self._flow = np.zeros((n, 4, 8, WIDTH))
        self._active = np.zeros((n, WIDTH), dtype=np.bool_)
        self._cells = (operator.blocks, operator.geometry, operator.lame)

    def force(self, u: FloatArray, f: FloatArray) -> None:
        """F = internal force at u; the tangent is taken there."""
        operator = self._operator
        if self._elastic:
            operator.multiply(u, f)
            return
        out = (self._flow, self._active)
        operator.block_slabs.run(
            tet_return_mapping.plastic_rows, u, operator.row, *self._cells, *self._curve, self._plastic, *out
        )
        operator.gather(f)

    def tangent(self, v: FloatArray, f: FloatArray) -> None:
        """F = tangent stiffness at the last `force`, applied to v."""
        operator = self._operator
        operator.block_slabs.run(tangent_rows, v, operator.row, *self._cells, self._active.any(axis=1), self._flow)
        operator.gather(f)

    def commit(self, u: FloatArray) -> None:
        """The increment has converged at u: keep its plastic strains."""
        if not self._elastic:
            self._operator.block_slabs.run(tet_return_mapping.commit, u, *self._cells, *self._curve, self._plastic)

    def fields(self, u: FloatArray) -> Fields:
        """Fields at u, which must be committed."""
        out = np.zeros((self._operator.batches, 4, WIDTH))
        state = (self._modulus, self._curve[1], self._plastic)
        self._operator.block_slabs.run(tet_return_mapping.cell_fields, u, *self._cells, *state, out)
        columns = np.swapaxes(out, 0, 1).reshape(4, -1)[:, : len(self._problem.order)]
        return Fields(self._problem.at_points(u), *(self._problem.at_cells(column) for column in columns))

    def plastic_state(self) -> tuple[FloatArray, FloatArray]:
        """See `culmann_fem.system.Plasticity`."""
        state = self._plastic.transpose(0, 3, 1, 2).reshape(-1, 4, 7)
        return state[..., :6] * [1, 1, 1, 2, 2, 2], state[..., 6]

    @property
    def n_yielding(self) -> int:
        """Cells that yield at the last `force`."""
        return int(self._active.sum())
