"""Where the voxels of a made scan lie in the anatomy that it is made from: random pose, size and smooth deformation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from culmann.data import Grid
from culmann_synthesis.config import SynthesisConfig
from culmann_synthesis.fields import smooth_field


@dataclass(frozen=True, slots=True)
class Warp:
    """A random change of shape and pose.

    Parameters
    ----------
    centre_mm
        The point, LPS, about which it turns and scales.
    matrix
        (3, 3): rotation, scaling, shear and, at times, the mirror.
    mirrored
        Whether left and right change places.
    """

    centre_mm: npt.NDArray[np.float64]
    matrix: npt.NDArray[np.float64]
    mirrored: bool


def drawn_warp(centre_mm: npt.NDArray[np.float64], config: SynthesisConfig, chance: np.random.Generator) -> Warp:
    """A warp within the ranges of the options."""
    turn = Rotation.from_euler("xyz", chance.uniform(-1, 1, 3) * config.rotation_deg, degrees=True).as_matrix()
    low, high = config.scaling
    scale = np.exp(chance.uniform(np.log(low), np.log(high)) + chance.normal(0, 0.03, 3))
    shear = np.eye(3) + np.triu(chance.uniform(-1, 1, (3, 3)) * config.shear, 1)
    mirrored = bool(config.mirror and chance.random() < 0.5)
    flip = np.diag([-1.0 if mirrored else 1.0, 1.0, 1.0])
    return Warp(centre_mm, turn @ shear @ np.diag(1 / scale) @ flip, mirrored)


def places(
    grid: Grid, anatomy: Grid, warp: Warp, config: SynthesisConfig, chance: np.random.Generator
) -> npt.NDArray[np.float32]:
    """(3, z, y, x): for every voxel of a grid the continuous voxel index (z, y, x) in a grid of the anatomy.

    The grid must be along the axes of the patient (LPS), as made scans are.
    """
    spacing = np.asarray(grid.spacing_mm)[::-1]
    scaled = anatomy.axes.T @ warp.matrix
    start = np.asarray(grid.origin_mm) - warp.centre_mm
    axes = [start[a] + grid.spacing_mm[a] * np.arange(grid.size[a]) for a in range(3)]
    offsets = np.ix_(axes[2], axes[1], axes[0])
    length, most = config.bend_length_mm, config.bend_mm
    moves = [chance.uniform(0, 1) * most * smooth_field(grid.shape, spacing, length, chance) for _ in range(3)] if most else []
    first = anatomy.to_index(warp.centre_mm[None])[0]
    index = np.empty((3, *grid.shape), dtype=np.float32)
    for a in range(3):
        row = scaled[a]
        along = row[0] * offsets[2] + row[1] * offsets[1] + row[2] * offsets[0]
        for b, move in enumerate(moves):
            along = along + float(anatomy.axes.T[a, b]) * move
        index[2 - a] = first[a] + along / anatomy.spacing_mm[a]
    return index
