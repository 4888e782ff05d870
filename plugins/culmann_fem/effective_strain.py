"""Effective strain of cells of any elasticity and criterion: equivalent stress over modulus, from the mean strain of a cell."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem.elastic_groups import ElasticGroup
from culmann_fem.gauss_points import GaussPoints
from culmann_fem.point_laws import equivalent_stress


class EffectiveStrain:
    """Called with a displacement, it gives (n,), in the order of the solver. The modulus of a cell cancels."""

    def __init__(self, points: GaussPoints, groups: Sequence[ElasticGroup], criterion: str) -> None:
        self._points, self._criterion = points, criterion
        self._groups = [(np.flatnonzero(group.member[points.source]), group.elasticity) for group in groups]
        self._e = np.zeros((*points.shape, 6))

    def __call__(self, u: FloatArray) -> FloatArray:
        """See the class."""
        self._points.strains(u, self._e)
        strain = self._points.cell_means(self._e)
        out = np.empty(len(strain))
        for cells, elasticity in self._groups:
            out[cells] = equivalent_stress(strain[cells] @ elasticity, self._criterion)
        return out
