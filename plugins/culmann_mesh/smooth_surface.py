"""A smooth closed surface around labelled voxels: it parts their centres as the labels do, as flat as can be."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import fft, ndimage
from skimage.measure import marching_cubes

from culmann.data import Grid
from culmann.data.arrays import BoolArray, FloatArray, IntArray
from culmann.surface import Surface

#: Voxels of background around what is labelled.
MARGIN = 4
#: Weights of flatness and of the pull to the middle of what the labels leave open, both over that of the splitting, and its
#: rounds. With more flatness wider terraces are smoothed, and the flat ends of a body bulge.
_FLATNESS, _PULL, _ROUNDS = 0.5, 1.0, 30
#: Depths level off at so many of the largest spacing, so that ridges deep inside do not move the surface.
_REACH = 2.0


@dataclass(frozen=True, slots=True)
class SmoothBody:
    """A body as the places where a smooth function is positive. Near its surface the function is the depth in mm.

    Parameters
    ----------
    grid
        Where the samples of the function are.
    depth_mm
        (z, y, x): the samples.
    spline
        (z, y, x): the coefficients of the cubic spline through them.
    offset_mm
        What is added to the function: the surface moves outwards by so much.
    """

    grid: Grid
    depth_mm: FloatArray
    spline: FloatArray
    offset_mm: float = 0.0

    def depth(self, points_mm: FloatArray) -> FloatArray:
        """(n,): the function at points (n, 3), LPS; positive inside."""
        index = self.grid.to_index(points_mm)[:, ::-1].T
        return (
            np.asarray(ndimage.map_coordinates(self.spline, index, order=3, mode="nearest", prefilter=False)) + self.offset_mm
        )

    def gradient(self, points_mm: FloatArray) -> FloatArray:
        """(n, 3): its gradient, LPS."""
        step = 0.05 * min(self.grid.spacing_mm)
        columns = [(self.depth(points_mm + e) - self.depth(points_mm - e)) / (2 * step) for e in step * np.eye(3)]
        return np.stack(columns, axis=1)

    def onto_surface(self, points_mm: FloatArray, furthest_mm: float) -> FloatArray:
        """Points moved along the gradient to where the function is 0, none further than `furthest_mm`."""
        at = points_mm
        for _ in range(3):
            slope = self.gradient(at)
            steep = np.maximum((slope**2).sum(axis=1), 0.04)
            at = at - slope * (self.depth(at) / steep)[:, None]
        moved = at - points_mm
        length = np.maximum(np.linalg.norm(moved, axis=1), 1e-300)
        return np.asarray(points_mm + moved * np.minimum(1, furthest_mm / length)[:, None])

    def surface(self) -> Surface:
        """Its surface by marching cubes on the samples, normals outwards."""
        points, triangles, _, _ = marching_cubes(self.depth_mm, -self.offset_mm)  # type: ignore[no-untyped-call]
        surface = Surface(self.grid.to_world(points[:, ::-1].astype(np.float64)), triangles.astype(np.int64))
        return surface if surface.volume_mm3() > 0 else Surface(surface.points_mm, surface.triangles[:, ::-1])


def smooth_body(inside: BoolArray, grid: Grid) -> SmoothBody:
    """A smooth function whose sign is that of the voxels (z, y, x): positive at the centres of those inside.

    At a voxel centre the labels leave open a range of depths: at most the distance to the nearest voxel centre on the other
    side, and at least that distance less the width of a voxel in its direction. The function is the one with the least integral
    of its squared Laplacian and of its squared distance to the middle of the ranges, among those that keep to the ranges. So a
    slanting plane comes out nearly flat and not as stairs, thin plates stay, and the surface passes where the border may be.
    Solved by splitting (ADMM) with cosine transforms. Hard ranges are the idea of Lempitsky 2010.

    References
    ----------
    Lempitsky. Surface extraction from binary volumes with higher-order smoothness. CVPR 2010, doi:10.1109/CVPR.2010.5539832
    """
    window = ndimage.find_objects(inside.astype(np.uint8))[0]
    around = tuple(slice(w.start - MARGIN, w.stop + MARGIN) for w in window)
    cropped = np.pad(inside[window], MARGIN)
    spacing = np.asarray(grid.spacing_mm)[::-1]
    shallow_in, deep_in = _open_depths(cropped, spacing)
    shallow_out, deep_out = _open_depths(~cropped, spacing)
    reach = _REACH * float(spacing.max())
    low = reach * np.tanh(np.where(cropped, shallow_in, -deep_out) / reach)
    high = reach * np.tanh(np.where(cropped, deep_in, -shallow_out) / reach)
    unit = float(spacing.min() * spacing.max())
    damping = 1 / (1 + _PULL + _FLATNESS * (_laplacian(cropped.shape, spacing) * unit) ** 2)
    middle = (low + high) / 2
    within, drift, smooth = middle, np.zeros_like(low), middle
    for _ in range(_ROUNDS):
        smooth = np.asarray(fft.idctn(fft.dctn(within - drift + _PULL * middle) * damping))
        within = np.clip(smooth + drift, low, high)
        drift += smooth - within
    return SmoothBody(grid.part(around), smooth, np.asarray(ndimage.spline_filter(smooth, order=3, mode="nearest")))


def _open_depths(inside: BoolArray, spacing: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The smallest and the largest depth in mm of each voxel centre inside, as far as the labels say."""
    far, nearest = ndimage.distance_transform_edt(inside, sampling=spacing, return_indices=True)
    size = spacing[:, None, None, None]
    way = np.abs(nearest - np.indices(inside.shape)) * size
    width = (way * size).sum(axis=0) / np.maximum(np.linalg.norm(way, axis=0), 1e-300)
    return np.maximum(far - width, 0), np.asarray(far)


