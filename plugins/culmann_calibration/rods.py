"""Rods of a phantom as lines through the slices of a scan, and what the scan measures in them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from culmann.data import Scan
from culmann.data.arrays import BoolArray, FloatArray
from culmann.data.grid import Vector3
from culmann.errors import InputError

Point = Vector3
#: One point on a rod that runs along the slice axis, or two on one that leans.
GivenRod = Point | tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class Rods:
    """Rods that cross the slices.

    Parameters
    ----------
    at_voxel
        (rods, slices, 2) continuous indices i, j of the axis of each rod in each slice.
    seen
        (slices,) whether the phantom is in a slice.
    radius_mm
        Of the rods as found; of the circle to measure in where they were given by hand.
    found
        Whether they were found in the scan or given by hand.
    """

    at_voxel: FloatArray
    seen: BoolArray
    radius_mm: float
    found: bool

    def reversed(self) -> Rods:
        """The same rods, numbered from the other end."""
        return replace(self, at_voxel=self.at_voxel[::-1])


@dataclass(frozen=True, slots=True)
class Measured:
    """HU inside the rods.

    Parameters
    ----------
    mean_hu, noise_hu
        (rods, slices) mean and standard deviation inside the circle of each rod in each slice.
    pixels
        Fewest voxels in a circle.
    """

    mean_hu: FloatArray
    noise_hu: FloatArray
    pixels: int


def given_rods(scan: Scan, rods_mm: tuple[GivenRod, ...], radius_mm: float) -> Rods:
    """Rods from points in mm, LPS: one point where a rod runs along the slice axis, two where it leans.

    Raises
    ------
    InputError
        When a point lies outside of the scan, or both points of a rod lie in one slice.
    """
    slices = np.arange(scan.grid.shape[0])
    paths = np.empty((len(rods_mm), len(slices), 2))
    first, last = 0.0, float(slices[-1])
    for n, rod in enumerate(rods_mm):
        index = scan.grid.to_index(np.array(rod, dtype=float).reshape(-1, 3))
        if (index < -0.5).any() or (index > np.array(scan.grid.size) - 0.5).any():
            raise InputError(
                f"rod {n + 1} lies outside of the scan, which has {scan.grid.describe()}",
                hint="positions are in mm, LPS (left, posterior, superior), as 3D Slicer or ITK-SNAP show them when set so",
            )
        if len(index) == 1:
            paths[n] = index[0, :2]
            continue
        rise = index[1, 2] - index[0, 2]
        if abs(rise) < 1:
            raise InputError(f"rod {n + 1}: both of its points lie in one slice", hint="give points at its two ends")
        paths[n] = index[0, :2] + (slices[:, None] - index[0, 2]) / rise * (index[1, :2] - index[0, :2])
        first, last = max(first, index[:, 2].min() - 0.5), min(last, index[:, 2].max() + 0.5)
    named = [scan.grid.to_index(np.array(rod, dtype=float).reshape(-1, 3)).mean(axis=0)[2] for rod in rods_mm]
    rods = Rods(paths, (slices >= first) & (slices <= last), radius_mm, found=False)
    known = np.abs(slices - np.median(named)) <= np.abs(slices - np.median(named)).min() + 1
    return where_alike(scan, rods, known & rods.seen)


def voxels_to_mm(scan: Scan, rods: tuple[GivenRod, ...]) -> tuple[GivenRod, ...]:
    """Positions i, j, k as positions in mm."""

    def placed(rod: GivenRod) -> GivenRod:
        points = scan.grid.to_world(np.array(rod, dtype=float).reshape(-1, 3))
        told = [(float(x), float(y), float(z)) for x, y, z in points]
        return told[0] if len(told) == 1 else (told[0], told[1])

    return tuple(placed(rod) for rod in rods)


def where_alike(scan: Scan, rods: Rods, known: BoolArray) -> Rods:
    """The rods in those slices that go on from the known ones without a gap and measure the same there.

    A phantom often ends before the scan does; a slice beyond its end must not be taken for a part of it.
    """
    every = measure(scan, replace(rods, seen=rods.seen | known), rods.radius_mm * 0.6)
    pattern = np.median(every.mean_hu[:, known], axis=1)
    noise = float(np.median(every.noise_hu[:, known]))
    # Wide enough for a scanner that drifts; where the phantom ends, its rods change by far more.
    allowed = max(0.25 * float(np.ptp(pattern)), 2 * noise, 10.0)
    alike = np.nan_to_num(np.abs(every.mean_hu - pattern[:, None]).max(axis=0), nan=np.inf) <= allowed
    middle = np.flatnonzero(known)[int(known.sum()) // 2]
    alike[middle] = True
    breaks = np.flatnonzero(~alike)
    first = max(breaks[breaks < middle], default=-1) + 1
    last = min(breaks[breaks > middle], default=len(alike)) - 1
    slices = np.arange(len(alike))
    return replace(rods, seen=(slices >= first) & (slices <= last))


def measure(scan: Scan, rods: Rods, radius_mm: float) -> Measured:
    """HU inside circles around the axes of the rods; slices without the phantom are not a number.

    Raises
    ------
    InputError
        When a circle holds fewer than five voxels, or reaches out of the image.
    """
    spacing = np.array(scan.grid.spacing_mm[:2])
    half = np.ceil(radius_mm / spacing).astype(int) + 1
    mean, noise = np.full(rods.at_voxel.shape[:2], np.nan), np.full(rods.at_voxel.shape[:2], np.nan)
    fewest = 10**9
    for n, path in enumerate(rods.at_voxel):
        for k in np.flatnonzero(rods.seen):
            i0, j0 = np.maximum(0, np.round(path[k]).astype(int) - half)
            i1, j1 = np.round(path[k]).astype(int) + half + 1
            patch = scan.hu[k, j0:j1, i0:i1]
            j, i = np.mgrid[j0 : j0 + patch.shape[0], i0 : i0 + patch.shape[1]]
            inside = ((i - path[k, 0]) * spacing[0]) ** 2 + ((j - path[k, 1]) * spacing[1]) ** 2 <= radius_mm**2
            values = patch[inside].astype(np.float64)
            fewest = min(fewest, values.size)
            if values.size:
                mean[n, k], noise[n, k] = values.mean(), values.std()
    if fewest < 5:
        raise InputError(
            f"a circle of {radius_mm:.1f} mm holds {fewest} voxels in the slices of this scan, and a mean needs five at least",
            hint="calibrate before resampling; or give the true `rod_radius_mm` and positions inside of the image",
        )
    return Measured(mean, noise, fewest)
