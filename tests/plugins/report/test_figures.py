"""The pictures: what is sampled is right, and what is drawn depends on it."""

from __future__ import annotations

import io
from dataclasses import replace

import matplotlib.image as plt_image
import numpy as np
import pytest
from scipy.spatial import Delaunay

from culmann.data import Fields, Grid, Mesh, Response, Scan, Strength
from culmann.drawing import view_from
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.pipeline.listener import Silent
from culmann.pipeline.recorder import Recorder
from culmann.voxels import hexahedra
from culmann_report.curve import moment_of
from culmann_report.failure import CAVEAT_WIDTH, _round_top, caveat_lines
from culmann_report.figures import FiguresConfig, figures
from culmann_report.slices import Plane, cells_at, grey_values

TURN = np.array([[2.0, -2, 1], [1, 2, 2], [-2, -1, 2]]) / 3


def bone(axes: np.ndarray | None = None) -> Mesh:
    axes = np.eye(3) if axes is None else axes
    grid = Grid((10, 12, 14), (2.0, 2.0, 2.0), (3.0, -5.0, 20.0), tuple(axes.ravel()))
    k, j, i = np.indices(grid.shape)
    region = ((i - 4.5) ** 2 + (j - 5.5) ** 2 < 20) & (k > 1) & (k < 12)
    return hexahedra(grid, region.astype(int), {1: "bone"})


def response(mesh: Mesh, plastic: np.ndarray, force: tuple[float, ...] = (0, 3000, 4000)) -> Response:
    fields = Fields(np.zeros((mesh.n_points, 3)), plastic + 0.005, plastic, plastic, plastic)
    u = np.linspace(0, 0.38, len(force))
    return Response(mesh, u, np.array(force, dtype=float), 20.0, fields, fields, {})


STRENGTH = Strength(4000.0, "force at 1.9 % of the height", 0.38, 0.019, 15789.5)


def scan_of(mesh: Mesh) -> Scan:
    grid = Grid((30, 30, 40), (1.0, 1.0, 1.0), (-2.0, -10.0, 15.0))
    return Scan(grid, np.full(grid.shape, 200, dtype=np.float32))


def pixels(content: bytes) -> np.ndarray:
    return plt_image.imread(io.BytesIO(content))[..., :3]


def reddish(content: bytes) -> int:
    picture = pixels(content)
    return int(((picture[..., 0] > 0.5) & (picture[..., 2] < 0.35) & (picture[..., 1] < 0.55)).sum())


@pytest.mark.parametrize("axes", [np.eye(3), TURN, np.diag([1.0, -1.0, 1.0])])
def test_every_point_is_found_in_the_cell_that_it_was_put_in(axes):
    mesh = bone(axes)
    rng = np.random.default_rng(1)
    inside = mesh.cell_centres_mm() + rng.uniform(-0.99, 0.99, (mesh.n_cells, 3)) @ axes.T
    assert np.array_equal(cells_at(mesh, inside[None])[0], np.arange(mesh.n_cells))
    assert (cells_at(mesh, np.array([[[500.0, 0, 0]], [[3.0, -5.0, 20.0]]])) == -1).all()
    centres = cells_at(replace(mesh, lattice=None), mesh.cell_centres_mm()[None])[0]
    assert np.array_equal(centres, np.arange(mesh.n_cells))
    assert cells_at(replace(mesh, lattice=None), np.array([[[500.0, 0, 0]]])) == -1


def test_grey_values_follow_a_linear_image_and_end_with_it():
    grid = Grid((20, 30, 25), (1.5, 1.0, 2.0), (1.0, 2.0, 3.0), tuple(TURN.ravel()))
    k, j, i = np.indices(grid.shape)
    slope = np.array([3.0, -2.0, 5.0])
    world = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3))
    scan = Scan(grid, (world @ slope).reshape(grid.shape).astype(np.float32))
    inside = grid.to_world(np.random.default_rng(2).uniform(0, np.array(grid.size) - 1, (50, 3)))[None]
    assert grey_values(scan, inside) == pytest.approx(inside @ slope, abs=1e-3)
    assert np.isnan(grey_values(scan, grid.to_world(np.array([[-0.6, 5, 5]]))[None])).all()


def test_the_pixels_of_a_plane_lie_where_the_page_says():
    view = view_from(np.array([1.0, 0, 0]), np.array([0.0, 0, 1]))
    points = Plane(view, np.array([7.0, 99, 99]), (10, 16, -4, 0), 2.0).points_mm()
    assert points.shape == (2, 3, 3)
    assert (points[..., 0] == 7).all()
    assert points[0, :, 1].tolist() == [11, 13, 15]
    assert points[:, 0, 2].tolist() == [-3, -1]


def test_the_moment_nearest_to_the_failure_load_is_shown():
    mesh = bone()
    past_peak = response(mesh, np.zeros(mesh.n_cells), (0, 4000, 3000))
    assert moment_of(past_peak, replace(STRENGTH, displacement_mm=0.38)) == "end"
    assert moment_of(past_peak, replace(STRENGTH, displacement_mm=0.19)) == "peak"


