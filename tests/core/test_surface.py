"""Surfaces of balls and blocks against their areas and volumes."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest

from culmann.data import Grid, Mesh
from culmann.drawing import lit, view_from
from culmann.errors import InputError
from culmann.surface import Surface, nearest_axes, outer_surface
from culmann.voxels import hexahedra

RADIUS = 12.0


def ball(axes: np.ndarray, hollow: bool = False) -> Mesh:
    grid = Grid((30, 32, 34), (1.0, 1.0, 1.0), tuple(-axes @ np.array([14.3, 15.6, 16.1])), tuple(axes.ravel()))
    k, j, i = np.indices(grid.shape)
    r = np.linalg.norm(grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)), axis=1).reshape(grid.shape)
    return hexahedra(grid, ((r <= RADIUS) & ~(hollow & (r < 5))).astype(int), {})


def volume(surface: Surface) -> float:
    return float(np.einsum("nx,nx->", surface.centres_mm(), surface.area_vectors_mm2()) / 3)


@pytest.mark.parametrize(
    "axes", [np.eye(3), np.diag([-1.0, 1.0, 1.0]), np.eye(3)[[2, 0, 1]], np.array([[2.0, -2, 1], [1, 2, 2], [-2, -1, 2]]) / 3]
)
def test_a_ball_has_its_area_its_volume_and_outward_normals(axes):
    surface = outer_surface(ball(axes), np.ones(ball(axes).n_cells, dtype=bool), 1.5)
    vectors = surface.area_vectors_mm2()
    # A Gaussian moves a surface inwards by half its variance times the sum of the two curvatures.
    radius = RADIUS - 1.5**2 / RADIUS
    assert np.linalg.norm(vectors, axis=1).sum() == pytest.approx(4 * np.pi * radius**2, rel=0.01)
    assert volume(surface) == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.01)
    assert np.linalg.norm(surface.points_mm, axis=1) == pytest.approx(RADIUS, abs=0.6)
    assert (np.einsum("nx,nx->n", surface.centres_mm(), vectors) > 0).all()


def test_hollows_are_closed():
    solid, hollow = (ball(np.eye(3), hollow) for hollow in (False, True))
    assert volume(outer_surface(hollow, hollow.is_bone, 1.0)) == pytest.approx(volume(outer_surface(solid, solid.is_bone, 1.0)))


def test_without_a_lattice_the_faces_are_taken_as_they_are():
    grid = Grid((3, 4, 5), (1.0, 2.0, 1.0))
    mesh = hexahedra(grid, np.ones(grid.shape, dtype=int), {})
    bare = Mesh(mesh.points_mm, mesh.cells, "hex8", mesh.region)
    surface = outer_surface(bare, np.ones(60, dtype=bool), 1.0)
    assert np.linalg.norm(surface.area_vectors_mm2(), axis=1).sum() == pytest.approx(2 * (3 * 8 + 3 * 5 + 8 * 5))
    assert np.einsum("nx,nx->", surface.centres_mm(), surface.area_vectors_mm2()) / 3 == pytest.approx(120)
    with pytest.raises(InputError, match="no cell"):
        outer_surface(bare, np.zeros(60, dtype=bool), 1.0)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_nearest_axes_of_a_turned_grid(order):
    signs = np.array([1.0, -1.0, -1.0])
    grid = Grid((2, 2, 2), (1.0, 1.0, 1.0), direction=tuple((np.eye(3)[:, order] * signs).ravel()))
    found, backwards = nearest_axes(grid)
    assert np.allclose(grid.axes[:, found] * np.where(backwards, -1, 1), np.eye(3))


def test_a_patient_seen_from_the_left_looks_to_the_left_of_the_page():
    view = view_from(np.array([1.0, 0, 0]), np.array([0.0, 0, 1]))
    assert view.letters() == {"left": "A", "right": "P", "top": "S", "bottom": "I"}
    front = view_from(np.array([0.0, -1, 0]), np.array([0.0, 0, 1]))
    # The patient's left is on the right of the page, as if one stood in front of them.
    assert front.letters() == {"left": "R", "right": "L", "top": "S", "bottom": "I"}
    assert front.on_page(np.array([10.0, 5.0, 3.0])) == pytest.approx([10, 3])


def test_light_falls_from_above_left():
    surface = outer_surface(ball(np.eye(3)), np.ones(ball(np.eye(3)).n_cells, dtype=bool), 1.5)
    view = view_from(np.array([0.0, -1, 0]), np.array([0.0, 0, 1]))
    bright = lit(surface, np.ones((len(surface.triangles), 3)), view)[:, 0]
    lamp = np.array([-0.45, -1.0, 0.55])
    towards = surface.centres_mm() @ lamp / RADIUS / np.linalg.norm(lamp)
    assert np.allclose(bright[towards > 0.2], 0.38 + 0.62 * towards[towards > 0.2], atol=0.08)
    assert bright[towards < -0.1] == pytest.approx(0.38)
