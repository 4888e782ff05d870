"""Shaft, middle and head of a femur: three parts between planes at right angles to the axis of the shaft."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from culmann.data import Grid, Landmarks
from culmann.data.arrays import BoolArray, FloatArray


@dataclass(frozen=True, slots=True)
class FemurPlanes:
    """Where the parts of a femur meet.

    The paper colours the three parts and does not say where it cuts. Here the head begins at the lowest level of the sphere
    that fits it, so that the tip of the greater trochanter may count with it, and the shaft ends where it widens into the
    lesser trochanter.

    Parameters
    ----------
    origin_mm
        (3,): the lower end of the shaft, LPS.
    axis
        (3,): unit vector upwards along the shaft.
    shaft_to_mm, head_from_mm
        Heights above the origin.
    """

    origin_mm: FloatArray
    axis: FloatArray
    shaft_to_mm: float
    head_from_mm: float

    def regions(self, grid: Grid) -> Mapping[str, BoolArray]:
        """{region: (z, y, x)} of the voxels of a grid."""
        step = np.asarray(grid.spacing_mm) * (grid.axes.T @ self.axis)
        first = float((grid.to_world(np.zeros((1, 3)))[0] - self.origin_mm) @ self.axis)
        k, j, i = np.ogrid[tuple(slice(0, n) for n in grid.shape)]
        height = first + step[0] * i + step[1] * j + step[2] * k
        return {
            "shaft": height <= self.shaft_to_mm,
            "middle": (height > self.shaft_to_mm) & (height < self.head_from_mm),
            "head": height >= self.head_from_mm,
        }


def planes_from(landmarks: Landmarks) -> FemurPlanes:
    """The planes that the landmarks of a femur give. Raises InputError when they are those of another bone."""
    origin = landmarks.point("shaft-end")
    axis = landmarks.direction("shaft")
    head = float((landmarks.point("head-centre") - origin) @ axis)
    head_from = head - landmarks.length("head-radius")
    return FemurPlanes(origin, axis, min(landmarks.length("shaft-length"), head_from), head_from)
