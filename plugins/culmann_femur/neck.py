"""The neck of a femur: its narrowest section, and the axis from there through the centre of the head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann_femur.head import Head
from culmann_femur.outline import Outline, Section

#: Distance of the planes, mm.
_PLANE_MM = 1.5

#: Where the neck is sought: from the centre of the head on, in radii of the head.
_NECK_REACH = (0.6, 2.6)

_ROUNDS, _STILL = 15, 5e-4


@dataclass(frozen=True, slots=True)
class Neck:
    """The neck of a femur.

    Parameters
    ----------
    centre_mm
        (3,): centroid of its narrowest section, LPS.
    axis
        (3,): unit vector from there to the centre of the head.
    area_mm2
        Of the narrowest section.
    """

    centre_mm: FloatArray
    axis: FloatArray
    area_mm2: float


def find_neck(outline: Outline, head: Head) -> Neck:
    """The narrowest section of the bone beyond the head, at right angles to the line from its middle to the head's centre.

    Raises
    ------
    InputError
        When there is no neck: the bone ends before it widens again.
    """
    away = head.towards_neck
    reach = np.arange(_NECK_REACH[0] * head.radius_mm, _NECK_REACH[1] * head.radius_mm, _PLANE_MM)
    sections = [outline.section(at, away, 2 * head.radius_mm) for at in head.centre_mm + reach[:, None] * away]
    around = _narrowest(sections)
    if around is None:
        raise InputError(
            f"the bone ends within {_NECK_REACH[1] * head.radius_mm:.0f} mm of the centre of the femoral head: it has no neck "
            "that widens towards the trochanters, and no shaft",
            hint="the labels are cut at the neck; take a scan that goes on below the lesser trochanter",
        )
    reach = reach[around[0] : around[1] + 1]
    for _ in range(_ROUNDS):
        near = [outline.section(at, away, 2 * head.radius_mm) for at in head.centre_mm + reach[:, None] * away]
        area = np.array([np.inf if s is None else s.area_mm2 for s in near])
        # A mean over the sections that are nearly as narrow goes on smoothly where the narrowest one would jump.
        weight = np.clip(1.06 - area / area.min(), 0, None)
        middles = np.array([np.zeros(3) if s is None else s.centroid_mm for s in near])
        centre = weight @ middles / weight.sum()
        following = centre - head.centre_mm
        following = following / np.linalg.norm(following)
        turned = float(np.linalg.norm(following - away))
        away = following
        if turned < _STILL:
            break
    return Neck(centre, -away, float(area.min()))


def _narrowest(sections: list[Section | None]) -> tuple[int, int] | None:
    """First and last of the sections among which the narrowest of the neck lies; None when the bone ends before it widens."""
    area = np.array([0.0 if s is None else s.area_mm2 for s in sections])
    ends = np.flatnonzero(area == 0)
    last = int(ends[0]) if len(ends) else len(area)
    # The first minimum after which the bone widens by a quarter is the neck's; beyond lie the trochanters and the far side.
    lowest = 0
    for n in range(last):
        if area[n] < area[lowest]:
            lowest = n
        elif area[n] > 1.25 * area[lowest] and lowest > 0:
            return max(0, lowest - 6), min(last - 1, lowest + 6)
    return None
