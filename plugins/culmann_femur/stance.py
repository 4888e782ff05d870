"""stance: the femoral head is pushed down, the distal end is held."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Landmarks, LoadCase, Mesh, Prescribed
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_femur.cup import CUP
from culmann_femur.directions import StanceDirection, angle_deg, expect_same_bone, stance_direction
from culmann_femur.held_nodes import below, check_sets, face_areas_mm2, lps, named_set, on_head, within_cone
from culmann_femur.load_picture import load_picture
from culmann_femur.pot import POT

#: A cup whose middle is further than this from the load's axis was cast for another load, degrees.
_CUP_OFF_DEG = 8.0

#: A lattice axis further than this from the wanted direction is worth a warning, degrees.
_AXIS_OFF_DEG = 5.0


class StanceConfig(Config):
    """Options of `stance`."""

    direction: StanceDirection = Field(
        "shaft",
        description="Where the head is pushed. `shaft`: down along the shaft. `angles`: as the vertical lies to a femur that "
        "is adducted and flexed by the two angles. `vertical`: down in the image, however the bone lies in it.",
    )
    adduction_deg: float = Field(
        6.0,
        ge=-45,
        le=45,
        description="With `direction: angles`: how far the load leans from the shaft, in the plane of shaft and head, so that "
        "it pushes the head down and laterally. The default is about the angle between the shaft and the line from hip to "
        "knee; chosen by us, not measured.",
    )
    flexion_deg: float = Field(
        0.0,
        ge=-90,
        le=90,
        description="With `direction: angles`: how far the femur is flexed; the load then pushes the head down and backwards.",
    )
    head_nodes: Literal["distance", "cup", "sphere-cap"] = Field(
        "distance",
        description="`distance`: nodes of the head's surface on the part of its sphere that is no deeper along the load than "
        "`distance_mm` under the top. `cup`: the outer nodes of the cup that `femoral-head-cup` cast. `sphere-cap`: nodes of "
        "the head's surface within `half_angle_deg` of the load's axis, seen from the centre of the head.",
    )
    distance_mm: float = Field(5.0, gt=0, le=40, description="With `head_nodes: distance`.")
    half_angle_deg: float = Field(30.0, gt=0, le=90, description="With `head_nodes: sphere-cap`.")
    fixation: Literal["length", "pot"] = Field(
        "length",
        description="What is held still. `length`: all nodes up to `fixed_length_mm` above the lowest whole section of the "
        "shaft. `pot`: the outer nodes of the pot that `distal-pot` made.",
    )
    fixed_length_mm: float = Field(
        10.0,
        ge=0,
        le=300,
        description="With `fixation: length`; 0 holds the end only. The sources do not say how long: chosen by us.",
    )
    displacement_mm: float = Field(
        4.0, gt=0, le=50, description="How far the head is pushed at full load. 4 mm in the code of Sas et al."
    )
    increment_mm: float = Field(
        0.025,
        gt=0,
        le=10,
        description="Length of a load step. 0.025 mm in the code of Sas et al., whose lagged scheme needs steps as small; a "
        "scheme that converges may take 0.1 mm and more.",
    )
    lateral: Literal["held", "free"] = Field(
        "held",
        description="`held`: the loaded nodes do not slip sideways, as in the code of Sas et al. `free`: they may; on a voxel "
        "mesh the load then follows the nearest axis of its lattice.",
    )


def stance(mesh: Mesh, landmarks: Landmarks, config: StanceConfig, journal: Journal) -> LoadCase:
    """Push the top of the femoral head down by steps, with the distal end of the bone held still.

    The load is the reaction of the loaded nodes along the direction of the push. Strains of the whole model are taken from its
    free height: along the load from the first loaded node to the top of the fixation.

    Raises
    ------
    InputError
        When the landmarks are of another bone, a node set is missing, too few nodes are loaded or held, or some are both.

    References
    ----------
    doi:10.1016/j.bonr.2020.100263, doi:10.1038/s41598-024-66934-w
    """
    expect_same_bone(mesh, landmarks)
    wanted = stance_direction(landmarks, config.direction, config.adduction_deg, config.flexion_deg)
    axes = _axes(mesh, wanted, config.lateral)
    direction = axes[2]
    off = angle_deg(direction, wanted)
    if off > _AXIS_OFF_DEG:
        journal.warn(
            f"the load acts along the lattice axis, {off:.1f} degrees from the direction asked for: use `lateral: held`, or "
            "turn the image so that the femur stands along it"
        )
    loaded = _head_nodes(mesh, landmarks, direction, config, journal)
    potted = config.fixation == "pot"
    held = named_set(mesh, POT, "distal-pot") if potted else below(mesh, landmarks, config.fixed_length_mm)
    check_sets(mesh, loaded, held, journal)

    up, end, centre = landmarks.direction("shaft"), landmarks.point("shaft-end"), landmarks.point("head-centre")
    fixed_top = end + up * float(((mesh.points_mm[held] - end) @ up).max())
    height = float((fixed_top - mesh.points_mm[loaded]).dot(direction).max())
    if height <= 0:
        raise InputError("nothing is left of the femur between the loaded and the held nodes", hint="hold a shorter length")
    steps = max(1, int(np.ceil(config.displacement_mm / config.increment_mm - 1e-9)))
    fractions = np.minimum(np.arange(1, steps + 1) * config.increment_mm / config.displacement_mm, 1.0)
    push = (None, None, config.displacement_mm) if config.lateral == "free" else (0.0, 0.0, config.displacement_mm)
    area, projected = face_areas_mm2(mesh, loaded, direction)
    arm = centre - fixed_top
    arm = arm - direction * (arm @ direction)
    journal.attach("stance.png", load_picture(mesh, landmarks, {"loaded": (loaded, direction), "held": (held, None)}))
    x, y, z = (float(c) + 0.0 for c in direction)
    return LoadCase(
        prescribed={"head": Prescribed(loaded, push), "distal": Prescribed(held, (0.0, 0.0, 0.0))},
        loaded="head",
        direction=(x, y, z),
        reference_height_mm=height,
        axes=axes,
        load_steps=(*(float(f) for f in fractions[:-1]), 1.0),
        audit={
            "direction_rule": config.direction,
            "direction_lps": lps(direction),
            "shaft_axis_lps": lps(up),
            "shaft_axis_from": str(landmarks.facts.get("shaft_axis_from", "")),
            "neck_axis_lps": lps(landmarks.direction("neck")),
            "load_to_shaft_deg": round(angle_deg(direction, -up), 3),
            "load_to_neck_deg": round(angle_deg(direction, -landmarks.direction("neck")), 3),
            "neck_shaft_deg": round(landmarks.angles_deg.get("neck-shaft", 0.0), 3),
            "side": str(landmarks.facts.get("side", "")),
            "head_radius_mm": round(landmarks.length("head-radius"), 4),
            "head_nodes_rule": config.head_nodes,
            "head_nodes": len(loaded),
            "head_area_of_faces_mm2": round(area, 2),
            "head_projected_area_mm2": round(projected, 2),
            "lateral": config.lateral,
            "fixation": config.fixation,
            "distal_nodes": len(held),
            "fixed_length_mm": round(float(np.ptp(mesh.points_mm[held] @ up)), 4),
            "free_height_mm": round(height, 4),
            "lever_arm_mm": round(float(np.linalg.norm(arm)), 4),
            "displacement_mm": config.displacement_mm,
            "increment_mm": config.increment_mm,
        },
    )


def _head_nodes(mesh: Mesh, landmarks: Landmarks, direction: FloatArray, config: StanceConfig, journal: Journal) -> IntArray:
    if config.head_nodes == "cup":
        nodes = named_set(mesh, CUP, "femoral-head-cup")
        off = angle_deg(mesh.points_mm[nodes].mean(axis=0) - landmarks.point("head-centre"), -direction)
        if off > _CUP_OFF_DEG:
            journal.warn(
                f"the middle of the cup lies {off:.0f} degrees from the axis of the load: give `femoral-head-cup` and "
                "`stance` the same direction and angles"
            )
        return nodes
    surface = on_head(mesh, landmarks)
    if not len(surface):
        raise InputError(
            "no node of the mesh lies near the sphere of the femoral head", hint="check that mesh and landmarks fit"
        )
    half_angle = config.half_angle_deg
    if config.head_nodes == "distance":
        # The depth of the ray on the sphere, and not that of the node: whole layers of voxels have one depth, and come and go
        # at once, so that the failure load would depend on how the bone lies in the image.
        cosine = 1 - config.distance_mm / landmarks.length("head-radius")
        half_angle = float(np.degrees(np.arccos(max(-1.0, cosine))))
    return within_cone(mesh, surface, landmarks.point("head-centre"), -direction, half_angle)


def _axes(mesh: Mesh, wanted: FloatArray, lateral: str) -> FloatArray:
    """(3, 3): rows are two directions across and the load's; on a lattice with free sides, the axes of the lattice."""
    if lateral == "free" and mesh.lattice is not None:
        # The nearest orthonormal axes: those in image files have seven digits.
        u, _, v = np.linalg.svd(mesh.lattice.grid.axes)
        columns = u @ v
        nearest = int(np.argmax(np.abs(columns.T @ wanted)))
        along = columns[:, nearest] * np.sign(columns[:, nearest] @ wanted)
        return np.stack([*(columns[:, n] for n in range(3) if n != nearest), along])
    across = np.cross(wanted, np.eye(3)[int(np.argmin(np.abs(wanted)))])
    across = across / np.linalg.norm(across)
    return np.stack([across, np.cross(wanted, across), wanted])
