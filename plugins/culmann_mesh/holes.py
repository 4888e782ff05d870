"""Holes through a body, and where the narrow ones are: those that a closing of the voxels plugs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import ndimage
from skimage.measure import euler_number

from culmann.data import Grid
from culmann.data.arrays import BoolArray, FloatArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.surface import Surface

#: Balls that the voxels are closed with, in voxels; what is wider is not looked for.
_RADII = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)


@dataclass(frozen=True, slots=True)
class Hole:
    """A narrow hole: its middle (3,) in LPS, and about how wide it is."""

    centre_mm: FloatArray
    width_mm: float


def narrow_holes(inside: BoolArray, grid: Grid, most: int) -> list[Hole]:
    """At most so many of the narrowest holes through the voxels (z, y, x).

    The voxels are closed with growing balls. Each part that this fills is a plug; it closes a hole when filling it raises the
    Euler number of the voxels.
    """
    window = ndimage.find_objects(inside.astype(np.uint8))[0]
    margin = int(max(_RADII)) + 2
    body = np.pad(inside[window], margin)
    corner = np.array([w.start for w in window]) - margin
    spacing = np.asarray(grid.spacing_mm)[::-1]
    found: list[Hole] = []
    for radius in _RADII:
        length = radius * float(spacing.min())
        grown = ndimage.distance_transform_edt(~body, sampling=spacing) <= length
        closed = ndimage.distance_transform_edt(grown, sampling=spacing) > length
        plugs, count = ndimage.label(closed & ~body, structure=np.ones((3, 3, 3)))
        for number, where in enumerate(ndimage.find_objects(plugs, max_label=count), start=1):
            around = tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in where)
            plug = plugs[around] == number
            if _euler(body[around] | plug) <= _euler(body[around]):
                continue
            middle = np.argwhere(plug).mean(axis=0) + [s.start for s in around] + corner
            widest = float(ndimage.distance_transform_edt(~body, sampling=spacing)[around][plug].max())
            found.append(Hole(grid.to_world(middle[None, ::-1])[0], 2 * widest - float(spacing.min())))
            body[around] |= plug
            if len(found) == most:
                return found
    return found


def _euler(voxels: BoolArray) -> int:
    return int(euler_number(voxels, connectivity=1))  # type: ignore[no-untyped-call]


def check_holes(
    surface: Surface, inside: BoolArray, grid: Grid, expected: int, more: Literal["warn", "refuse"], journal: Journal
) -> str:
    """How many holes lead through the body, in words; more than expected are warned of or refused, with their places.

    Raises
    ------
    InputError
        When there are more than expected and `more` is `refuse`.
    """
    holes = 1 - surface.euler_number() // 2
    told = f"{holes} hole{'s' * (holes != 1)} through it (Euler number {surface.euler_number()})"
    if holes <= expected:
        return told
    places = [
        f"one of about {hole.width_mm:.1f} mm at {hole.centre_mm.round(1).tolist()} mm (LPS)"
        for hole in narrow_holes(inside, grid, holes - expected)
    ]
    message = f"{holes} holes lead through the bone, {expected} expected"
    message += f": {'; '.join(places)}" if places else ""
    if more == "refuse":
        hint = "close them in the labels (`dilate-labels`, then `erode-labels`), or set `expected_holes`"
        raise InputError(message, hint=hint)
    journal.warn(message)
    return told
