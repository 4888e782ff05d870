"""Which cells of a femur are cortical: by density, by depth under the surface, or by region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from culmann.data import Mesh
from culmann.data.arrays import BoolArray, FloatArray
from culmann.errors import InputError
from culmann.voxels import exterior_faces


def cortical_cells(
    bone: Mesh,
    rho_g_cm3: FloatArray,
    *,
    above_g_cm3: float | None,
    within_mm: float | None,
    regions: Sequence[str],
) -> BoolArray:
    """(n_cells,): cells of the named regions; where none are named, cells that are as dense and as near the surface as asked.

    Without any rule no cell is cortical.

    Raises
    ------
    InputError
        When the mesh has no region of a name that was given.
    """
    if regions:
        numbers = {name: number for number, name in bone.region_names.items()}
        missing = [name for name in regions if name not in numbers]
        if missing:
            there = ", ".join(sorted({bone.region_names.get(int(r), str(r)) for r in np.unique(bone.region)}))
            raise InputError(
                f"the mesh has no region {missing[0]!r} to take as cortical bone",
                hint=f"its regions are {there}: they are the labels that it was built from",
            )
        return np.isin(bone.region, [numbers[name] for name in regions])
    if above_g_cm3 is None and within_mm is None:
        return np.zeros(bone.n_cells, dtype=bool)
    cortical = np.ones(bone.n_cells, dtype=bool)
    if above_g_cm3 is not None:
        cortical &= rho_g_cm3 > above_g_cm3
    if within_mm is not None:
        cortical &= depth_mm(bone) <= within_mm
    return cortical


def depth_mm(mesh: Mesh) -> FloatArray:
    """(n_cells,): distance of each cell's centre from the surface, taken at the middles, corners and edges of its faces."""
    faces, _ = exterior_faces(mesh)
    corners = mesh.points_mm[faces]
    edges = (corners + np.roll(corners, 1, axis=1)) / 2
    on_surface = np.concatenate([corners.mean(axis=1), edges.reshape(-1, 3), corners.reshape(-1, 3)])
    distance, _ = cKDTree(on_surface).query(mesh.cell_centres_mm())
    return np.asarray(distance, dtype=np.float64)


def cell_size_mm(mesh: Mesh) -> FloatArray:
    """(n_cells,): edge of the cube that has the volume of each cell."""
    corners = mesh.points_mm[mesh.cells]
    edges = (1, 3, 4) if mesh.cell_type == "hex8" else (1, 2, 3)
    volume = np.abs(np.linalg.det(corners[:, list(edges)] - corners[:, :1]))
    return np.asarray(np.cbrt(volume if mesh.cell_type == "hex8" else volume / 6))
