"""gmsh-tet10 against closed forms: volumes, places, holes, node order, regions; the same bytes each time."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from label_shapes import CENTRE, TURN, ball, grid_around, labels_of, torus

from culmann import Grid, InputError, Labels, LoadCase, Materials, Mesh, Prescribed
from culmann.journal import QuietJournal
from culmann.surface import outer_surface
from culmann.voxels import exterior_faces
from culmann_fem.native import NativeSolverConfig, native_solver
from culmann_mesh.gmsh_tet10 import GmshTet10Config, gmsh_tet10

BORDER = "field-of-view-border"


def build(labels: Labels, journal: QuietJournal | None = None, **options: Any) -> Mesh:
    journal = QuietJournal() if journal is None else journal
    return gmsh_tet10(labels, GmshTet10Config(**{"expected_holes": 0, **options}), journal)


def shape_slopes(r: float, s: float, t: float) -> np.ndarray:
    """(10, 3): derivatives of the shape functions of VTK's quadratic tetrahedron, written out one by one."""
    u = 1 - r - s - t
    return np.array(
        [
            [1 - 4 * u, 1 - 4 * u, 1 - 4 * u],
            [4 * r - 1, 0, 0],
            [0, 4 * s - 1, 0],
            [0, 0, 4 * t - 1],
            [4 * (u - r), -4 * r, -4 * r],
            [4 * s, 4 * r, 0],
            [-4 * s, 4 * (u - s), -4 * s],
            [-4 * t, -4 * t, 4 * (u - t)],
            [4 * t, 0, 4 * r],
            [0, 4 * t, 4 * s],
        ]
    )


def determinants(mesh: Mesh, cells: Any) -> np.ndarray:
    """(n, 4): Jacobian determinants at the four points of the rule of degree 2."""
    a, b = 0.5854101966249685, 0.1381966011250105
    at = [(b, b, b), (a, b, b), (b, a, b), (b, b, a)]
    return np.stack([np.linalg.det(np.einsum("nax,ac->nxc", mesh.points_mm[cells], shape_slopes(*p))) for p in at], axis=1)


def volumes(mesh: Mesh) -> np.ndarray:
    return determinants(mesh, mesh.cells).mean(axis=1) / 6


@pytest.fixture(scope="module")
def turned_ball() -> tuple[Labels, Mesh, QuietJournal]:
    labels = labels_of(ball(10), grid_around(12, (0.9, 1.2, 2.0), TURN))
    journal = QuietJournal()
    return labels, build(labels, journal, element_volume_mm3=2), journal


def test_a_ball_of_unequal_voxels_in_a_turned_image_is_a_ball(turned_ball: Any) -> None:
    labels, mesh, journal = turned_ball
    labelled = labels.foreground.sum() * labels.grid.voxel_volume_mm3
    assert volumes(mesh).sum() == pytest.approx(labelled, rel=0.01)
    assert volumes(mesh).sum() == pytest.approx(4 / 3 * np.pi * 1000, rel=0.02)
    faces, _ = exterior_faces(mesh)
    off = np.linalg.norm(mesh.points_mm[np.unique(faces)] - CENTRE, axis=1) - 10
    # Half of the smallest and half of the largest voxel.
    assert np.sqrt((off**2).mean()) < 0.2
    assert np.abs(off).max() < 1.0
    assert labelled / mesh.n_cells == pytest.approx(2, rel=0.15)
    assert not journal.warnings
    assert mesh.region_names == {1: "body"}
    assert not len(mesh.node_sets[BORDER])


def test_nodes_are_in_vtks_order_and_sides_are_straight(turned_ball: Any) -> None:
    _, mesh, _ = turned_ball
    assert (determinants(mesh, mesh.cells) > 0).all()
    ends = np.array([(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)])
    assert np.allclose(mesh.points_mm[mesh.cells[:, ends]].mean(axis=2), mesh.points_mm[mesh.cells[:, 4:]], atol=1e-12)
    # In gmsh's order the last two middles change places: this very check would not stand it.
    swapped = mesh.cells[:, [0, 1, 2, 3, 4, 5, 6, 7, 9, 8]]
    assert (determinants(mesh, swapped).std(axis=1) > 0.1 * determinants(mesh, swapped).mean(axis=1)).all()
    assert len(np.unique(mesh.cells)) == mesh.n_points
    assert len(np.unique(mesh.points_mm.round(9), axis=0)) == mesh.n_points


def test_quality_is_told_in_numbers_and_in_a_picture(turned_ball: Any) -> None:
    _, mesh, journal = turned_ball
    assert journal.attachments["mesh.png"].startswith(b"\x89PNG")
    assert journal.attachments["gmsh.log"]
    facts = json.loads(journal.attachments["mesh_quality.json"])
    assert facts["cells"] == mesh.n_cells
    assert facts["euler_number"] == 2
    assert facts["volume_mm3"] == pytest.approx(volumes(mesh).sum(), rel=1e-6)
    assert 0.1 < facts["scaled_jacobian"]["p0"] < facts["scaled_jacobian"]["p50"] < 1
    assert "scaled Jacobian at least" in mesh.history[-1]


