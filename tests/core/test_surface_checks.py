"""Closed surfaces: volume, Euler number and intersections against shapes where they are known."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.measure import marching_cubes

from culmann.surface import Surface, self_intersections


def level(function, half: float = 12.0, n: int = 48) -> Surface:  # type: ignore[no-untyped-def]
    x = np.linspace(-half, half, n)
    field = function(*np.meshgrid(x, x, x, indexing="ij"))
    points, triangles, _, _ = marching_cubes(field, 0.0, spacing=(2 * half / (n - 1),) * 3)
    surface = Surface(points.astype(float) - half, triangles.astype(np.int64))
    return surface if surface.volume_mm3() > 0 else Surface(surface.points_mm, surface.triangles[:, ::-1])


def sphere(radius: float, x0: float = 0.0) -> Surface:
    return level(lambda x, y, z: radius - np.sqrt((x - x0) ** 2 + y**2 + z**2))


def joined(*surfaces: Surface) -> Surface:
    start = np.cumsum([0, *[len(s.points_mm) for s in surfaces]])
    triangles = [s.triangles + n for s, n in zip(surfaces, start, strict=False)]
    return Surface(np.concatenate([s.points_mm for s in surfaces]), np.concatenate(triangles))


def test_volume_and_euler_number_of_known_shapes() -> None:
    ball = sphere(8)
    torus = level(lambda x, y, z: 3 - np.sqrt((np.hypot(x, y) - 7) ** 2 + z**2))
    assert ball.volume_mm3() == pytest.approx(4 / 3 * np.pi * 512, rel=0.01)
    assert Surface(ball.points_mm, ball.triangles[:, ::-1]).volume_mm3() == pytest.approx(-ball.volume_mm3())
    assert torus.volume_mm3() == pytest.approx(2 * np.pi**2 * 7 * 9, rel=0.02)
    assert (ball.euler_number(), torus.euler_number(), joined(ball, torus).euler_number()) == (2, 0, 2)


def test_spheres_that_cut_each_other_do_so_along_their_common_circle() -> None:
    both = joined(sphere(5, -3), sphere(5, 3.1))
    pairs = self_intersections(both)
    assert len(pairs) > 20
    at = both.centres_mm()[np.unique(pairs)]
    assert np.abs(at[:, 0]).max() < 1
    assert np.allclose(np.hypot(at[:, 1], at[:, 2]), 4, atol=0.8)
    n = len(sphere(5, -3).triangles)
    assert ((pairs.min(axis=1) < n) & (pairs.max(axis=1) >= n)).all()


def test_what_does_not_cut_itself_has_no_intersections() -> None:
    assert not len(self_intersections(sphere(8)))
    assert not len(self_intersections(joined(sphere(4, -5), sphere(4, 5))))
    assert not len(self_intersections(joined(sphere(8), sphere(4))))


def test_pairs_are_those_of_brute_force() -> None:
    rng = np.random.default_rng(3)
    points = rng.uniform(0, 4, (60, 3)) + 0.8 * rng.normal(size=(60, 3))
    triangles = np.arange(60).reshape(20, 3)

    def cuts(one: np.ndarray, two: np.ndarray) -> bool:
        """By solving for the point where each edge of one passes through the plane of the other."""
        for a, b in ((0, 1), (1, 2), (2, 0)):
            matrix = np.column_stack([two[1] - two[0], two[2] - two[0], one[a] - one[b]])
            u, v, t = np.linalg.solve(matrix, one[a] - two[0])
            if u > 0 and v > 0 and u + v < 1 and 0 < t < 1:
                return True
        return False

    corners = points[triangles]
    expected = {
        (i, j) for i in range(20) for j in range(i + 1, 20) if cuts(corners[i], corners[j]) or cuts(corners[j], corners[i])
    }
    assert {tuple(sorted(pair)) for pair in self_intersections(Surface(points, triangles)).tolist()} == expected
    assert expected