def _laplacian(shape: tuple[int, ...], spacing: FloatArray) -> FloatArray:
    """Eigenvalues of minus the Laplacian for the cosine transform of an array of this shape."""
    parts = [(2 - 2 * np.cos(np.pi * np.arange(n) / n)) / s**2 for n, s in zip(shape, spacing, strict=True)]
    return np.asarray(parts[0][:, None, None] + parts[1][None, :, None] + parts[2][None, None, :])


def with_volume(body: SmoothBody, volume_mm3: float) -> SmoothBody:
    """The body with its surface moved in or out, the same everywhere, until it holds this volume."""
    for _ in range(3):
        surface = body.surface()
        surface = Surface(body.onto_surface(surface.points_mm, 0.5 * min(body.grid.spacing_mm)), surface.triangles)
        area = float(np.linalg.norm(surface.area_vectors_mm2(), axis=1).sum())
        body = replace(body, offset_mm=body.offset_mm + (volume_mm3 - surface.volume_mm3()) / area)
    return body


def voxels_off(points_mm: FloatArray, inside: BoolArray, grid: Grid) -> FloatArray:
    """(n,): distance of points to the border between voxels inside and outside, in voxels; 1 where it is further.

    A distance in voxels is the length of the way with each axis divided by its spacing.
    """
    index = grid.to_index(points_mm)
    home: IntArray = np.floor(index + 0.5).astype(np.int64)
    padded = np.pad(inside, MARGIN)

    def is_inside(voxel: IntArray) -> BoolArray:
        i, j, k = np.clip(voxel + MARGIN, 0, np.array(padded.shape)[::-1] - 1).T
        return np.asarray(padded[k, j, i])

    mine, best = is_inside(home), np.ones(len(index))
    for step in np.indices((3, 3, 3)).reshape(3, -1).T - 1:
        other = home + step
        away = np.linalg.norm(np.maximum(np.abs(index - other) - 0.5, 0), axis=1)
        best = np.where(is_inside(other) != mine, np.minimum(best, away), best)
    return best
