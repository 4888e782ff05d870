"""mirror: left becomes right; no voxel value changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import DensityMap, Grid, Labels, Scan
from culmann_images.kinds import Image, axis_across, voxels, with_voxels

Side = Literal["left", "right"]

_REFLECTION = np.diag([-1.0, 1.0, 1.0, 1.0])


class MirrorConfig(Config):
    """Options of `mirror`, `mirror-labels` and `mirror-density`."""

    side: Side | None = Field(
        None,
        description="The side of the patient that the image shows. null: not stated, and the image is mirrored in any case.",
    )
    to_side: Side = Field(
        "left",
        description="The side that is wanted. Where `side` is that side already, nothing is done, so that one pipeline brings "
        "bones of both sides to one.",
    )


def mirror(scan: Scan, config: MirrorConfig) -> Scan:
    """Mirror a scan left to right; its placement leads back to the patient.

    Coordinates are reflected in the plane L = 0, and the order of the voxels along the axis of the image that is nearest to
    left-right is reversed, so that the axes stay right-handed. Every value is kept as it is: mirrored twice gives the scan
    again.
    """
    return _mirrored(scan, config)


def mirror_labels(labels: Labels, config: MirrorConfig) -> Labels:
    """Mirror a label map as `mirror` does a scan. Numbers and names of the labels stay."""
    return _mirrored(labels, config)


def mirror_density(density: DensityMap, config: MirrorConfig) -> DensityMap:
    """Mirror a density map as `mirror` does a scan."""
    return _mirrored(density, config)


def _mirrored(image: Image, config: MirrorConfig) -> Image:
    if config.side == config.to_side:
        return image
    along = axis_across(image.grid)
    told = "mirror: left to right, in the plane L = 0 mm"
    placement = image.placement.moved(_REFLECTION, told)
    array = np.ascontiguousarray(np.flip(voxels(image), 2 - along))
    return with_voxels(image, _reflected(image.grid, along), array, told, placement)


def _reflected(grid: Grid, along: int) -> Grid:
    """The grid of the reflected voxels, which starts at the other end of one axis."""
    far = np.zeros((1, 3))
    far[0, along] = grid.size[along] - 1
    x, y, z = (float(v) for v in grid.to_world(far)[0])
    axes = np.diag([-1.0, 1.0, 1.0]) @ grid.axes
    axes[:, along] *= -1
    # Adding 0 turns -0 into 0.
    return replace(grid, origin_mm=(-x, y, z), direction=tuple(float(v) + 0.0 for v in axes.ravel()))
