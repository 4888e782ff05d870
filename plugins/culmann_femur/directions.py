"""Directions of loads in the frame of a femur: along an axis, or by angles of the joint."""

from __future__ import annotations

from typing import Literal

import numpy as np

from culmann.data import Landmarks, Mesh
from culmann.data.arrays import FloatArray
from culmann.data.placement import expect_one_space
from culmann.errors import InputError

StanceDirection = Literal["shaft", "angles", "vertical"]


def stance_direction(landmarks: Landmarks, direction: StanceDirection, adduction_deg: float, flexion_deg: float) -> FloatArray:
    """(3,): unit vector, LPS, in which the femoral head is pushed.

    `shaft`: down along the shaft. `vertical`: down in the image. `angles`: as the vertical through the hip lies to a femur
    that is adducted and flexed by these angles: `(D cos a + L sin a) cos f - A sin f` with D down along the shaft, L lateral,
    A anterior.
    """
    down = -landmarks.direction("shaft")
    if direction == "shaft":
        return down
    if direction == "vertical":
        return np.array([0.0, 0.0, -1.0])
    a, f = np.radians(adduction_deg), np.radians(flexion_deg)
    leaning = np.cos(a) * down - np.sin(a) * landmarks.direction("medial")
    if f == 0:
        return np.asarray(leaning)
    return np.asarray(np.cos(f) * leaning - np.sin(f) * anterior(landmarks))


def fall_direction(
    landmarks: Landmarks, internal_rotation_deg: float, adduction_deg: float, anteversion_deg: float
) -> FloatArray:
    """(3,): unit vector, LPS, in which the ground pushes the greater trochanter in a fall to the side.

    The medial direction of the body in the frame of a femur that is rotated inwards by b and adducted by a:
    `(M cos b + A sin b) cos a + D sin a` with M medial, A anterior and D down along the shaft; b is less the anteversion,
    because `medial` points to the head.
    """
    a, b = np.radians(adduction_deg), np.radians(internal_rotation_deg - anteversion_deg)
    across = np.cos(b) * landmarks.direction("medial")
    if b != 0:
        across = across + np.sin(b) * anterior(landmarks)
    return np.asarray(np.cos(a) * across - np.sin(a) * landmarks.direction("shaft"))


def anterior(landmarks: Landmarks) -> FloatArray:
    """The anterior direction (3,). Raises InputError where the side of the femur is unknown."""
    if "anterior" not in landmarks.directions:
        raise InputError(
            "this load needs the front of the femur, and its side of the body is unknown",
            hint="state `side: left` or `side: right` in `femur-landmarks`",
        )
    return landmarks.direction("anterior")


def expect_same_bone(mesh: Mesh, landmarks: Landmarks) -> None:
    """Raise InputError unless the landmarks lie in the space of the mesh, with their femoral head in it."""
    expect_one_space({"the mesh": mesh.placement, "the landmarks": landmarks.placement})
    centre, radius = landmarks.point("head-centre"), landmarks.length("head-radius")
    nearest = float(np.linalg.norm(mesh.points_mm - centre, axis=1).min())
    if nearest > 0.8 * radius:
        raise InputError(
            f"the landmarks' femoral head lies {nearest:.0f} mm from the mesh: they are those of another bone",
            hint="take mesh and landmarks from the same labels",
        )


def angle_deg(a: FloatArray, b: FloatArray) -> float:
    """The angle between two vectors (3,), degrees."""
    return float(np.degrees(np.arctan2(np.linalg.norm(np.cross(a, b)), a @ b)))
