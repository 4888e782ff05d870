"""The shaft of a femur: the line through the middles of its sections, and what stands in for it where there is little of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann_femur.head import Head
from culmann_femur.neck import Neck
from culmann_femur.outline import Outline

ShortShaft = Literal["lower-part", "vertical", "refuse"]

#: Distance of the planes, mm.
_PLANE_MM = 1.5

#: A section of the shaft has at most this share more area than the smallest one: the lesser trochanter has more.
_SHAFT_WIDENS = 1.2

#: Sections in which the largest circle has less than this share of its usual radius are cut by a slanting end of the bone.
_WHOLE = 0.9

#: Of the lower part that stands in for the shaft, at least this share must lie below the head: above, the bone widens too much
#: to have an axis.
_LEAST_OF_LOWER_PART = 0.75

#: Beyond the neck, a stump is less than about twice as long as wide: this is the ratio of the moments of inertia.
_STUMP = 4.0

_ROUNDS, _STILL, _LEAST_SECTIONS = 15, 5e-4, 8


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


def find_shaft(
    outline: Outline, head: Head, neck: Neck, superior: FloatArray, short: ShortShaft, shortest_mm: float, lower_part_mm: float
) -> Shaft:
    """The line through the middles of the sections of the shaft, each the centre of the largest circle in it.

    The first guess is the principal axis of the bone beyond the neck; sections and line are then found in turns. Where less
    than `shortest_mm` of shaft is in the labels, the lowest `lower_part_mm` serve in its place; where not even three quarters
    of these lie below the head, the direction `superior`.

    Raises
    ------
    InputError
        When the bone does not reach below the head, or the shaft is too short and `short` says to refuse that.
    """
    solid = outline.solid_mm()
    start = _beyond_the_neck(solid, head, neck, superior)
    line = _line(outline, head, start, neck.centre_mm, solid, shortest_mm, lower_part_mm)
    if line is not None and line[3].length_mm >= shortest_mm:
        return _shaft(line, "sections")
    if short == "refuse":
        have = "hardly any" if line is None else f"only {line[3].length_mm:.0f} mm"
        raise InputError(
            f"{have} of the shaft are in the labels, and its axis needs {shortest_mm:g} mm",
            hint="take a scan that goes on further below the lesser trochanter; `short_shaft: lower-part` takes the axis of "
            "the lower part of the bone in its place",
        )
    if line is not None and short == "lower-part":
        return _shaft(line, "lower-part")
    stack = _sections_below(outline, head, superior, neck.centre_mm, solid)
    if stack is None or float(start @ superior) < 0.5:
        below = float((head.centre_mm @ superior) - head.radius_mm - (solid @ superior).min())
        raise InputError(
            f"the bone reaches only {max(0.0, below):.0f} mm below the femoral head: there is no shaft to hold it by",
            hint="take a scan that goes on below the lesser trochanter; if the bone lies otherwise in the image, say with "
            "`superior` where its upper end is",
        )
    end = stack.middle_mm[int(np.searchsorted(stack.height_mm, stack.whole_mm))]
    return _shaft((superior, end, end, stack), "vertical")


_Line = tuple[FloatArray, FloatArray, FloatArray, "_Stack"]


def _line(
    outline: Outline,
    head: Head,
    axis: FloatArray,
    point: FloatArray,
    solid_mm: FloatArray,
    shortest_mm: float,
    lower_part_mm: float,
) -> _Line | None:
    """Axis, a place on it, where it enters the bone, and the sections; None where too little lies below the head."""
    line = None
    for turn in range(_ROUNDS):
        stack = _sections_below(outline, head, axis, point, solid_mm)
        if stack is None:
            return None
        enough = stack.length_mm >= shortest_mm
        if not enough and stack.height_mm[-1] - stack.whole_mm < _LEAST_OF_LOWER_PART * lower_part_mm:
            return None
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
        line = axis, point, end, stack
        if turned < _STILL:
            break
    return line


def _shaft(line: _Line, found_by: str) -> Shaft:
    axis, point, end, stack = line
    on_axis = point + axis * ((end - point) @ axis)
    return Shaft(axis, point, on_axis, stack.length_mm, float(np.sqrt(stack.area_mm2 / np.pi)), found_by)


@dataclass(frozen=True, slots=True)
class _Stack:
    """Sections from the lower end up: heights (n,) over a given place, middles (n, 3), and what of them is shaft."""

    height_mm: FloatArray
    middle_mm: FloatArray
    whole_mm: float
    length_mm: float
    area_mm2: float


def _beyond_the_neck(inside: FloatArray, head: Head, neck: Neck, superior: FloatArray) -> FloatArray:
    """Principal axis of what lies beyond the neck, upwards; of a stump, halfway to the direction `superior`."""
    beyond = inside[(inside - neck.centre_mm) @ neck.axis < -0.3 * head.radius_mm]
    if len(beyond) < 0.1 * len(inside):
        raise InputError(
            "there is hardly any bone beyond the femoral neck: the trochanters and the shaft are missing",
            hint="the labels are cut at the neck; take a scan that goes on below the lesser trochanter",
        )
    offset = beyond - beyond.mean(axis=0)
    size, axes = np.linalg.eigh(offset.T @ offset)
    axis = axes[:, 2] * np.sign((head.centre_mm - beyond.mean(axis=0)) @ axes[:, 2])
    # A stump is hardly longer than wide, and its trochanter pulls the axis to the side: halfway to how bones lie is safer.
    stump = size[2] < _STUMP * size[1] and axis @ superior > 0
    return _unit(axis + superior) if stump else np.asarray(axis)


def _sections_below(outline: Outline, head: Head, axis: FloatArray, through: FloatArray, solid_mm: FloatArray) -> _Stack | None:
    """The sections at right angles to the axis from the lower end of the bone to that of the head; None where there are few."""
    low = float((solid_mm @ axis).min() - through @ axis)
    top = float((head.centre_mm - through) @ axis) - head.radius_mm
    tried = np.arange(low + 0.5 * _PLANE_MM, top, _PLANE_MM)
    found = [outline.section(through + axis * h, axis, 2.1 * head.radius_mm) for h in tried]
    pairs = [(h, s) for h, s in zip(tried, found, strict=True) if s is not None]
    if top - low < 0.5 * head.radius_mm or len(pairs) < _LEAST_SECTIONS:
        return None
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
