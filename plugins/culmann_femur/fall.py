"""sideways-fall: the greater trochanter is pressed towards the femoral head between caps of cement."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Landmarks, LoadCase, Mesh, Prescribed
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_femur.caps import HEAD, TROCHANTER
from culmann_femur.directions import angle_deg, expect_same_bone, fall_direction
from culmann_femur.held_nodes import below, check_sets, face_areas_mm2, lps, named_set
from culmann_femur.load_picture import load_picture

#: Caps whose planes are further than this from being across the load were cast for another fall, degrees.
_PLANE_OFF_DEG = 5.0


class SidewaysFallConfig(Config):
    """Options of `sideways-fall`."""

    internal_rotation_deg: float = Field(
        15.0,
        ge=-60,
        le=60,
        description="How far the femur is rotated inwards about its shaft; the ground then pushes from behind the trochanter. "
        "Chosen by us, as usual in tests of this kind.",
    )
    adduction_deg: float = Field(
        10.0,
        ge=-45,
        le=45,
        description="How far the shaft is adducted; the ground then pushes the trochanter medially and a little down along the "
        "shaft. Chosen by us, as usual in tests of this kind.",
    )
    anteversion_deg: float = Field(
        0.0,
        ge=-45,
        le=60,
        description="Anteversion of the neck, which the rotation is counted less by, because the frontal plane is taken "
        "through shaft and head. It shows at the knee, which is not in view: with 0 the rotation is that of the neck itself.",
    )
    moved: Literal["trochanter", "head"] = Field(
        "trochanter", description="Which cap is pressed towards the other. Its reaction is the load."
    )
    reduction: float = Field(
        0.04,
        gt=0,
        le=0.3,
        description="Displacement at full load, as a share of the distance between the outer planes of the caps. Ogo reads the "
        "strength of a hip at 4 % displacement; that it is 4 % of this distance was chosen by us.",
    )
    steps: int = Field(20, ge=1, le=1000, description="Number of equal load steps.")
    distal: Literal["hinged", "fixed", "free"] = Field(
        "hinged",
        description="`hinged`: the nodes along a line across the lower end stay, about which the shaft may turn in the plane "
        "of the load. `fixed`: all nodes of the lower end stay. `free`: none. The source does not say; chosen by us.",
    )
    fixed_length_mm: float = Field(
        10.0,
        ge=0,
        le=300,
        description="How much of the lower end `distal` concerns; the hinge lies in its middle. Chosen by us.",
    )


def sideways_fall(mesh: Mesh, landmarks: Landmarks, config: SidewaysFallConfig, journal: Journal) -> LoadCase:
    """Press the cap of the greater trochanter towards that of the femoral head, by steps, along the line of the fall.

    Neither cap slips sideways: all components of their outer nodes are prescribed, so that the load may have any direction on a
    lattice. The mesh has the caps of `fall-caps`.

    Raises
    ------
    InputError
        When the landmarks are of another bone, the mesh has no caps or they were cast for another direction, or too few nodes
        are loaded or held.
    """
    expect_same_bone(mesh, landmarks)
    push = fall_direction(landmarks, config.internal_rotation_deg, config.adduction_deg, config.anteversion_deg)
    caps = {name: named_set(mesh, name, "fall-caps") for name in (TROCHANTER, HEAD)}
    for name, nodes in caps.items():
        _refuse_other_direction(mesh, name, nodes, push)
    direction, loaded_name, other_name = (push, TROCHANTER, HEAD) if config.moved == "trochanter" else (-push, HEAD, TROCHANTER)
    loaded, other = caps[loaded_name], caps[other_name]
    width = float((mesh.points_mm[other].mean(axis=0) - mesh.points_mm[loaded].mean(axis=0)) @ direction)
    if width <= 0:
        raise InputError("the caps lie the wrong way round: that of the head is not beyond that of the trochanter")
    travel = config.reduction * width
    u, v, w = (float(c) for c in travel * direction)
    prescribed = {loaded_name: Prescribed(loaded, (u, v, w)), other_name: Prescribed(other, (0.0, 0.0, 0.0))}
    distal = _distal(mesh, landmarks, push, config)
    if distal is not None:
        check_sets(mesh, np.union1d(loaded, other), distal, journal)
        prescribed["distal"] = Prescribed(distal, (0.0, 0.0, 0.0))
    shown: dict[str, tuple[IntArray, FloatArray | None]] = {"loaded": (loaded, direction), "held": (other, None)}
    if distal is not None:
        shown["distal"] = (distal, None)
    journal.attach("sideways_fall.png", load_picture(mesh, landmarks, shown, from_above=True))
    areas = {name: face_areas_mm2(mesh, nodes, push if name == TROCHANTER else -push)[1] for name, nodes in caps.items()}
    up = landmarks.direction("shaft")
    between = mesh.points_mm[caps[HEAD]].mean(axis=0) - mesh.points_mm[caps[TROCHANTER]].mean(axis=0)
    between = between - push * (between @ push)
    x, y, z = (float(c) for c in direction)
    return LoadCase(
        prescribed=prescribed,
        loaded=loaded_name,
        direction=(x, y, z),
        reference_height_mm=width,
        load_steps=tuple(float(n) for n in np.arange(1, config.steps + 1) / config.steps),
        audit={
            "direction_lps": lps(direction),
            "internal_rotation_deg": config.internal_rotation_deg,
            "adduction_deg": config.adduction_deg,
            "anteversion_deg": config.anteversion_deg,
            "load_to_shaft_deg": round(angle_deg(push, up), 3),
            "load_to_neck_deg": round(angle_deg(push, landmarks.direction("neck")), 3),
            "shaft_axis_lps": lps(up),
            "shaft_axis_from": str(landmarks.facts.get("shaft_axis_from", "")),
            "side": str(landmarks.facts.get("side", "")),
            "head_radius_mm": round(landmarks.length("head-radius"), 4),
            "width_between_caps_mm": round(width, 4),
            "lever_arm_mm": round(float(np.linalg.norm(between)), 4),
            "displacement_mm": round(travel, 5),
            "distal": config.distal,
            "distal_nodes": 0 if distal is None else len(distal),
            **{f"{name}_nodes": len(nodes) for name, nodes in caps.items()},
            **{f"{name}_projected_area_mm2": round(area, 2) for name, area in areas.items()},
        },
    )


def _refuse_other_direction(mesh: Mesh, name: str, nodes: IntArray, push: FloatArray) -> None:
    """Refuse an outer plane that is thicker along the load than its steps of cells and a few degrees make it."""
    if mesh.lattice is None:
        return
    step = float(np.abs(mesh.lattice.grid.axes.T @ push) @ np.asarray(mesh.lattice.grid.spacing_mm))
    height = mesh.points_mm[nodes] @ push
    across = mesh.points_mm[nodes] - height[:, None] * push
    width = 2 * float(np.linalg.norm(across - across.mean(axis=0), axis=1).max())
    off = np.degrees(np.arcsin(min(1.0, max(0.0, float(np.ptp(height)) - 1.5 * step) / max(width, 1e-9))))
    if off > _PLANE_OFF_DEG:
        raise InputError(
            f"the plane of {name} is about {off:.0f} degrees off from being across the load: it was cast for another fall",
            hint="give `fall-caps` and `sideways-fall` the same rotation, adduction and anteversion",
        )


def _distal(mesh: Mesh, landmarks: Landmarks, push: FloatArray, config: SidewaysFallConfig) -> IntArray | None:
    if config.distal == "free":
        return None
    nodes = below(mesh, landmarks, config.fixed_length_mm)
    if config.distal == "fixed":
        return nodes
    up = landmarks.direction("shaft")
    hinge = np.cross(up, push)
    hinge = hinge / np.linalg.norm(hinge)
    ray = mesh.points_mm[nodes] - (landmarks.point("shaft-end") + 0.5 * config.fixed_length_mm * up)
    away = np.linalg.norm(ray - (ray @ hinge)[:, None] * hinge, axis=1)
    # Every line through a lattice has nodes within this distance of it, in every cell that it crosses.
    reach = 0.87 * max(mesh.lattice.grid.spacing_mm) if mesh.lattice is not None else max(1.0, 1.05 * float(np.sort(away)[2]))
    return np.asarray(nodes[away <= reach])
