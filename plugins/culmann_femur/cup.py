"""femoral-head-cup: a cup of stiff cells over the loaded side of the head, and the bone under it that must not be crushed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import Landmarks, Mesh, Solid
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_femur.casting import cast, mould_of, outer_nodes, touching
from culmann_femur.directions import StanceDirection, expect_same_bone, stance_direction

#: The node set of the outer side of the cup.
CUP = "head-cup"


class FemoralHeadCupConfig(Config):
    """Options of `femoral-head-cup`."""

    direction: StanceDirection = Field("shaft", description="The direction of the load, as in `stance`: give both the same.")
    adduction_deg: float = Field(6.0, ge=-45, le=45, description="With `direction: angles`, as in `stance`.")
    flexion_deg: float = Field(0.0, ge=-90, le=90, description="With `direction: angles`, as in `stance`.")
    half_angle_deg: float = Field(
        45.0,
        gt=5,
        le=80,
        description="The cup reaches this far around the load's axis, seen from the centre of the head. Chosen by us: the "
        "source does not say how large its cup is.",
    )
    thickness_mm: float = Field(
        4.0,
        gt=0,
        le=30,
        description="From the sphere of the head to the outer side of the cup; at least one cell. Chosen by us.",
    )
    youngs_modulus_mpa: float = Field(
        2000.0, gt=0, description="Young's modulus of the cup, MPa. 2 GPa in the code of Sas et al."
    )
    poisson_ratio: float = Field(0.3, gt=-1, lt=0.5, description="Poisson's ratio of the cup and of the influence region.")
    influence_depth_mm: float = Field(
        3.0,
        ge=0,
        le=30,
        description="How deep under the cup bone is made stiff and strong, so that it is not crushed locally; 0 leaves all "
        "bone as it is. Sas et al. have such a region and their code does not say how deep: 3 mm is the length of their law.",
    )
    influence_youngs_modulus_mpa: float = Field(
        20000.0, gt=0, description="Young's modulus of the influence region, MPa. 20 GPa in the code of Sas et al."
    )
    influence_yield_stress_mpa: float | None = Field(
        200.0,
        gt=0,
        description="Stress at which the influence region yields, perfectly plastic, MPa; null for elastic. 200 MPa in the "
        "code of Sas et al.",
    )


def femoral_head_cup(mesh: Mesh, landmarks: Landmarks, config: FemoralHeadCupConfig, journal: Journal) -> Mesh:
    """Fill the space over the loaded side of the femoral head with a cup, and strengthen the bone under it.

    The cup consists of the empty cells between the bone and a sphere around that of the head, within a cone around the load's
    axis. It gets the region `head-cup` and the node set `head-cup` of its outer side; bone cells no deeper under it than
    `influence_depth_mm` get the region `head-influence`. Both have their own materials, which laws of density leave alone.
    The lattice grows where the cup leaves the field of view.

    Raises
    ------
    InputError
        When the mesh is not a voxel mesh, the landmarks are of another bone, or no cup fits.

    References
    ----------
    doi:10.1016/j.bonr.2020.100263; the moduli and the yield stress were read in the authors' code.
    """
    expect_same_bone(mesh, landmarks)
    centre, radius = landmarks.point("head-centre"), landmarks.length("head-radius")
    towards = -stance_direction(landmarks, config.direction, config.adduction_deg, config.flexion_deg)
    thickness = max(config.thickness_mm, max(mesh.lattice.grid.spacing_mm) if mesh.lattice else 0.0)
    outer = radius + thickness
    mould = mould_of(mesh, "a cup", centre + outer * np.concatenate([np.eye(3), -np.eye(3)]))

    near = mould.empty_outside()
    ray = mould.centres_mm(near) - centre
    distance = np.linalg.norm(ray, axis=1)
    over = (ray @ towards) >= np.cos(np.radians(config.half_angle_deg)) * distance
    near[near] = over & (distance <= outer) & (distance > 0.6 * radius)
    cup = touching(near, mould.is_bone)
    if not cup.any():
        raise InputError(
            "no cup fits onto the femoral head: there is no empty space between the bone and the sphere of the cup",
            hint="use a thicker cup, or check that mesh and landmarks come from the same labels",
        )
    # From the middle of a cell to the nearest side of the cup.
    depth = ndimage.distance_transform_edt(~cup, sampling=mould.sampling_mm) - 0.5 * min(mould.grid.spacing_mm)
    influence = mould.is_bone & (depth <= config.influence_depth_mm) & (config.influence_depth_mm > 0)
    stiff = Solid(config.influence_youngs_modulus_mpa, config.poisson_ratio, config.influence_yield_stress_mpa)
    parts = {"head-cup": (cup, Solid(config.youngs_modulus_mpa, config.poisson_ratio))}
    if influence.any():
        parts["head-influence"] = (influence, stiff)
    told = (
        f"femoral-head-cup: {int(cup.sum())} cells within {config.half_angle_deg:g} degrees of the load's axis, out to "
        f"{outer:.1f} mm from the centre of the head; {int(influence.sum())} bone cells under it strengthened"
    )
    journal.progress(told)
    made = cast(mould, parts, told)
    nodes = outer_nodes(made, "head-cup", lambda places: np.linalg.norm(places - centre, axis=1) > outer)
    return replace(made, node_sets={**made.node_sets, CUP: nodes})
