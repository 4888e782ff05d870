"""Cells that share their elastic constants but for a modulus: one group for each Poisson's ratio, one for orthotropic bone."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from culmann.data import Materials, Orthotropy
from culmann.data.arrays import BoolArray, FloatArray
from culmann.errors import SolverError
from culmann_fem.hexahedron import elasticity

_ALIGNED = 2e-3  # sine of the largest angle that counts as none, 0.11 degrees


@dataclass(frozen=True, slots=True)
class ElasticGroup:
    """Some cells of a mesh.

    Parameters
    ----------
    member
        (n_cells,): which cells.
    elasticity
        (6, 6): stress over strain (shear doubled) in the axes of the solver, for E = 1 MPa.
    isotropic
        Whether that is Hooke's law.
    """

    member: BoolArray
    elasticity: FloatArray
    isotropic: bool


def elastic_groups(materials: Materials, is_bone: BoolArray, axes: FloatArray) -> list[ElasticGroup]:
    """The groups of a mesh; together they have every cell once.

    Parameters
    ----------
    is_bone
        (n_cells,): those that orthotropy concerns.
    axes
        (3, 3): rows are the axes of the solver in LPS.
    """
    along = is_bone if materials.orthotropy is not None else np.zeros_like(is_bone)
    groups = []
    if materials.orthotropy is not None and along.any():
        groups.append(ElasticGroup(along, materials.orthotropy.stiffness(axes), isotropic=False))
    for ratio in np.unique(materials.poisson_ratio[~along]):
        groups.append(ElasticGroup(~along & (materials.poisson_ratio == ratio), elasticity(float(ratio)), isotropic=True))
    return groups


def on_lattice(materials: Materials, axes: FloatArray) -> Materials:
    """The same materials with the axes of orthotropy brought onto those of the lattice, from which they may not be apart.

    Raises
    ------
    SolverError
        When they are.
    """
    if materials.orthotropy is None:
        return materials
    turn = materials.orthotropy.axes @ axes.T
    nearest = np.where(np.abs(turn) > np.sqrt(0.5), np.sign(turn), 0.0)
    if np.abs(turn - nearest).max() > _ALIGNED:
        angle = float(np.degrees(np.arccos(np.clip(np.abs(turn).max(axis=1).min(), 0, 1))))
        raise SolverError(
            f"the axes of the orthotropic bone are up to {angle:.1f} degrees off those of the voxels; "
            "bricks can only be orthotropic along their edges",
            hint="resample the image along the axes of the material, or mesh with quadratic tetrahedra (tet10)",
        )
    given = materials.orthotropy
    return replace(materials, orthotropy=Orthotropy(given.e_ratio, given.g_ratio, given.poisson, nearest @ axes))
