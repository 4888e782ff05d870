"""The materials of a whole mesh from those of its bone: cement, caps and plates get the material of their `Solid`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from culmann.data import Materials, Mesh
from culmann.data.arrays import FloatArray


def with_solids(mesh: Mesh, bone: Materials) -> Materials:
    """The materials of a whole mesh from those of its bone cells: every other cell gets the material of its `Solid`.

    A solid that does not yield is given a yield stress beyond reach where the bone has a curve, so that one array holds both.
    """
    if not mesh.solids:
        return bone
    inside, k = mesh.is_bone, bone.stress_mpa.shape[1]

    def spread(values: FloatArray) -> FloatArray:
        whole = np.zeros((mesh.n_cells, *values.shape[1:]))
        whole[inside] = values
        return whole

    modulus, ratio = spread(bone.youngs_modulus_mpa), spread(bone.poisson_ratio)
    stress, plastic_strain = spread(bone.stress_mpa), spread(bone.plastic_strain)
    for region, solid in mesh.solids.items():
        there = mesh.region == region
        modulus[there], ratio[there] = solid.youngs_modulus_mpa, solid.poisson_ratio
        stress[there] = solid.youngs_modulus_mpa if solid.yield_stress_mpa is None else solid.yield_stress_mpa
        # The points of a curve must not coincide for a solver that divides by their distance.
        plastic_strain[there] = np.arange(k)
    own = bone.stress_update
    return replace(
        bone,
        youngs_modulus_mpa=modulus,
        poisson_ratio=ratio,
        stress_mpa=stress,
        plastic_strain=plastic_strain,
        density_g_cm3=spread(bone.density_g_cm3),
        stress_update=own and replace(own, parameters=spread(own.parameters)),
    )
