"""extend-density: the density of bone carried outwards, for cells that reach over the border of the labels into soft tissue."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import DensityMap, Labels
from culmann.data.placement import expect_one_space
from culmann.errors import InputError


class ExtendDensityConfig(Config):
    """Options of `extend-density`."""

    peel_voxels: int = Field(
        0,
        ge=0,
        le=10,
        description="So many layers of the labelled voxels count as outside, as half of what they hold may be soft tissue.",
    )
    layers: int = Field(3, ge=1, le=50, description="So many layers of voxels around the bone get a new density.")


def extend_density(density: DensityMap, labels: Labels, config: ExtendDensityConfig) -> DensityMap:
    """Replace the density around the labelled voxels by that of the bone next to it.

    Layer by layer, a voxel gets the mean of those of its 26 neighbours that are bone or were given a density before. A cell of
    a smooth surface that reaches half a voxel beyond the labels then takes the density of bone there, and not that of muscle
    or of a disc. With `peel_voxels: 1` the outermost layer of bone is replaced as well, as MITK-GEM has it.

    Parameters
    ----------
    density, labels
        On the same grid.
    config
        Options.

    Raises
    ------
    InputError
        When the grids differ, or no labelled voxel is left after the peeling.
    """
    expect_one_space({"the density": density.placement, "the labels": labels.placement})
    if not density.grid.same_as(labels.grid):
        raise InputError(
            f"the labels have {labels.grid.describe()}, and the density has {density.grid.describe()}",
            hint="bring both to one grid with `resample` and `resample-labels`",
        )
    known = labels.foreground
    if config.peel_voxels:
        known = ndimage.binary_erosion(known, iterations=config.peel_voxels, border_value=1)
    if not known.any():
        raise InputError(
            "no labelled voxel is left to take densities from",
            hint="check which labels are picked, or take a smaller `peel_voxels`",
        )
    value = np.where(known, density.g_cm3, 0).astype(np.float64)
    for _ in range(config.layers + config.peel_voxels):
        share = ndimage.uniform_filter(known.astype(np.float64), 3, mode="constant")
        mean = ndimage.uniform_filter(value, 3, mode="constant") / np.maximum(share, 1e-12)
        reached = ~known & (share > 0.5 / 27)
        value = np.where(reached, mean, value)
        known |= reached
    told = f"{config.layers} layers of voxels beyond the labels, {config.peel_voxels} peeled off them first"
    return replace(
        density,
        g_cm3=np.where(known, value, density.g_cm3).astype(np.float32),
        calibration={**density.calibration, "extended": told},
    )
