"""femur-landmarks: the head, the axes and the trochanter of one proximal femur."""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Labels, Landmarks
from culmann.data.arrays import BoolArray, FloatArray
from culmann.data.grid import Vector3
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_femur.head import Head, find_head
from culmann_femur.landmark_picture import landmark_picture
from culmann_femur.neck import Neck, find_neck
from culmann_femur.outline import Outline, outline_of
from culmann_femur.refusals import refuse_cut_head, refuse_lying
from culmann_femur.shaft import Shaft, ShortShaft, find_shaft

Side = Literal["auto", "left", "right"]

#: Neck-shaft angles of human femurs lie well inside, degrees.
_PLAUSIBLE_NECK_SHAFT_DEG = (100.0, 155.0)

#: The centre of a head is at least this many of its radii away from the shaft axis; in most femurs it is 1.5 to 2.
_LEAST_OFFSET = 0.8

#: A place is the mean of the surface within this depth of the outermost point, mm.
_CAP_MM = 1.5

#: With less of its dome on the surface of the bone than the first, a head is refused; less than the second is worth a warning.
_DOME_SHARES = (0.75, 0.9)


class FemurLandmarksConfig(Config):
    """Options of `femur-landmarks`."""

    side: Side = Field(
        "auto",
        description="`auto`: the side of the body follows from where the head points, in a patient who lies as the image says. "
        "`left` and `right` state it, for a specimen that was scanned in another pose.",
    )
    superior: tuple[float, float, float] = Field(
        (0.0, 0.0, 1.0),
        description="Roughly upwards along the femur in patient coordinates (left, posterior, superior). It decides nothing "
        "but whether the bone lies as expected, and the axis of a shaft that is too short with `short_shaft: vertical`.",
    )
    largest_lean_deg: float = Field(
        60.0, gt=0, le=180, description="A shaft axis further than this from `superior` is refused; 180 accepts any."
    )
    smoothing_mm: float = Field(
        1.5, ge=0, le=5, description="Gaussian that smooths the labels before their surface is taken; at least 0.7 voxels."
    )
    short_shaft: ShortShaft = Field(
        "lower-part",
        description="What serves as shaft axis when too little shaft is in the labels. `lower-part`: the line through the "
        "middles of the lowest sections of the bone, whatever they are, or `superior` where too few of them lie below the "
        "head. `vertical`: the direction `superior`. `refuse`: nothing.",
    )
    shortest_shaft_mm: float = Field(
        25.0, gt=0, le=500, description="The shaft below the lesser trochanter must be this long to give the axis."
    )
    lower_part_mm: float = Field(
        40.0, gt=10, le=200, description="How much of the bone from its lower end up `short_shaft: lower-part` takes."
    )
    largest_cut_share: float = Field(
        0.02,
        ge=0,
        le=1,
        description="A head is refused when more than this share of its upper half lies outside of the image; 1 accepts any.",
    )


