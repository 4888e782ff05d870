"""The elastoplastic model on quadratic tetrahedra: its state, its forces and its tangent, on top of the elastic operator."""

from __future__ import annotations

import numpy as np

from culmann.data import Fields, Materials
from culmann.data.arrays import FloatArray, IntArray
from culmann_fem import tet_return_mapping
from culmann_fem.tet_kernels import WIDTH
from culmann_fem.tet_operator import TetOperator
from culmann_fem.tet_problem import TABLE, TetProblem


class TetPlastic:
    """See `culmann_fem.system.Plasticity`."""

    def __init__(self, problem: TetProblem, materials: Materials, operator: TetOperator, *, elastic: bool) -> None:
        order, n = problem.order, len(problem.order)
        self._problem, self._operator = problem, operator
        self._modulus = materials.youngs_modulus_mpa[order]
        self._shear = self._modulus / (2 * (1 + materials.poisson_ratio[order]))
        self._curved = not elastic and not materials.is_linear
        self._stress = np.ascontiguousarray(materials.stress_mpa[order]) if self._curved else np.full((n, 1), np.inf)
        self._strain = np.ascontiguousarray(materials.plastic_strain[order]) if self._curved else np.zeros((n, 1))
        self._plastic, self._kappa = np.zeros((n, 4, 6)), np.zeros((n, 4))
        self._flow, self._soft = np.zeros((n, 4, 6)), np.zeros((n, 4, 2))
        self._active = np.zeros(n, dtype=np.bool_)
        self._index: IntArray = np.zeros(0, dtype=np.int64)
        self._index_begin = np.zeros(len(operator.blocks.batch_begin), dtype=np.int64)
        self._mesh = (problem.cell, operator.blocks, operator.geometry, TABLE)

    def force(self, u: FloatArray, f: FloatArray) -> None:
        """F = internal force at u; the tangent is taken there."""
        operator = self._operator
        operator.elastic_rows(u)
        if self._curved:
            curve, state = (self._shear, self._stress, self._strain), (self._plastic, self._kappa)
            tangent = (self._flow, self._soft, self._active)
            operator.block_slabs.run(tet_return_mapping.plastic_rows, u, operator.row, *self._mesh, *curve, *state, *tangent)
            self._index = np.flatnonzero(self._active)
            self._index_begin = np.searchsorted(self._index, operator.blocks.batch_begin * WIDTH)
        operator.gather(f)

    def tangent(self, v: FloatArray, f: FloatArray) -> None:
        """F = tangent stiffness at the last `force`, applied to v."""
        operator = self._operator
        operator.elastic_rows(v)
        if len(self._index):
            yielding = (self._index, self._index_begin, self._flow, self._soft)
            operator.block_slabs.run(tet_return_mapping.tangent_rows, v, operator.row, *self._mesh, *yielding)
        operator.gather(f)

    def commit(self, u: FloatArray) -> None:
        """The increment has converged at u: keep its plastic strains."""
        if self._curved:
            curve, state = (self._shear, self._stress, self._strain), (self._plastic, self._kappa)
            self._operator.block_slabs.run(tet_return_mapping.commit, u, *self._mesh, *curve, *state)

    def fields(self, u: FloatArray) -> Fields:
        """Fields at u, which must be committed."""
        out = np.zeros((len(self._shear), 4))
        state = (self._shear, self._modulus, self._strain, self._plastic, self._kappa)
        self._operator.block_slabs.run(tet_return_mapping.cell_fields, u, *self._mesh, *state, out)
        return Fields(self._problem.at_points(u), *(self._problem.at_cells(column) for column in out.T))

    @property
    def n_yielding(self) -> int:
        """Cells that yield at the last `force`."""
        return len(self._index)
