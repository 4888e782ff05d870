"""distal-pot: the lower end of the shaft held in stiff cells, as in the pot of a test machine."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import Landmarks, Mesh, Solid
from culmann.data.arrays import IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.voxels import exterior_faces
from culmann_femur.casting import cast, mould_of, region_number
from culmann_femur.directions import expect_same_bone

#: The node set of the outer side of the pot.
POT = "distal-pot"


class DistalPotConfig(Config):
    """Options of `distal-pot`."""

    length_mm: float = Field(
        15.0,
        gt=0,
        le=300,
        description="How much of the bone is in the pot, along the shaft from its lowest whole section up. Chosen by us.",
    )
    shape: Literal["layer", "around"] = Field(
        "layer",
        description="`layer`: the bone of the lower end itself becomes stiff. `around`: a wall of stiff cells around it, and "
        "the bone stays bone.",
    )
    wall_mm: float = Field(6.0, gt=0, le=50, description="With `shape: around`, the thickness of the wall; at least one cell.")
    youngs_modulus_mpa: float = Field(
        200000.0, gt=0, description="Young's modulus of the pot, MPa. 200 GPa in the code of Sas et al."
    )
    poisson_ratio: float = Field(0.3, gt=-1, lt=0.5, description="Poisson's ratio of the pot.")


def distal_pot(mesh: Mesh, landmarks: Landmarks, config: DistalPotConfig, journal: Journal) -> Mesh:
    """Put the lower end of the shaft into a pot: the region `distal-pot`, and the node set `distal-pot` of its outer side.

    Nodes that the pot shares with bone outside of it are not in the set.

    Raises
    ------
    InputError
        When the mesh is not a voxel mesh, the landmarks are of another bone, or the pot would reach the femoral head.

    References
    ----------
    doi:10.1016/j.bonr.2020.100263; the modulus was read in the authors' code.
    """
    expect_same_bone(mesh, landmarks)
    up, end = landmarks.direction("shaft"), landmarks.point("shaft-end")
    head = float((landmarks.point("head-centre") - end) @ up) - landmarks.length("head-radius")
    if config.length_mm >= head:
        raise InputError(
            f"a pot of {config.length_mm:g} mm would reach the femoral head, which begins {head:.0f} mm above the lower end",
            hint="use a shorter `length_mm`, or a scan with more of the shaft",
        )
    low, high = mesh.points_mm.min(axis=0), mesh.points_mm.max(axis=0)
    wall = max(config.wall_mm, max(mesh.lattice.grid.spacing_mm) if mesh.lattice else 0.0)
    margin = wall if config.shape == "around" else 0.0
    corners = np.array(np.meshgrid(*zip(low - margin, high + margin, strict=True))).reshape(3, -1).T
    mould = mould_of(mesh, "a pot", corners)
    everywhere = np.ones(mould.grid.shape, dtype=bool)
    height = ((mould.centres_mm(everywhere) - end) @ up).reshape(mould.grid.shape)
    held = mould.is_bone & (height <= config.length_mm)
    if config.shape == "layer":
        pot = held
    else:
        away = ndimage.distance_transform_edt(~held, sampling=mould.sampling_mm)
        lowest = float(height[held].min()) if held.any() else 0.0
        # From the middle of a cell to the surface of the bone is half a cell less than to the middle of its last one.
        pot = (
            mould.empty_outside()
            & (away - 0.5 * min(mould.grid.spacing_mm) <= wall)
            & (height <= config.length_mm)
            & (height >= lowest)
        )
    if not pot.any():
        raise InputError("the pot holds no cell: the mesh ends above it", hint="check that mesh and landmarks fit together")
    told = f"distal-pot ({config.shape}): {int(pot.sum())} cells up to {config.length_mm:g} mm above the lowest whole section"
    journal.progress(told)
    made = cast(mould, {"distal-pot": (pot, Solid(config.youngs_modulus_mpa, config.poisson_ratio))}, told)
    return replace(made, node_sets={**made.node_sets, POT: _outer(made)})


def _outer(mesh: Mesh) -> IntArray:
    number = region_number(mesh, "distal-pot")
    faces, cell = exterior_faces(mesh)
    others = np.unique(mesh.cells[mesh.region != number])
    return np.setdiff1d(np.unique(faces[mesh.region[cell] == number]), others)