def femur_landmarks(labels: Labels, config: FemurLandmarksConfig, journal: Journal) -> Landmarks:
    """Find the head, the neck, the shaft and the greater trochanter of one proximal femur.

    The head is the sphere of which most lies on the surface of the bone (see `culmann_femur.head`). The neck axis runs from the
    centre of the narrowest section of the neck to the centre of the head, the shaft axis through the centres of the largest
    circles in the sections of the shaft. Nothing of this depends on how the bone lies in the image, so that a bone that is
    turned or mirrored has turned or mirrored landmarks. `medial` is the direction from the shaft axis to the head's centre, at
    right angles to the axis, and `anterior` is at right angles to both: the frontal plane is that of shaft and head, with the
    anteversion of the neck in it, because no knee is in view.

    Returns
    -------
    Landmarks
        Points `head-centre`, `most-proximal` (of the head, along the shaft), `neck-centre`, `shaft-point`, `shaft-end` (on the
        axis, at the lowest whole section), `greater-trochanter` (its most lateral point), `greater-trochanter-tip`. Directions
        `neck`, `shaft` (upwards), `medial`, `anterior` (not where the side is unknown). Lengths `head-radius`, `neck-length`,
        `neck-radius`, `shaft-length`, `shaft-radius`, `femoral-offset`, `length` (from the top of the head to the lowest whole
        section). Angle `neck-shaft`. Facts: `side`, `shaft_axis_from`, `head_dome_percent`.

    Raises
    ------
    InputError
        When the labels are empty or fall into two large parts, no head, neck or shaft is found, the head is cut, or the bone
        does not lie as `superior` says.
    """
    superior = np.asarray(config.superior, dtype=float)
    if not np.linalg.norm(superior) > 0:
        raise InputError("`superior` is not a direction: all its components are 0")
    superior = superior / np.linalg.norm(superior)
    journal.progress("outline of the bone", 0.0)
    outline = outline_of(labels, config.smoothing_mm)
    if outline.dropped_share > 0.01:
        journal.warn(f"{100 * outline.dropped_share:.2g} % of what is labelled hangs together with no femur and was left out")
    journal.progress("femoral head", 0.2)
    head = find_head(outline)
    refuse_cut_head(head, labels.grid, config.largest_cut_share, _DOME_SHARES[0])
    journal.progress("neck and shaft", 0.4)
    neck = find_neck(outline, head)
    shaft = find_shaft(outline, head, neck, superior, config.short_shaft, config.shortest_shaft_mm, config.lower_part_mm)
    lean = _angle_deg(shaft.axis, superior)
    refuse_lying(lean, config.largest_lean_deg)
    found = _landmarks(labels, outline, head, neck, shaft, config.side)
    _caveats(labels, found, head, shaft, lean, config, journal)
    journal.attach("landmarks.png", landmark_picture(outline, found))
    return found


def _landmarks(labels: Labels, outline: Outline, head: Head, neck: Neck, shaft: Shaft, stated: Side) -> Landmarks:
    across = head.centre_mm - shaft.point_mm
    across = across - shaft.axis * (across @ shaft.axis)
    offset = float(np.linalg.norm(across))
    if offset < _LEAST_OFFSET * head.radius_mm:
        raise InputError(
            f"the roundest part of the bone, a ball of radius {head.radius_mm:.1f} mm, lies {offset:.1f} mm from the axis of "
            "the shaft, and a femoral head lies further to the side: this is no head",
            hint="look at the labels: is the head cut off, or is this another bone?",
        )
    medial = across / offset
    side = _side(medial, shaft.axis) if stated == "auto" else stated
    directions = {"neck": neck.axis, "shaft": shaft.axis, "medial": medial}
    if side != "unknown":
        directions["anterior"] = np.cross(shaft.axis, medial) * (1 if side == "left" else -1)
    surface = outline.points_mm
    on_head = np.linalg.norm(surface - head.centre_mm, axis=1) < 1.15 * head.radius_mm
    beyond_neck = (surface - neck.centre_mm) @ neck.axis < -0.3 * head.radius_mm
    lateral = (surface - shaft.point_mm) @ medial < 0
    high = (surface - neck.centre_mm) @ shaft.axis > -2 * head.radius_mm
    points = {
        "head-centre": head.centre_mm,
        "most-proximal": _outermost(outline, shaft.axis, on_head),
        "neck-centre": neck.centre_mm,
        "shaft-point": shaft.point_mm,
        "shaft-end": shaft.end_mm,
        "greater-trochanter": _outermost(outline, -medial, beyond_neck & high),
        "greater-trochanter-tip": _outermost(outline, shaft.axis, beyond_neck & lateral),
    }
    return Landmarks(
        points_mm={name: _vector(at) for name, at in points.items()},
        directions={name: _vector(along / np.linalg.norm(along)) for name, along in directions.items()},
        lengths_mm={
            "head-radius": head.radius_mm,
            "neck-length": float(np.linalg.norm(head.centre_mm - neck.centre_mm)),
            "neck-radius": float(np.sqrt(neck.area_mm2 / np.pi)),
            "shaft-length": shaft.length_mm,
            "shaft-radius": shaft.radius_mm,
            "femoral-offset": offset,
            "length": max(0.0, float((points["most-proximal"] - shaft.end_mm) @ shaft.axis)),
        },
        angles_deg={"neck-shaft": _angle_deg(neck.axis, -shaft.axis)},
        facts={
            "side": side,
            "side_from": "where the head points" if stated == "auto" else "the option `side`",
            "shaft_axis_from": shaft.found_by,
            "head_dome_percent": round(100 * head.dome_share, 2),
            "head_rms_mm": round(head.rms_mm, 4),
        },
        history=(*labels.history, f"femur-landmarks: head of radius {head.radius_mm:.2f} mm, shaft axis from {shaft.found_by}"),
        placement=labels.placement,
    )


