"""Surfaces from labels and their remeshing: closed, as even as asked, in their place, on thick slices as well."""

from __future__ import annotations

import numpy as np
import pytest
from label_shapes import CENTRE, TURN, ball, grid_around, labels_of, torus

from culmann.surface import self_intersections
from culmann_mesh.remesh import calmed, remeshed, shape
from culmann_mesh.smooth_surface import smooth_body, voxels_off, with_volume


@pytest.mark.parametrize("edge_mm", [1.2, 2.0, 4.0])
def test_triangles_are_even_and_the_surface_stays_closed(edge_mm: float) -> None:
    labels = labels_of(torus(10, 5), grid_around(17, (1.0, 1.5, 1.0), TURN))
    body = smooth_body(labels.foreground, labels.grid)
    start = body.surface()
    surface = calmed(remeshed(start, body, edge_mm))
    assert surface.euler_number() == start.euler_number() == 0
    edges = np.sort(surface.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    length = np.linalg.norm(np.diff(surface.points_mm[edges], axis=1)[:, 0], axis=1)
    assert length.mean() == pytest.approx(edge_mm, rel=0.1)
    assert shape(surface.points_mm, surface.triangles).min() > 0.4
    assert not len(self_intersections(surface))
    off = voxels_off(surface.points_mm, labels.foreground, labels.grid)
    assert off.max() < 0.75
    assert (off <= 0.5).mean() > 0.97


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 3.0)])
def test_the_ends_of_a_cylinder_are_flat_and_in_their_place(spacing: tuple[float, float, float]) -> None:
    """The border of the voxels is where a flat end is; a tilted plane is nearer to its true place than the voxels are."""
    labels = labels_of(lambda x: (np.hypot(x[:, 0], x[:, 1]) < 8) & (np.abs(x[:, 2]) < 9), grid_around(15, spacing))
    body = smooth_body(labels.foreground, labels.grid)
    end = 1 + np.flatnonzero(labels.foreground.any(axis=(1, 2)))[-1]
    height = labels.grid.to_world(np.array([[0, 0, end - 0.5]]))[0, 2]
    r, turn = np.meshgrid([0.0, 2, 4], np.arange(0, 6.28, 0.5))
    start = np.column_stack(
        [(r * np.cos(turn)).ravel() + CENTRE[0], (r * np.sin(turn)).ravel() + CENTRE[1], np.full(r.size, height)]
    )
    assert np.abs(body.onto_surface(start, 5)[:, 2] - height).max() < 0.2 * spacing[2]

    normal = np.array([0.25, 0.1, 1]) / np.linalg.norm([0.25, 0.1, 1])
    slab = labels_of(lambda x: (np.abs(x[:, :2]).max(axis=1) < 14) & (np.abs(x @ normal) < 7), grid_around(18, spacing))
    tilted = smooth_body(slab.foreground, slab.grid)
    xy = np.random.default_rng(0).uniform(-8, 8, (300, 2))
    on_plane = CENTRE + np.column_stack([xy, (7 - xy @ normal[:2]) / normal[2]])
    off = (tilted.onto_surface(on_plane, 5) - CENTRE) @ normal - 7
    stairs = spacing[2] / np.sqrt(12)
    assert off.std() < stairs


@pytest.mark.parametrize("radius", [4.0, 9.0])
def test_a_body_of_stated_volume_is_a_ball(radius: float) -> None:
    labels = labels_of(ball(radius), grid_around(radius + 2, (0.8, 0.8, 1.5), TURN))
    body = with_volume(smooth_body(labels.foreground, labels.grid), 4 / 3 * np.pi * radius**3)
    points = body.onto_surface(body.surface().points_mm, 1.0)
    off = np.linalg.norm(points - CENTRE, axis=1) - radius
    assert abs(off.mean()) < 0.1
    assert off.std() < 0.12
    slope = body.gradient(points)
    outward = (points - CENTRE) / np.linalg.norm(points - CENTRE, axis=1, keepdims=True)
    assert (np.einsum("ij,ij->i", slope, outward) < -0.5).all()
