"""Materials in few: cells of nearly the same modulus share one, for engines that want a table of materials."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from culmann.data import Materials, Mesh
from culmann.data.arrays import FloatArray, IntArray


def material_bins(mesh: Mesh, materials: Materials, width_mpa: float) -> tuple[IntArray, Materials]:
    """The bin of every cell, and the materials of the bins, each the mean of its cells.

    Bins are counted down from the largest modulus. Cells of one bin are alike in Poisson's ratio, and are all bone or all of
    one solid. With a width of 0 only cells that are equal in everything share a material.

    Parameters
    ----------
    mesh, materials
        The model.
    width_mpa
        Difference in Young's modulus up to which cells share a material.

    Returns
    -------
    index : (n_cells,) int64
        From 0, in falling order of the modulus.
    bins : Materials
        One row a bin.
    """
    modulus = materials.youngs_modulus_mpa
    group = np.where(mesh.is_bone, -1, mesh.region)
    if width_mpa > 0:
        step = np.floor((modulus.max() - modulus) / width_mpa)
        keys = np.stack([step, materials.poisson_ratio, group], axis=1)
    else:
        curve = np.concatenate([materials.stress_mpa, materials.plastic_strain], axis=1)
        keys = np.concatenate([np.stack([-modulus, materials.poisson_ratio, group], axis=1), curve], axis=1)
    _, index, count = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    index = index.reshape(-1).astype(np.int64)

    def mean(values: FloatArray) -> FloatArray:
        total = np.zeros((len(count), *values.shape[1:]))
        np.add.at(total, index, values)
        return total / count.reshape(-1, *[1] * (values.ndim - 1))

    return index, replace(
        materials,
        youngs_modulus_mpa=mean(modulus),
        poisson_ratio=mean(materials.poisson_ratio),
        stress_mpa=mean(materials.stress_mpa),
        plastic_strain=mean(materials.plastic_strain),
        density_g_cm3=mean(materials.density_g_cm3),
    )