def test_round_numbers_for_the_colours():
    assert _round_top(np.full(50, 0.0123)) == pytest.approx(0.015)
    assert _round_top(np.full(50, 0.08)) == pytest.approx(0.08)
    assert _round_top(np.full(50, 0.097)) == pytest.approx(0.1)
    assert _round_top(np.zeros(50)) == 0.01


def test_cells_that_yield_are_coloured_and_others_are_not():
    mesh = bone()
    none, some = np.zeros(mesh.n_cells), np.zeros(mesh.n_cells)
    some[np.abs(mesh.cell_centres_mm()[:, 2] - 33) < 4] = 0.03
    fixed = FiguresConfig(strain_top=0.04)
    grey, red = (
        figures(response(mesh, p), STRENGTH, fixed, QuietJournal(), scan_of(mesh)).files["failure.png"]
        for p in (some * 0.01, some)
    )
    assert reddish(red) > reddish(grey) + 5000
    linear = figures(response(mesh, none), STRENGTH, FiguresConfig(), QuietJournal()).files
    assert set(linear) == {"curve.png", "failure.png"}


@pytest.mark.parametrize("with_scan", [True, False])
@pytest.mark.parametrize("plane", ["sagittal", "coronal"])
def test_it_works_with_and_without_scan_and_lattice(with_scan, plane):
    mesh = replace(bone(TURN), lattice=None)
    files = figures(
        response(mesh, np.full(mesh.n_cells, 0.02)),
        STRENGTH,
        FiguresConfig(plane=plane),
        QuietJournal(),
        scan_of(mesh) if with_scan else None,
    ).files
    assert all(pixels(content).shape[0] > 400 for content in files.values())


def test_the_same_result_gives_the_same_files():
    mesh = bone()
    once, again = (
        figures(response(mesh, np.full(mesh.n_cells, 0.02)), STRENGTH, FiguresConfig(), QuietJournal()).files for _ in range(2)
    )
    assert once == again


def test_caveats_are_in_the_picture():
    mesh = bone()
    answer = response(mesh, np.zeros(mesh.n_cells))
    careful = replace(STRENGTH, caveats=("the calibration is assumed", "the endplate is cut"))
    plain, told = (
        pixels(figures(answer, s, FiguresConfig(), QuietJournal()).files["failure.png"]) for s in (STRENGTH, careful)
    )
    assert told.shape[0] > plain.shape[0]
    foot = told[-60:]
    assert ((foot[..., 0] > 0.8) & (foot[..., 2] < 0.6)).sum() > 500, "the caveats are written in yellow at the bottom"


def test_only_so_many_caveats_as_fit():
    assert caveat_lines(()) == []
    assert caveat_lines(("one", "two")) == ["caution: one", "caution: two"]
    assert caveat_lines([str(n) for n in range(6)])[-2:] == ["caution: 3", "… and 2 more: strength.json"]
    assert len(caveat_lines([str(n) for n in range(4)])) == 4
    long = "word " * 100
    lines = caveat_lines(["short", long, long])
    assert max(map(len, lines)) <= CAVEAT_WIDTH
    assert lines[0] == "caution: short"
    assert lines[-1] == "… and 2 more: strength.json"


def test_a_view_from_straight_above_is_refused():
    with pytest.raises(InputError, match="straight above"):
        figures(response(bone(), np.zeros(bone().n_cells)), STRENGTH, FiguresConfig(view=(0, 0, 2)), QuietJournal())


def test_a_scan_that_was_not_moved_as_the_mesh_was_is_left_out_and_that_is_said():
    mesh = bone()
    moved = replace(mesh, placement=mesh.placement.moved(np.diag([-1.0, 1, 1, 1]), "mirrored"))
    said = Recorder("pictures", Silent())
    answer = figures(response(moved, np.full(mesh.n_cells, 0.02)), STRENGTH, FiguresConfig(), said, scan_of(mesh))
    without = figures(response(moved, np.full(mesh.n_cells, 0.02)), STRENGTH, FiguresConfig(), QuietJournal())
    assert answer.files == without.files
    assert "was not moved as the mesh was" in said.warnings[0]


def test_every_point_is_found_in_its_tetrahedron_and_none_outside() -> None:
    points = np.random.default_rng(0).uniform(0, 10, (60, 3))
    cells = Delaunay(points).simplices.astype(np.int64)
    mesh = Mesh(points, cells, "tet4", np.ones(len(cells), dtype=np.int64))
    share = np.random.default_rng(1).dirichlet(np.ones(4), len(cells))
    found = cells_at(mesh, np.einsum("nc,ncx->nx", share, points[cells])[None])[0]
    # Flat cells at the hull have their centre far from some of their points: they are not among the nearest.
    assert (found == np.arange(len(cells))).mean() > 0.95
    assert (cells_at(mesh, np.array([[[11.0, 5, 5], [-3, 5, 5], [50, 0, 0]]])) == -1).all()