def test_the_same_labels_give_the_same_bytes(turned_ball: Any) -> None:
    labels, mesh, _ = turned_ball
    again = build(labels, element_volume_mm3=2)
    assert again.points_mm.tobytes() == mesh.points_mm.tobytes()
    assert again.cells.tobytes() == mesh.cells.tobytes()


def test_the_order_of_the_axes_in_the_file_plays_no_part() -> None:
    labels = labels_of(lambda x: ((x / [9, 7, 5]) ** 2).sum(axis=1) < 1, grid_around(11, (1.5, 1.0, 1.25)))
    array = np.flip(labels.label.transpose(2, 0, 1), axis=1)  # now (z, y, x) hold what were x, -z, y
    axes = np.eye(3)[:, [1, 2, 0]] * [1, -1, 1]
    size = np.array(labels.grid.size)
    first = labels.grid.to_world(np.array([[0, 0, size[2] - 1]]))[0]
    spacing = np.array(labels.grid.spacing_mm)[[1, 2, 0]]
    grid = Grid(tuple(size[[1, 2, 0]].tolist()), tuple(spacing.tolist()), tuple(first.tolist()), tuple(axes.ravel().tolist()))
    other = Labels(grid, np.ascontiguousarray(array), labels.names)
    one, two = build(labels, element_volume_mm3=4), build(other, element_volume_mm3=4)
    assert np.allclose(one.points_mm, two.points_mm, atol=1e-6)
    assert np.array_equal(one.cells, two.cells)
    assert volumes(one).sum() == pytest.approx(4 / 3 * np.pi * 9 * 7 * 5, rel=0.02)


def test_a_torus_has_one_hole_which_is_told_or_refused() -> None:
    labels = labels_of(torus(8, 4), grid_around(14, (1.0, 1.0, 1.0)))
    journal = QuietJournal()
    mesh = build(labels, journal, element_volume_mm3=3)
    assert volumes(mesh).sum() == pytest.approx(2 * np.pi**2 * 8 * 16, rel=0.02)
    assert outer_surface(mesh, np.ones(mesh.n_cells, dtype=bool), 0).euler_number() == 0
    (warning,) = journal.warnings
    assert warning.startswith("1 holes lead through the bone, 0 expected: one of about ")
    assert "at [12.0, -30.0, 205.0] mm" in warning
    assert "1 hole through it (Euler number 0)" in mesh.history[-1]
    with pytest.raises(InputError, match="1 holes lead through"):
        build(labels, more_holes="refuse")
    quiet = QuietJournal()
    build(labels, quiet, element_volume_mm3=8, expected_holes=1)
    assert not quiet.warnings


def test_curved_sides_lie_on_a_ball_as_straight_ones_cannot() -> None:
    labels = labels_of(ball(10), grid_around(12, (1.0, 1.0, 1.0)))
    mesh = build(labels, element_volume_mm3=25, curved_sides=True)
    faces, owner = exterior_faces(mesh)
    outer = np.unique(faces)
    middle = np.setdiff1d(np.unique(exterior_sides(mesh, owner, faces)), outer)
    at = np.linalg.norm(mesh.points_mm[middle] - CENTRE, axis=1)
    straight = build(labels, element_volume_mm3=25)
    assert np.abs(at - 10).max() < 0.25
    assert (determinants(mesh, mesh.cells) > 0).all()
    assert volumes(mesh).sum() == pytest.approx(labels.foreground.sum(), rel=0.01)
    assert volumes(straight).sum() == pytest.approx(labels.foreground.sum(), rel=0.01)
    assert "edges of the surface are curved" in mesh.history[-1]


def exterior_sides(mesh: Mesh, owner: Any, faces: Any) -> np.ndarray:
    """Middle nodes of the edges of the outer faces."""
    ends = np.array([(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)])
    mine = mesh.cells[owner]
    on_face = (mine[:, ends, None] == faces[:, None, None, :]).any(axis=3).all(axis=2)
    return mine[:, 4:][on_face]


