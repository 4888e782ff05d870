"""Energy at the end of a plastic course: what is stored in the elastic strains, and what flowed into the plastic ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from culmann.data import Materials
from culmann.data.arrays import FloatArray
from culmann_fem.elastic_groups import ElasticGroup
from culmann_fem.gauss_points import GaussPoints

_AT_ONCE = 8192


def stored_and_dissipated(
    points: GaussPoints,
    groups: Sequence[ElasticGroup],
    materials: Materials,
    u: FloatArray,
    plastic: FloatArray,
    kappa: FloatArray,
) -> tuple[float, float]:
    """Energies in N mm, from the Gauss points.

    Flow is associated and the criteria are homogeneous of degree one, so that the work of the stress on the plastic strain is
    that of the yield stress on the equivalent plastic strain: the area under the curve up to it.

    Parameters
    ----------
    plastic, kappa
        (cells, points, 6), shear doubled, and (cells, points): plastic strain and its equivalent.
    """
    e = np.zeros((*points.shape, 6))
    points.strains(u, e)
    stored = dissipated = 0.0
    for group in groups:
        member = np.flatnonzero(group.member[points.source])
        for begin in range(0, len(member), _AT_ONCE):
            cells = member[begin : begin + _AT_ONCE]
            source, volume = points.source[cells], points.volume[cells]
            elastic = e[cells] - plastic[cells]
            density = np.einsum("npa,npa->np", elastic @ group.elasticity, elastic)
            stored += 0.5 * float((materials.youngs_modulus_mpa[source] * (density * volume).sum(axis=1)).sum())
            if materials.stress_mpa.shape[1]:
                area = _area(kappa[cells], materials.stress_mpa[source], materials.plastic_strain[source])
                dissipated += float((area * volume).sum())
    return stored, dissipated


def _area(kappa: FloatArray, stress: FloatArray, strain: FloatArray) -> FloatArray:
    """(n, points): area under the curves (n, k) up to kappa (n, points)."""
    area = np.zeros_like(kappa)
    k = stress.shape[1]
    for p in range(k):
        from_strain, from_stress = strain[:, p, None], stress[:, p, None]
        to_strain = strain[:, p + 1, None] if p + 1 < k else np.inf
        width = np.minimum(kappa, to_strain) - from_strain
        slope = np.zeros_like(from_stress)
        if p + 1 < k:
            rise, run = stress[:, p + 1, None] - from_stress, to_strain - from_strain
            slope = np.divide(rise, run, out=slope, where=run > 0)
        area += np.where(width > 0, (from_stress + 0.5 * slope * width) * width, 0.0)
    return area
