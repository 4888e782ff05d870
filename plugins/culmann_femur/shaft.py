"""The axes of a femur: the neck's through its narrowest section, and the shaft's through the middles of its sections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann_femur.head import Head
from culmann_femur.outline import Outline, Section

ShortShaft = Literal["lower-part", "vertical", "refuse"]

#: Distance of the planes, mm.
_PLANE_MM = 1.5

#: Where the neck is sought: from the centre of the head on, in radii of the head.
_NECK_REACH = (0.6, 2.6)

#: A section of the shaft has at most this share more area than the smallest one: the lesser trochanter has more.
_SHAFT_WIDENS = 1.2

#: Sections in which the largest circle has less than this share of its usual radius are cut by a slanting end of the bone.
_WHOLE = 0.9

_ROUNDS, _STILL, _LEAST_SECTIONS = 15, 5e-4, 8


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


@dataclass(frozen=True, slots=True)
class Shaft:
    """The shaft of a femur.

    Parameters
    ----------
    axis
        (3,): unit vector upwards along it, LPS.
    point_mm
        (3,): a place on it.
    end_mm
        (3,): where it meets the lowest whole section of the bone.
    length_mm
        Length of the part that is shaft, from there up.
    radius_mm
        Of a circle with the median area of its sections.
    found_by
        `sections` of the shaft; where the shaft is too short, `lower-part` or `vertical`.
    """

    axis: FloatArray
    point_mm: FloatArray
    end_mm: FloatArray
    length_mm: float
    radius_mm: float
    found_by: str


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
        following = _unit(centre - head.centre_mm)
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


def find_shaft(
    outline: Outline, head: Head, neck: Neck, superior: FloatArray, short: ShortShaft, shortest_mm: float, lower_part_mm: float
) -> Shaft:
    """The line through the middles of the sections of the shaft, each the centre of the largest circle in it.

    The first guess is the principal axis of the bone beyond the neck; sections and line are then found in turns. Where less
    than `shortest_mm` of shaft is in the labels, the lowest `lower_part_mm` serve in its place, or the direction `superior`.

    Raises
    ------
    InputError
        When the bone does not reach below the head, or the shaft is too short and `short` says to refuse that.
    """
    solid = outline.solid_mm()
    axis, point = _beyond_the_neck(solid, head, neck, superior), neck.centre_mm
    for turn in range(_ROUNDS):
        stack = _sections_below(outline, head, axis, point, solid)
        enough = stack.length_mm >= shortest_mm
        reach_mm = stack.length_mm if enough else lower_part_mm
        # The weights fall off at both ends, so that a little more or less of the bone changes the line a little.
        above = stack.height_mm - stack.whole_mm
        weight = np.clip(above / 3, 0, 1) * np.clip((reach_mm - above) / (0.3 * reach_mm), 0, 1)
        end, point = point + axis * stack.whole_mm, weight @ stack.middle_mm / weight.sum()
        offset = stack.middle_mm - point
        following = np.linalg.eigh((offset * weight[:, None]).T @ offset)[1][:, 2]
        following = following if following @ axis > 0 else -following
        turned = float(np.linalg.norm(following - axis))
        # Half steps end a to and fro between two lines.
        axis = following if turn < 3 else _unit(axis + following)
        if turned < _STILL:
            break
    found_by = "sections" if enough else short
    if found_by == "refuse":
        raise InputError(
            f"only {stack.length_mm:.0f} mm of the shaft are in the labels, and its axis needs {shortest_mm:g} mm",
            hint="take a scan that goes on further below the lesser trochanter; `short_shaft: lower-part` takes the axis of "
            "the lower part of the bone in its place",
        )
    if found_by == "vertical":
        axis = superior
        stack = _sections_below(outline, head, axis, point, solid)
        end = stack.middle_mm[int(np.searchsorted(stack.height_mm, stack.whole_mm))]
        point = end
    return Shaft(
        axis,
        point,
        point + axis * ((end - point) @ axis),
        stack.length_mm,
        float(np.sqrt(stack.area_mm2 / np.pi)),
        found_by,
    )


@dataclass(frozen=True, slots=True)
class _Stack:
    """Sections from the lower end up: heights (n,) over a given place, middles (n, 3), and what of them is shaft."""

    height_mm: FloatArray
    middle_mm: FloatArray
    whole_mm: float
    length_mm: float
    area_mm2: float


def _beyond_the_neck(inside: FloatArray, head: Head, neck: Neck, superior: FloatArray) -> FloatArray:
    """Principal axis of what lies beyond the neck, upwards; the direction `superior` where it is not longer than wide."""
    beyond = inside[(inside - neck.centre_mm) @ neck.axis < -0.3 * head.radius_mm]
    if len(beyond) < 0.1 * len(inside):
        raise InputError(
            "there is hardly any bone beyond the femoral neck: the trochanters and the shaft are missing",
            hint="the labels are cut at the neck; take a scan that goes on below the lesser trochanter",
        )
    offset = beyond - beyond.mean(axis=0)
    size, axes = np.linalg.eigh(offset.T @ offset)
    axis = axes[:, 2] * np.sign((head.centre_mm - beyond.mean(axis=0)) @ axes[:, 2])
    trusted = size[2] > 1.3 * size[1] and axis @ neck.axis > 0.1
    return np.asarray(axis if trusted else superior)


def _sections_below(outline: Outline, head: Head, axis: FloatArray, through: FloatArray, solid_mm: FloatArray) -> _Stack:
    """The sections at right angles to the axis from the lower end of the bone to the lower end of the head."""
    low = float((solid_mm @ axis).min() - through @ axis)
    top = float((head.centre_mm - through) @ axis) - head.radius_mm
    tried = np.arange(low + 0.5 * _PLANE_MM, top, _PLANE_MM)
    found = [outline.section(through + axis * h, axis, 2.1 * head.radius_mm) for h in tried]
    pairs = [(h, s) for h, s in zip(tried, found, strict=True) if s is not None]
    if top - low < 0.5 * head.radius_mm or len(pairs) < _LEAST_SECTIONS:
        raise InputError(
            f"the bone reaches only {max(0.0, top - low):.0f} mm below the femoral head: there is no shaft to hold it by",
            hint="take a scan that goes on below the lesser trochanter",
        )
    height = np.array([h for h, _ in pairs])
    core = np.array([s.core_radius_mm for _, s in pairs])
    area = np.array([s.area_mm2 for _, s in pairs])
    # Through a slanting end the sections are cut; the largest circle in them grows to that of a whole one, whatever bulges.
    first = int(np.argmax(core >= _WHOLE * np.median(core[: max(6, len(core) // 3)])))
    # The blur takes something from the first sections; the next ones tell how wide the shaft is.
    last = min(first + 2, len(area) - 1)
    smallest = area[last]
    while last + 1 < len(area) and area[last + 1] <= _SHAFT_WIDENS * smallest:
        last += 1
        smallest = min(smallest, area[last])
    return _Stack(
        height,
        np.array([s.core_mm for _, s in pairs]),
        float(height[first]),
        float(height[last] - height[first]),
        float(np.median(area[min(first + 2, last) : last + 1])),
    )


def _unit(vector: FloatArray) -> FloatArray:
    return np.asarray(vector / np.linalg.norm(vector))
