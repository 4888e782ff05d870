"""fall-caps: caps of bone cement on the greater trochanter and on the femoral head, at right angles to the load of a fall."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Self

import numpy as np
from pydantic import Field, model_validator
from scipy.spatial import ConvexHull

from culmann.config import Config
from culmann.data import Landmarks, Mesh, Solid
from culmann.data.arrays import BoolArray, FloatArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_femur.casting import Mould, cast, mould_of, outer_nodes, touching
from culmann_femur.directions import expect_same_bone, fall_direction

#: Regions of the caps, and the node sets of their outer planes.
TROCHANTER, HEAD = "fall-cap-trochanter", "fall-cap-head"

#: The trochanter is sought within so many radii of the head of the greater trochanter's landmark.
_AROUND_TROCHANTER = 1.5


class FallCapsConfig(Config):
    """Options of the caps."""

    internal_rotation_deg: float = Field(15.0, ge=-60, le=60, description="As in `sideways-fall`: give both the same.")
    adduction_deg: float = Field(10.0, ge=-45, le=45, description="As in `sideways-fall`: give both the same.")
    anteversion_deg: float = Field(0.0, ge=-45, le=60, description="As in `sideways-fall`: give both the same.")
    thickness_mm: float = Field(
        10.0, gt=0, le=60, description="Thickness of a cap along the load. 10 mm in the public description of Ogo."
    )
    intrusion_mm: float = Field(
        6.0, gt=0, le=40, description="How deep the bone sticks in its cap. 6 mm in the public description of Ogo."
    )
    margin_mm: float = Field(0.0, ge=0, le=30, description="How far a cap stands out around the bone that sticks in it.")
    youngs_modulus_mpa: float = Field(2500.0, gt=0, description="Young's modulus of the cement, MPa.")
    poisson_ratio: float = Field(0.3, gt=-1, lt=0.5, description="Poisson's ratio of the cement.")
    yield_stress_mpa: float | None = Field(
        None, gt=0, description="Stress at which the cement yields, perfectly plastic, MPa; null for linear elastic cement."
    )

    @model_validator(mode="after")
    def _beyond_the_bone(self) -> Self:
        if self.thickness_mm <= self.intrusion_mm:
            raise ValueError("`thickness_mm` must be more than `intrusion_mm`: the cap must reach beyond the bone")
        return self


def fall_caps(mesh: Mesh, landmarks: Landmarks, config: FallCapsConfig, journal: Journal) -> Mesh:
    """Cast a cap onto the greater trochanter and another onto the femoral head, with outer planes across the load of a fall.

    A cap fills the empty space between the bone that sticks in it and its outer plane. It gets a region and a node set of its
    outer plane, both called `fall-cap-trochanter` or `fall-cap-head`. The lattice grows where a cap leaves the field of view.
    Thickness, intrusion and the elastic constants are those of Ogo (University of Calgary, github.com/Bonelab/Ogo).

    Raises
    ------
    InputError
        When the mesh is not a voxel mesh, the landmarks are of another bone, or there is no bone to cast onto.
    """
    expect_same_bone(mesh, landmarks)
    push = fall_direction(landmarks, config.internal_rotation_deg, config.adduction_deg, config.anteversion_deg)
    low, high = mesh.points_mm.min(axis=0), mesh.points_mm.max(axis=0)
    beyond = config.thickness_mm + (max(mesh.lattice.grid.spacing_mm) if mesh.lattice else 0.0)
    corners = np.array(np.meshgrid(*zip(low - beyond, high + beyond, strict=True))).reshape(3, -1).T
    mould = mould_of(mesh, "a cap", corners)

    centres = mould.centres_mm(mould.is_bone)
    radius = landmarks.length("head-radius")
    around = {
        TROCHANTER: (-push, landmarks.point("greater-trochanter"), _AROUND_TROCHANTER * radius),
        HEAD: (push, landmarks.point("head-centre"), 1.15 * radius),
    }
    cement = Solid(config.youngs_modulus_mpa, config.poisson_ratio, config.yield_stress_mpa)
    parts, planes = {}, {}
    for name, (outward, middle, reach) in around.items():
        near = centres[np.linalg.norm(centres - middle, axis=1) <= reach]
        if not len(near):
            raise InputError(f"there is no bone to cast {name} onto", hint="check that mesh and landmarks fit together")
        cells, planes[name] = _cap(mould, near, outward, config)
        parts[name] = (cells, cement)
    told = f"fall-caps: {config.thickness_mm:g} mm thick, with {config.intrusion_mm:g} mm of bone in them; " + ", ".join(
        f"{name} {int(cells.sum())} cells" for name, (cells, _) in parts.items()
    )
    journal.progress(told)
    made = cast(mould, parts, told)
    sets = {}
    for name, (outward, _, _) in around.items():
        sets[name] = outer_nodes(made, name, partial(_beyond, outward=outward, plane=planes[name]))
        if len(sets[name]) < 3:
            raise InputError(
                f"no plane of cement fits onto {name.removeprefix('fall-cap-')}", hint="use thicker caps, or smaller voxels"
            )
    return replace(made, node_sets={**made.node_sets, **sets})


def _cap(mould: Mould, bone_mm: FloatArray, outward: FloatArray, config: FallCapsConfig) -> tuple[BoolArray, float]:
    """The cells (z, y, x) of a cap onto bone cells at these centres, and the height of its outer plane along `outward`."""
    height = bone_mm @ outward
    top = float(height.max()) + 0.5 * _extent(mould, outward)
    plane = top + max(config.thickness_mm - config.intrusion_mm, _extent(mould, outward))
    inserted = bone_mm[height >= top - config.intrusion_mm]
    across = np.linalg.svd(outward[None])[2][1:]
    empty = mould.empty_outside()
    places = mould.centres_mm(empty)
    level = places @ outward
    within = (level >= top - config.intrusion_mm) & (level <= plane)
    empty[empty] = within & _in_outline(places @ across.T, inserted @ across.T, config.margin_mm + 0.5 * mould.cell_mm)
    return touching(empty, mould.is_bone), plane


def _beyond(places_mm: FloatArray, outward: FloatArray, plane: float) -> BoolArray:
    """(n,): whether places lie further out than a plane."""
    return np.asarray(places_mm @ outward > plane)


def _in_outline(places: FloatArray, bone: FloatArray, margin: float) -> BoolArray:
    """(n,): whether places (n, 2) lie in the convex outline of bone cells (m, 2), or out of it by no more than the margin."""
    if len(bone) < 3 or np.linalg.matrix_rank(bone - bone[0], tol=1e-6) < 2:
        return np.asarray(np.linalg.norm(places[:, None] - bone[None], axis=2).min(axis=1) <= margin)
    sides = ConvexHull(bone).equations
    return np.asarray((places @ sides[:, :2].T + sides[:, 2]).max(axis=1) <= margin)


def _extent(mould: Mould, along: FloatArray) -> float:
    """How far a cell reaches along a direction, mm."""
    return float(np.abs(mould.grid.axes.T @ along) @ np.asarray(mould.grid.spacing_mm))