def test_regions_follow_the_border_between_labels_and_fit_together() -> None:
    whole = labels_of(ball(10), grid_around(12, (1.0, 1.0, 1.5), TURN))
    shell = labels_of(ball(6.5), whole.grid)
    labels = Labels(whole.grid, whole.label + shell.label, {1: "shell", 2: "core"})
    journal = QuietJournal()
    mesh = build(labels, journal, element_volume_mm3=1.5)
    volume = volumes(mesh)
    assert mesh.region_names == {1: "shell", 2: "core"}
    assert volume[mesh.region == 2].sum() == pytest.approx(4 / 3 * np.pi * 6.5**3, rel=0.03)
    # The faces between the regions are those of the core: both sides share their points, and they lie on its sphere.
    faces, _ = exterior_faces(mesh.part(mesh.region == 2))
    off = np.linalg.norm(mesh.points_mm[np.unique(faces)] - CENTRE, axis=1) - 6.5
    assert np.sqrt((off**2).mean()) < 0.5
    _, count = np.unique(
        np.sort(mesh.cells[:, [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]].reshape(-1, 3), axis=1), axis=0, return_counts=True
    )
    skin, _ = exterior_faces(mesh)
    assert set(count) == {1, 2}
    assert (count == 1).sum() == len(skin)
    assert np.linalg.norm(mesh.points_mm[np.unique(skin)] - CENTRE, axis=1).min() > 9
    assert json.loads(journal.attachments["mesh_quality.json"])["interface_off_mm_p95"] < 0.8


def test_a_cylinder_from_the_step_is_as_stiff_as_the_closed_form() -> None:
    """E A / L for a bar without lateral contraction, with A and L from the labels; the image ends with the bar."""
    radius, modulus, strain = 6.0, 800.0, 0.01
    grid = grid_around(10, (1.0, 1.0, 1.0))
    labels = labels_of(lambda x: np.hypot(x[:, 0], x[:, 1]) < radius, grid)
    mesh = build(labels, element_volume_mm3=1.5)
    height = 20.0
    ends = mesh.points_mm[mesh.node_sets[BORDER]][:, 2] - CENTRE[2]
    assert (np.abs(np.abs(ends) - height / 2) < 0.5).all()
    top, bottom = (mesh.node_sets[BORDER][sign * ends > 0] for sign in (1, -1))
    n = mesh.n_cells
    materials = Materials(np.full(n, modulus), np.zeros(n), np.zeros((n, 0)), np.zeros((n, 0)), np.full(n, 0.2))
    load = LoadCase(
        {"top": Prescribed(top, (0.0, 0.0, -strain * height)), "bottom": Prescribed(bottom, (0.0, 0.0, 0.0))},
        "top",
        (0.0, 0.0, -1.0),
        height,
        np.eye(3),
        (1.0,),
    )
    response = native_solver(mesh, materials, load, NativeSolverConfig(), QuietJournal())
    area = labels.foreground[10].sum() * 1.0
    assert response.force_n[-1] == pytest.approx(modulus * area * strain, rel=0.03)


def test_two_bones_are_refused_and_crumbs_are_dropped() -> None:
    grid = grid_around(14, (1.0, 1.0, 1.0))
    first, second = np.array([0.0, 0, -8]), np.array([0.0, 0, 7])
    two = labels_of(lambda x: ball(6)(x - first) | ball(5)(x - second), grid)
    with pytest.raises(InputError, match=r"in 2 separate parts; the largest two have .* around \[12, -30, 197\]") as caught:
        build(two)
    assert "pick-labels" in caught.value.hint
    journal = QuietJournal()
    crumbs = labels_of(lambda x: ball(6)(x - first) | ball(1.2)(x - second), grid)
    mesh = build(crumbs, journal, element_volume_mm3=4)
    assert (mesh.points_mm[:, 2] < CENTRE[2]).all()
    assert "voxels were dropped" in mesh.history[-1]
    with pytest.raises(InputError, match="no voxel is labelled"):
        build(labels_of(lambda x: x[:, 0] > 1e3, grid))


def test_hollows_are_filled_and_told() -> None:
    labels = labels_of(lambda x: ball(8)(x) & ~ball(3)(x), grid_around(10, (1.0, 1.0, 1.0)))
    journal = QuietJournal()
    mesh = build(labels, journal, element_volume_mm3=4)
    assert volumes(mesh).sum() == pytest.approx(4 / 3 * np.pi * 512, rel=0.03)
    assert any("hollows inside" in text for text in journal.warnings)


def test_too_many_elements_are_refused_with_an_estimate_unless_forced() -> None:
    labels = labels_of(ball(10), grid_around(12, (1.0, 1.0, 1.0)))
    with pytest.raises(InputError, match=r"about 4,1\d\d,000 tetrahedra|GB and .* minutes") as caught:
        build(labels, element_volume_mm3=0.0005)
    assert "force: true" in caught.value.hint
    with pytest.raises(InputError, match="100 are allowed"):
        build(labels, element_volume_mm3=8, max_elements=100)
    assert build(labels, element_volume_mm3=8, max_elements=100, force=True).n_cells > 100


def test_a_mesh_with_bad_cells_is_refused_with_their_place() -> None:
    labels = labels_of(ball(10), grid_around(12, (1.0, 1.0, 1.0)))
    with pytest.raises(InputError, match=r"cells have a scaled Jacobian below 0.9; the worst has 0\.\d+, at \["):
        build(labels, element_volume_mm3=20, smallest_scaled_jacobian=0.9)
