"""One made case: an anatomy chosen, warped, painted and scanned, all from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import Grid, Labels, Scan
from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann.regridding import labels_onto
from culmann_synthesis.anatomy import Anatomy
from culmann_synthesis.config import SynthesisConfig
from culmann_synthesis.fields import FloatField
from culmann_synthesis.painting import Canvas, painted, recoloured
from culmann_synthesis.scanner import scanned, with_metal
from culmann_synthesis.warp import drawn_warp, places

#: A case in which less than this is labelled is drawn again, this often at most.
_LEAST_MM3, _MOST_DRAWS = 1000.0, 20

#: What a scan was made by: painted from the labels, or the anatomy's own CT with another contrast.
Kind = Literal["painted", "recoloured"]


@dataclass(frozen=True, slots=True)
class Made:
    """A made case.

    Parameters
    ----------
    scan, labels
        On one grid along the patient's axes.
    anatomy
        The name of what it was made from.
    kind
        How its brightness was made.
    """

    scan: Scan
    labels: Labels
    anatomy: str
    kind: Kind


def make_case(anatomies: Sequence[Anatomy], config: SynthesisConfig, seed: int, number: int) -> Made:
    """Case `number` of a seed: the same whatever other cases are made.

    Raises
    ------
    InputError
        When no anatomy has a label of `targets`, or the field of view hardly ever meets one.
    """
    usable = [anatomy for anatomy in anatomies if anatomy.target.any()]
    if not usable:
        names = sorted({name for anatomy in anatomies for name in anatomy.labels.names.values()})
        raise InputError(
            f"no label of the anatomies fits a pattern of `targets`; their labels are {', '.join(names)}",
            hint='name labels that are there, such as `targets: {vertebra: ["vertebrae_*"]}`',
        )
    chance = np.random.default_rng([seed, number])
    for _ in range(_MOST_DRAWS):
        made = _draw(usable[int(chance.integers(len(usable)))], config, chance)
        if made.labels.foreground.sum() * made.labels.grid.voxel_volume_mm3 >= _LEAST_MM3:
            return made
    raise InputError(
        f"{_MOST_DRAWS} draws of case {number} show less than {_LEAST_MM3:g} mm3 of a target each",
        hint="widen `field_of_view_mm`, or take targets that are larger",
    )


def _draw(anatomy: Anatomy, config: SynthesisConfig, chance: np.random.Generator) -> Made:
    grid, fine = _grids(anatomy, config, chance)
    middle = fine.to_world((np.asarray(fine.size)[None] - 1) / 2)[0]
    index = places(fine, anatomy.labels.grid, drawn_warp(middle, config, chance), config, chance)
    canvas, target = _canvas(fine, anatomy, index)
    real = canvas.hu is not None and chance.random() < config.real_share
    hu = recoloured(canvas, chance) if real else painted(canvas, anatomy, config, chance)
    if chance.random() < config.metal_share:
        hu = with_metal(hu, fine, target > 0, chance)
    kind: Kind = "recoloured" if real else "painted"
    told = f"synthesize: {anatomy.name}, {kind}"
    scan = Scan(grid, scanned(hu, fine, grid, config, chance), history=(told,))
    # By the largest share of a voxel, as a reader of the coarse scan would draw them.
    labels = labels_onto(Labels(fine, target.astype(np.int32), config.names, (told,)), grid)
    return Made(scan, labels, anatomy.name, kind)


def _grids(anatomy: Anatomy, config: SynthesisConfig, chance: np.random.Generator) -> tuple[Grid, Grid]:
    """The grid of the scan, about a place in a bone of the targets, and the fine grid over the same volume."""
    low, high = anatomy.labels.grid.extent_mm()
    view = np.minimum(chance.uniform(*config.field_of_view_mm, 3), high - low)
    bones = np.unique(anatomy.labels.label[anatomy.target > 0])
    bone = bones[int(chance.integers(len(bones)))]
    window = ndimage.find_objects(anatomy.labels.label)[bone - 1]
    chosen = np.argwhere((anatomy.labels.label[window] == bone) & (anatomy.target[window] > 0))
    place = chosen[chance.integers(len(chosen))] + [s.start for s in window]
    middle = anatomy.labels.grid.to_world(place[None, ::-1])[0] + chance.uniform(-0.25, 0.25, 3) * view
    middle = np.clip(middle, low + view / 2, high - view / 2)
    plane, slices = chance.uniform(*config.spacing_in_plane_mm), chance.uniform(*config.spacing_slices_mm)
    spacing = np.array([plane, plane, slices])
    grid = _over(middle, view, spacing)
    return grid, _over(middle, np.asarray(grid.size) * spacing, np.minimum(config.fine_mm, spacing))


def _over(middle: FloatArray, view: FloatArray, spacing: FloatArray) -> Grid:
    size = np.maximum(np.round(view / spacing).astype(int), 4)
    first = middle - (size - 1) / 2 * spacing
    i, j, k = (int(n) for n in size)
    sx, sy, sz = (float(s) for s in spacing)
    x, y, z = (float(p) for p in first)
    return Grid((i, j, k), (sx, sy, sz), (x, y, z))


def _canvas(fine: Grid, anatomy: Anatomy, index: FloatField) -> tuple[Canvas, npt.NDArray[np.uint8]]:
    """The anatomy at the places of a fine grid, and the targets there."""
    source = anatomy.labels
    nearest = np.rint(index).astype(np.int32)
    shape = np.asarray(source.grid.shape).reshape(3, 1, 1, 1)
    inside = np.asarray(((nearest >= 0) & (nearest < shape)).all(axis=0))
    at = tuple(np.clip(nearest, 0, shape - 1))
    hu = None if anatomy.scan is None else _interpolated(anatomy.scan, source.grid, index)
    return Canvas(fine, np.where(inside, source.label[at], 0), hu, inside), np.where(inside, anatomy.target[at], np.uint8(0))


def _interpolated(scan: Scan, source: Grid, index: FloatField) -> FloatField:
    """The scan at voxel indices of another grid of the same directions."""
    factor = np.asarray(source.spacing_mm) / np.asarray(scan.grid.spacing_mm)
    start = scan.grid.to_index(source.to_world(np.zeros((1, 3))))[0]
    at: npt.NDArray[Any] = index * factor[::-1].reshape(3, 1, 1, 1) + start[::-1].reshape(3, 1, 1, 1)
    return np.asarray(ndimage.map_coordinates(scan.hu, at.astype(np.float32), order=1, mode="nearest"), dtype=np.float32)
