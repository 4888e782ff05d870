"""Hounsfield units of a warped anatomy before the scanner's blur: labels painted, the rest by its classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import Grid
from culmann_synthesis.anatomy import Anatomy
from culmann_synthesis.clusters import tissue_at
from culmann_synthesis.config import SynthesisConfig
from culmann_synthesis.fields import FloatField, grained, smooth_field
from culmann_synthesis.tissues import BONE, drawn_mean, drawn_texture

LabelArray = npt.NDArray[np.int32]

#: What a scanner writes where it measured nothing.
OUTSIDE_HU = -1024.0

_SOFT_LENGTH_MM, _SHELL_LENGTH_MM, _GRAIN_MM = 15.0, 20.0, 2.5


@dataclass(frozen=True, slots=True)
class Canvas:
    """A warped anatomy on the fine grid of a case.

    Parameters
    ----------
    grid
        The fine grid.
    label
        (z, y, x): labels of the anatomy.
    hu
        (z, y, x): its CT, interpolated, or None.
    inside
        (z, y, x): whether the anatomy reaches there.
    """

    grid: Grid
    label: LabelArray
    hu: FloatField | None
    inside: npt.NDArray[np.bool_]


def painted(canvas: Canvas, anatomy: Anatomy, config: SynthesisConfig, chance: np.random.Generator) -> FloatField:
    """A CT of sharp edges and no noise, HU."""
    contrast = bool(chance.random() < config.contrast_share)
    hu = _background(canvas, anatomy, contrast, chance)
    spacing = np.asarray(canvas.grid.spacing_mm)[::-1]
    soft = smooth_field(canvas.grid.shape, spacing, _SOFT_LENGTH_MM, chance)
    present = [int(v) for v in np.unique(canvas.label) if v != 0]
    means = np.zeros(max([*present, 0]) + 1, dtype=np.float32)
    textures = np.zeros_like(means)
    for value in present:
        tissue = anatomy.tissues[value]
        if tissue != BONE:
            means[value], textures[value] = drawn_mean(tissue, contrast, chance), drawn_texture(tissue, chance)
    labelled = canvas.label > 0
    at = canvas.label[labelled]
    hu[labelled] = means[at] + textures[at] * soft[labelled]
    _paint_bones(hu, canvas, anatomy, config, chance)
    hu[~canvas.inside] = OUTSIDE_HU
    return hu


def recoloured(canvas: Canvas, chance: np.random.Generator) -> FloatField:
    """The anatomy's own CT with another contrast: brightness bent smoothly, air kept."""
    assert canvas.hu is not None
    knots = np.array([-1024.0, -700.0, -100.0, 50.0, 150.0, 400.0, 800.0, 1600.0, 4000.0])
    bright = chance.uniform(0.8, 1.25)
    moved = knots + np.array([0, 40, 20, 20, 25, 40, 60, 80, 0]) * chance.uniform(-1, 1, len(knots))
    moved[4:] = moved[3] + (moved[4:] - moved[3]) * bright
    return np.asarray(np.where(canvas.inside, np.interp(canvas.hu, knots, moved), OUTSIDE_HU), dtype=np.float32)


def _background(canvas: Canvas, anatomy: Anatomy, contrast: bool, chance: np.random.Generator) -> FloatField:
    """What has no label: the CT's classes with drawn means, straight in between; without a CT, flesh, fat and air by depth."""
    if canvas.hu is not None and anatomy.classes_hu:
        centres = np.asarray(anatomy.classes_hu)
        drawn = [drawn_mean(tissue_at(centre), contrast, chance) for centre in anatomy.classes_hu]
        means = np.array(drawn)
        hu: FloatField = np.interp(canvas.hu, centres, means).astype(np.float32)
        above = canvas.hu > centres[-1]
        hu[above] += canvas.hu[above] - centres[-1]
        return hu
    spacing = np.asarray(canvas.grid.spacing_mm)[::-1]
    depth = ndimage.distance_transform_edt(canvas.label == 0, sampling=spacing)
    depth = depth + 5.0 * smooth_field(canvas.grid.shape, spacing, 12.0, chance)
    flesh, skin = chance.uniform(10, 40), chance.uniform(10, 50)
    muscle, fat, air = (drawn_mean(tissue, False, chance) for tissue in ("muscle", "fat", "air"))
    return np.select([depth < flesh, depth < flesh + skin], [muscle, fat], air).astype(np.float32)


def _paint_bones(
    hu: FloatField, canvas: Canvas, anatomy: Anatomy, config: SynthesisConfig, chance: np.random.Generator
) -> None:
    bones = [value for value, tissue in anatomy.tissues.items() if tissue == BONE]
    bone = np.isin(canvas.label, bones)
    if not bone.any():
        return
    window = _around(bone)
    bone, label = bone[window], canvas.label[window]
    spacing = np.asarray(canvas.grid.spacing_mm)[::-1]
    # The centre of the outermost voxels lies half a voxel inside.
    depth = ndimage.distance_transform_edt(_own_neighbours(label) & bone, sampling=spacing) + 0.5 * spacing.min()
    thick = chance.uniform(*config.cortex_mm) * np.exp(0.35 * smooth_field(bone.shape, spacing, _SHELL_LENGTH_MM, chance))
    shell = np.clip((thick - depth) / spacing.min() + 0.5, 0, 1).astype(np.float32)
    core = np.zeros(int(label.max()) + 1, dtype=np.float32)
    trabecular, cortical = drawn_mean("trabecular", False, chance), drawn_mean("cortical", False, chance)
    # The bones of one person are alike, and not the same.
    core[:] = trabecular * chance.uniform(0.8, 1.25, len(core))
    grain = drawn_texture("trabecular", chance) * grained(bone.shape, spacing, _GRAIN_MM * chance.uniform(0.4, 1.6), chance)
    uneven = 0.15 * trabecular * smooth_field(bone.shape, spacing, _SOFT_LENGTH_MM, chance)
    hard = cortical + drawn_texture("cortical", chance) * smooth_field(bone.shape, spacing, 6.0, chance)
    inner = core[label] + grain + uneven
    hu[window][bone] = (shell * hard + (1 - shell) * inner)[bone]


def _own_neighbours(label: LabelArray) -> npt.NDArray[np.bool_]:
    """Whether all six neighbours of a voxel have its label: bones that touch keep a shell each."""
    same = np.ones(label.shape, dtype=bool)
    for axis in range(3):
        equal = np.diff(label, axis=axis) == 0
        pad: list[tuple[Literal[0, 1], Literal[0, 1]]] = [(0, 0), (0, 0), (0, 0)]
        for side in ((1, 0), (0, 1)):
            pad[axis] = side
            same &= np.pad(equal, pad, constant_values=True)
    return same


def _around(mask: npt.NDArray[np.bool_]) -> tuple[slice, ...]:
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    return tuple(slice(max(s.start - 1, 0), s.stop + 1) for s in found)