def _side(medial: FloatArray, shaft: FloatArray) -> str:
    """The side of the body whose head points this way, if the patient lies as the image says; else `unknown`."""
    if shaft[2] < 0.5 or abs(medial[0]) < 0.4:
        return "unknown"
    return "left" if medial[0] < 0 else "right"


def _outermost(outline: Outline, along: FloatArray, among: BoolArray) -> FloatArray:
    """Mean of the surface within a small depth of the outermost point of some of it."""
    if not among.any():
        raise InputError("there is no greater trochanter beyond the neck", hint="look at the labels: is the femur whole?")
    height = outline.points_mm @ along
    cap = among & (height > height[among].max() - _CAP_MM)
    return np.asarray(np.average(outline.points_mm[cap], axis=0, weights=outline.area_mm2[cap]))


def _caveats(
    labels: Labels,
    found: Landmarks,
    head: Head,
    shaft: Shaft,
    lean_deg: float,
    config: FemurLandmarksConfig,
    journal: Journal,
) -> None:
    if shaft.found_by != "sections":
        whence = "that of the lower part of the bone" if shaft.found_by == "lower-part" else "the direction `superior`"
        journal.warn(
            f"only {shaft.length_mm:.0f} mm of shaft lie below the lesser trochanter, and {config.shortest_shaft_mm:g} mm are "
            f"needed: the axis is {whence}, so that angles from the shaft are uncertain by several degrees"
        )
    if head.dome_share < _DOME_SHARES[1]:
        journal.warn(
            f"only {100 * head.dome_share:.0f} % of the upper half of the femoral head lie on the surface of the bone: the "
            "head is worn, or its segmentation is; look at landmarks.png"
        )
    if lean_deg > 35:
        journal.warn(f"the shaft lies {lean_deg:.0f} degrees from the direction taken as superior; look at landmarks.png")
    angle = found.angles_deg["neck-shaft"]
    low, high = _PLAUSIBLE_NECK_SHAFT_DEG
    if not low <= angle <= high:
        journal.warn(f"the neck-shaft angle is {angle:.0f} degrees, outside of {low:g} to {high:g}: look at landmarks.png")
    if found.facts["side"] == "unknown":
        journal.warn("the side of the body cannot be told from the pose: state it with `side` where a load case needs it")
    name = " ".join(labels.present().values()).lower()
    # In a mirrored image a label may be named after the side in the patient, or after that in the image.
    reflected = np.linalg.det(labels.placement.matrix) < 0
    for said, other in (("left", "right"), ("right", "left")):
        if not reflected and found.facts["side"] == said and other in name and said not in name:
            journal.warn(
                f"the label is called {name!r}, and the head points as that of a {said} femur does: is the image mirrored, or "
                "the label misnamed?"
            )
    journal.progress(
        f"{found.facts['side']} femur, head of radius {head.radius_mm:.1f} mm, neck-shaft angle {angle:.0f} degrees, "
        f"{found.lengths_mm['length']:.0f} mm long",
        1.0,
    )


def _vector(values: FloatArray) -> Vector3:
    x, y, z = (float(v) for v in values)
    return x, y, z


def _angle_deg(a: FloatArray, b: FloatArray) -> float:
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
