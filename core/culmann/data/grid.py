"""Grid: where the voxels of an image lie in the patient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from culmann.data.arrays import FloatArray, IntArray

Vector3 = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Grid:
    """Size, spacing and pose of a voxel image, in patient coordinates (LPS: left, posterior, superior), as SimpleITK has it.

    Voxel (i, j, k) has its centre at `origin_mm + direction @ (spacing_mm * (i, j, k))`. Arrays on a grid are indexed
    [k, j, i], that is (z, y, x).

    Parameters
    ----------
    size
        Number of voxels along i, j, k.
    spacing_mm
        Distance of voxel centres along i, j, k.
    origin_mm
        Centre of voxel (0, 0, 0), LPS.
    direction
        Row-major 3 x 3 matrix whose columns are the directions of i, j, k. Orthonormal; a mirrored frame is allowed.

    Raises
    ------
    ValueError
        When a size or a spacing is not positive or the direction is not orthonormal (a sheared image, such as one from
        a tilted gantry, is not a grid).
    """

    size: tuple[int, int, int]
    spacing_mm: Vector3
    origin_mm: Vector3 = (0.0, 0.0, 0.0)
    direction: tuple[float, ...] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

    def __post_init__(self) -> None:
        if len(self.size) != 3 or min(self.size) < 1:
            raise ValueError(f"a grid needs three positive sizes, not {self.size}")
        if len(self.spacing_mm) != 3 or not all(np.isfinite(s) and s > 0 for s in self.spacing_mm):
            raise ValueError(f"a grid needs three positive spacings in mm, not {self.spacing_mm}")
        if len(self.direction) != 9 or not np.allclose(self.axes @ self.axes.T, np.eye(3), atol=1e-4):
            raise ValueError("the axes of the grid are not at right angles (a sheared image, from a tilted gantry?)")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of an array on this grid: (z, y, x)."""
        return self.size[2], self.size[1], self.size[0]

    @property
    def axes(self) -> FloatArray:
        """(3, 3): columns are the unit directions of i, j, k in LPS."""
        return np.asarray(self.direction, dtype=float).reshape(3, 3)

    @property
    def voxel_volume_mm3(self) -> float:
        """Volume of one voxel."""
        return float(np.prod(self.spacing_mm))

    def to_world(self, index: FloatArray | IntArray) -> FloatArray:
        """Positions (n, 3) in mm, LPS, of continuous voxel indices (n, 3) in the order i, j, k."""
        return np.asarray(np.asarray(self.origin_mm) + (np.asarray(index) * np.asarray(self.spacing_mm)) @ self.axes.T)

    def to_index(self, point_mm: FloatArray) -> FloatArray:
        """Continuous voxel indices (n, 3) in the order i, j, k of positions (n, 3) in mm, LPS."""
        return np.asarray((np.asarray(point_mm) - np.asarray(self.origin_mm)) @ self.axes / np.asarray(self.spacing_mm))

    def extent_mm(self) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest LPS coordinates that the voxels of this grid reach."""
        ends = [(-0.5, n - 0.5) for n in self.size]
        corners = self.to_world(np.array([[x, y, z] for x in ends[0] for y in ends[1] for z in ends[2]]))
        return corners.min(axis=0), corners.max(axis=0)

    def part(self, window: tuple[slice, ...]) -> Grid:
        """The grid of `array[window]` for a window (z, y, x) with start and stop; it may reach beyond this grid."""
        k, j, i = window
        x, y, z = self.to_world(np.array([[i.start, j.start, k.start]]))[0]
        size = (i.stop - i.start, j.stop - j.start, k.stop - k.start)
        return replace(self, size=size, origin_mm=(float(x), float(y), float(z)))

    def same_as(self, other: Grid, tolerance_mm: float = 1e-3) -> bool:
        """Whether every voxel of both grids lies at the same place, within the tolerance."""
        if self.size != other.size:
            return False
        far = np.array([[0, 0, 0], [n - 1 for n in self.size], [self.size[0] - 1, 0, 0], [0, self.size[1] - 1, 0]])
        return bool(np.abs(self.to_world(far) - other.to_world(far)).max() <= tolerance_mm)

    def describe(self) -> str:
        """One line for messages: size, spacing and extent."""
        low, high = self.extent_mm()
        size = " x ".join(str(n) for n in self.size)
        spacing = " x ".join(f"{s:.4g}" for s in self.spacing_mm)
        reach = ", ".join(f"{a} {lo:.1f} to {hi:.1f}" for a, lo, hi in zip("LPS", low, high, strict=True))
        return f"{size} voxels of {spacing} mm, reaching over {reach} mm"

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "size": list(self.size),
            "spacing_mm": list(self.spacing_mm),
            "origin_mm": list(self.origin_mm),
            "direction": list(self.direction),
        }

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Grid:
        """The inverse of `as_dict`."""
        i, j, k = (int(n) for n in facts["size"])
        sx, sy, sz = (float(s) for s in facts["spacing_mm"])
        ox, oy, oz = (float(s) for s in facts["origin_mm"])
        return cls((i, j, k), (sx, sy, sz), (ox, oy, oz), tuple(float(d) for d in facts["direction"]))
