"""A femur of spheres and cylinders whose landmarks are known, in any pose, mirrored, and on voxels of any size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from culmann.data import Grid, Labels

#: In the femur's own frame: x to the left, y backwards, z up; a left femur, so that its head lies towards -x.
NECK_SHAFT_DEG = 125.0
NECK = np.array([-np.sin(np.radians(NECK_SHAFT_DEG)), 0.0, -np.cos(np.radians(NECK_SHAFT_DEG))])
HEAD, HEAD_RADIUS = 52.0 * NECK, 23.0
NECK_RADIUS, SHAFT_RADIUS = 13.0, 14.0
TROCHANTER, TROCHANTER_RADIUS = np.array([7.0, 4.0, 0.0]), 18.0
LESSER, LESSER_RADIUS = np.array([-11.0, 8.0, -38.0]), 9.0


@dataclass(frozen=True)
class Pose:
    """Turned by `rotation` about the origin of the femur, which then lies at `at_mm`."""

    rotation: np.ndarray
    at_mm: np.ndarray

    def point(self, own: np.ndarray) -> np.ndarray:
        return self.rotation @ own + self.at_mm


UPRIGHT = Pose(np.eye(3), np.array([30.0, -12.0, 400.0]))


def inside(q: np.ndarray, shaft_mm: float) -> np.ndarray:
    """(n,): whether places (n, 3) in the femur's own frame lie in it. The shaft ends `shaft_mm` under the neck's axis."""
    along = q @ NECK
    off_neck = np.linalg.norm(q - along[:, None] * NECK, axis=1)
    solid = np.linalg.norm(q - HEAD, axis=1) <= HEAD_RADIUS
    solid |= (off_neck <= NECK_RADIUS) & (along >= 0) & (along <= 52)
    solid |= (np.hypot(q[:, 0], q[:, 1]) <= SHAFT_RADIUS) & (q[:, 2] <= 0) & (q[:, 2] >= -shaft_mm)
    solid |= np.linalg.norm(q - TROCHANTER, axis=1) <= TROCHANTER_RADIUS
    return solid | ((np.linalg.norm(q - LESSER, axis=1) <= LESSER_RADIUS) & (q[:, 2] >= -shaft_mm))


def femur(spacing_mm: float | tuple[float, float, float] = 1.5, shaft_mm: float = 100.0, pose: Pose = UPRIGHT) -> Labels:
    """Labels of the femur on a box around it, voxels by their centres."""
    spacing = np.broadcast_to(np.asarray(spacing_mm, dtype=float), 3)
    low, high = np.array([-72.0, -30.0, -shaft_mm]), np.array([30.0, 30.0, 58.0])
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T @ pose.rotation.T + pose.at_mm
    first, last = corners.min(axis=0) - 5, corners.max(axis=0) + 5
    i, j, k = (int(n) for n in np.ceil((last - first) / spacing))
    grid = Grid((i, j, k), tuple(float(s) for s in spacing), tuple(float(c) for c in first))
    places = grid.to_world(np.argwhere(np.ones(grid.shape, dtype=bool))[:, ::-1])
    own = (places - pose.at_mm) @ pose.rotation
    return Labels(grid, inside(own, shaft_mm).reshape(grid.shape).astype(np.int32), {1: "femur-left"})
