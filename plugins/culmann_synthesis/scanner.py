"""What a scanner makes of a painted anatomy: blur and partial volume, coarser voxels, noise, metal and its streaks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from culmann.data import Grid
from culmann.regridding import index_map, sample
from culmann_synthesis.config import SynthesisConfig
from culmann_synthesis.fields import FloatField, grained

#: What 12 bits with an offset of 1024 hold.
_LOWEST_HU, _HIGHEST_HU = -1024.0, 3071.0

_FWHM = float(np.sqrt(8 * np.log(2)))


def scanned(
    hu: FloatField, fine: Grid, grid: Grid, config: SynthesisConfig, chance: np.random.Generator
) -> npt.NDArray[np.float32]:
    """The scan on its own grid, HU, in whole numbers as scanners write them."""
    in_plane = chance.uniform(*config.blur_mm)
    width = np.array([grid.spacing_mm[2], in_plane, in_plane])
    sigma = np.sqrt(np.clip(width**2 - min(fine.spacing_mm) ** 2, 0, None)) / _FWHM / np.asarray(fine.spacing_mm)[::-1]
    blurred = ndimage.gaussian_filter(hu, sigma, mode="nearest", truncate=3)
    matrix, offset = index_map(fine, grid)
    coarse = sample(blurred, matrix, offset, grid.shape, order=1)
    spacing = np.asarray(grid.spacing_mm)[::-1]
    noise = grained(grid.shape, spacing, chance.uniform(*config.noise_grain_mm), chance)
    measured = coarse > _LOWEST_HU + 1
    noisy = coarse + np.where(measured, chance.uniform(*config.noise_hu), 0.0) * noise
    return np.asarray(np.round(np.clip(noisy, _LOWEST_HU, _HIGHEST_HU)), dtype=np.float32)


def with_metal(hu: FloatField, grid: Grid, near: npt.NDArray[np.bool_], chance: np.random.Generator) -> FloatField:
    """A rod of metal through a voxel of `near`, with bright and dark streaks around it in the slices that it crosses."""
    places = np.argwhere(near)
    if not len(places):
        return hu
    k, j, i = places[chance.integers(len(places))]
    spacing = np.asarray(grid.spacing_mm)[::-1]
    offset = np.stack(np.meshgrid(*(np.arange(n) for n in grid.shape), indexing="ij"), axis=-1) - np.array([k, j, i])
    offset_mm = offset * spacing
    axis = chance.normal(size=3)
    axis /= np.linalg.norm(axis)
    along = offset_mm @ axis
    across = np.linalg.norm(offset_mm - along[..., None] * axis, axis=-1)
    radius, half = chance.uniform(2, 6), chance.uniform(10, 30)
    rod = (across < radius) & (np.abs(along) < half)
    angle = np.arctan2(offset_mm[..., 1], offset_mm[..., 2])
    rays = sum(chance.normal() * np.cos(n * angle + chance.uniform(0, 2 * np.pi)) for n in range(2, 14))
    distance = np.hypot(offset_mm[..., 1], offset_mm[..., 2])
    crossed = rod.any(axis=(1, 2))[:, None, None]
    streaks = np.where(crossed, chance.uniform(100, 400) * rays / (1 + distance / radius / 3), 0.0)
    return np.where(rod, chance.uniform(3000, 8000), hu + streaks).astype(np.float32)
