"""Scans, density maps and label maps cut to what is labelled."""

from __future__ import annotations

import numpy as np
from pydantic import Field
from scipy import ndimage

from culmann.config import Config
from culmann.data import DensityMap, Grid, Labels, Scan
from culmann.data.placement import expect_one_space
from culmann.errors import InputError
from culmann_images.kinds import Image, voxels, with_voxels

Window = tuple[slice, slice, slice]


class CropConfig(Config):
    """Options of `crop`, `crop-density` and `crop-labels`."""

    margin_mm: float = Field(
        10.0,
        ge=0,
        description="What stays around the labels, in mm, in whole voxels, at least one, as far as the image reaches.",
    )


def crop(scan: Scan, labels: Labels, config: CropConfig) -> Scan:
    """Cut a scan to the bounding box of what is labelled, with a margin. The labels may lie on another grid.

    Raises
    ------
    InputError
        When no voxel is labelled, the labels lie outside of the scan, or one of the two was mirrored or registered and the
        other was not.
    """
    expect_one_space({"the scan": scan.placement, "the labels": labels.placement})
    return _cropped(scan, labels, config)


def crop_density(density: DensityMap, labels: Labels, config: CropConfig) -> DensityMap:
    """Cut a density map as `crop` does a scan."""
    expect_one_space({"the density map": density.placement, "the labels": labels.placement})
    return _cropped(density, labels, config)


def crop_labels(labels: Labels, config: CropConfig) -> Labels:
    """Cut a label map to the bounding box of what is labelled, with a margin.

    Raises
    ------
    InputError
        When no voxel is labelled.
    """
    return _cropped(labels, labels, config)


def _cropped(image: Image, labels: Labels, config: CropConfig) -> Image:
    window = _window(image.grid, labels, config.margin_mm)
    told = f"crop: to the labels and {config.margin_mm:g} mm around"
    return with_voxels(image, image.grid.part(window), voxels(image)[window].copy(), told)


def _window(grid: Grid, labels: Labels, margin_mm: float) -> Window:
    """The voxels (z, y, x) of a grid around what is labelled.

    One voxel at least stays around: a bone that touched the border of its image would look as if the scan had cut it.
    """
    if not labels.foreground.any():
        raise InputError("no voxel is labelled: there is nothing to crop to")
    box = ndimage.find_objects(labels.foreground.astype(np.uint8))[0]
    ends = [(b.start - 0.5, b.stop - 0.5) for b in reversed(box)]
    corners = np.array([[x, y, z] for x in ends[0] for y in ends[1] for z in ends[2]])
    index = grid.to_index(labels.grid.to_world(corners))
    margin = np.maximum(1, np.ceil(margin_mm / np.asarray(grid.spacing_mm) - 1e-9))
    first = np.clip(np.floor(index.min(axis=0) + 0.5 + 1e-6) - margin, 0, None).astype(int)
    stop = np.minimum(np.ceil(index.max(axis=0) + 0.5 - 1e-6) + margin, grid.size).astype(int)
    if (index.max(axis=0) <= -0.5 + 1e-6).any() or (index.min(axis=0) >= np.asarray(grid.size) - 0.5 - 1e-6).any():
        raise InputError(
            f"the labels lie outside of the image: the labelled part has {labels.grid.part(box).describe()}; "
            f"the image has {grid.describe()}",
            hint="are they of the same patient and scan?",
        )
    (i0, j0, k0), (i1, j1, k1) = (int(n) for n in first), (int(n) for n in stop)
    return slice(k0, k1), slice(j0, j1), slice(i0, i1)
