"""Endplates of bodies whose endplates are known."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import matplotlib.image as plt_image
import numpy as np
import pytest
from scipy import ndimage

from culmann.data import Mesh, Solid
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_vertebra.axis import fibonacci_sphere, pole_axes
from culmann_vertebra.endplates import EndplatesConfig, endplates
from culmann_vertebra.picture import COLOURS

_spec = spec_from_file_location("bodies", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
bodies = module_from_spec(_spec)
_spec.loader.exec_module(bodies)

SUPERIOR, INFERIOR = "endplate-superior", "endplate-inferior"
DISC = np.pi * bodies.RADIUS**2


@pytest.fixture(autouse=True)
def _no_pictures(request, monkeypatch):
    """The picture takes as long as the rest; one test looks at it."""
    if "picture" not in request.node.name:
        monkeypatch.setattr("culmann_vertebra.endplates.endplate_picture", lambda *_: b"")


def found(mesh: Mesh, **options: object) -> tuple[np.ndarray, np.ndarray, QuietJournal]:
    """Positions of the nodes of both plates."""
    journal = QuietJournal()
    done = endplates(mesh, EndplatesConfig(**options), journal)
    return mesh.points_mm[done.node_sets[SUPERIOR]], mesh.points_mm[done.node_sets[INFERIOR]], journal


def told(mesh: Mesh) -> tuple[np.ndarray, list[float]]:
    """The axis and the two areas, as they are written into the history."""
    text = endplates(mesh, EndplatesConfig(), QuietJournal()).history[-1]
    axis = re.search(r"axis \[(.*?)\]", text)
    assert axis is not None
    return np.array([float(c) for c in axis[1].split(",")]), [float(a) for a in re.findall(r"([\d.]+) mm²", text)]


def angle_deg(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(a @ b / np.linalg.norm(a) / np.linalg.norm(b), -1, 1))))


def test_an_upright_cylinder_has_the_nodes_of_its_two_planes():
    mesh = bodies.voxels()
    top, bottom, journal = found(mesh)
    z = mesh.points_mm[:, 2]
    assert set(map(tuple, top)) == set(map(tuple, mesh.points_mm[z > z.max() - 1e-6]))
    assert set(map(tuple, bottom)) == set(map(tuple, mesh.points_mm[z < z.min() + 1e-6]))
    assert journal.warnings == []


def test_the_picture_shows_both_plates_in_their_colours():
    _, _, journal = found(bodies.voxels(spacing=3.0))
    pixels = plt_image.imread(io.BytesIO(journal.attachments["endplates.png"]))[..., :3]
    for colour in COLOURS:
        assert (np.abs(pixels - colour).max(axis=2) < 0.02).sum() > 500


@pytest.mark.parametrize("tilt", [0, 10, 20, 30, 40])
def test_the_axis_and_the_areas_of_a_tilted_cylinder(tilt):
    mesh, axis = bodies.voxels(tilt_deg=tilt), bodies.axis_of(tilt)
    top, bottom, _ = found(mesh)
    seen, areas = told(mesh)
    assert angle_deg(seen, axis) < 1
    assert angle_deg(top.mean(axis=0) - bottom.mean(axis=0), axis) < 2.5
    # The smoothing rounds the rim off: 0.6 mm of the radius are 7 % of the area.
    assert areas == pytest.approx([DISC, DISC], rel=0.08)
    for plate, side in ((top, 1), (bottom, -1)):
        assert np.abs(side * plate @ axis - bodies.HEIGHT / 2).max() < 2 * 1.5


@pytest.mark.parametrize("tilt", [0, 15, 40])
def test_tetrahedra_give_exactly_the_nodes_of_the_two_faces(tilt):
    mesh = bodies.round_tetrahedra(tilt)
    top, bottom, _ = found(mesh)
    along = mesh.points_mm @ bodies.axis_of(tilt)
    assert set(map(tuple, top)) == set(map(tuple, mesh.points_mm[along > bodies.HEIGHT / 2 - 1e-6]))
    assert set(map(tuple, bottom)) == set(map(tuple, mesh.points_mm[along < -bodies.HEIGHT / 2 + 1e-6]))


@pytest.mark.parametrize("tilt", [0, 25])
def test_quadratic_tetrahedra_have_the_middles_of_their_edges_too(tilt):
    mesh = bodies.quadratic(tilt)
    done = endplates(mesh, EndplatesConfig(), QuietJournal())
    along = mesh.points_mm @ bodies.axis_of(tilt)
    assert set(done.node_sets[SUPERIOR]) == set(np.flatnonzero(along > bodies.HEIGHT / 2 - 1e-6))
    assert set(done.node_sets[INFERIOR]) == set(np.flatnonzero(along < -bodies.HEIGHT / 2 + 1e-6))


def test_processes_that_rise_above_the_plate_do_not_belong_to_it():
    plain, _, _ = found(bodies.voxels())
    mesh = bodies.voxels(processes=True)
    top, _, journal = found(mesh)
    assert mesh.points_mm[:, 2].max() > bodies.HEIGHT / 2 + 6
    shared = set(map(tuple, plain.round(6))) & set(map(tuple, top.round(6)))
    assert len(shared) > 0.95 * len(plain)
    assert top[:, 1].max() < bodies.RADIUS + 6
    assert top[:, 2].max() < bodies.HEIGHT / 2 + 1.5
    axis, areas = told(mesh)
    assert angle_deg(axis, np.array([0, 0, 1])) < 1
    assert areas == pytest.approx([DISC, DISC], rel=0.08)
    assert journal.warnings == []


def test_the_largest_patch_can_be_switched_off():
    mesh = bodies.voxels(processes=True)
    top, _, _ = found(mesh, largest_patch_only=False)
    assert top[:, 1].max() > 30


def test_named_regions_only():
    mesh = bodies.voxels(processes=True)
    top, _, _ = found(mesh, regions=("body",))
    plain, _, _ = found(bodies.voxels())
    # Where the stalks stand the rim is inside of the bone, and no exterior node.
    assert set(map(tuple, top.round(6))) <= set(map(tuple, plain.round(6)))
    with pytest.raises(InputError, match="no region corpus") as error:
        found(mesh, regions=("corpus",))
    assert "body, process" in str(error.value)


@pytest.mark.parametrize("voxels", [-2, -1, 1, 2])
def test_masks_that_are_too_small_or_too_large(voxels):
    grid, region = bodies.body(tilt_deg=12, processes=True)
    change = ndimage.binary_erosion if voxels < 0 else ndimage.binary_dilation
    mask = change(region != 0, iterations=abs(voxels)).astype(int)
    mesh = hexahedra(grid, mask, {1: "bone"})
    top, bottom, _ = found(mesh)
    axis, moved = bodies.axis_of(12), 1.5 * voxels
    seen, areas = told(mesh)
    assert angle_deg(seen, axis) < 2.5
    assert areas == pytest.approx([np.pi * (bodies.RADIUS + moved) ** 2] * 2, rel=0.12)
    # Steps along the lattice move a tilted plane by less than their length.
    height = (top.mean(axis=0) - bottom.mean(axis=0)) @ axis
    assert height == pytest.approx(bodies.HEIGHT + 2 * moved, abs=2.0)


@pytest.mark.parametrize(("order", "backwards"), bodies.ORDERS[::3])
def test_the_order_of_the_voxels_in_the_file_plays_no_part(order, backwards):
    grid, region = bodies.body(tilt_deg=17, processes=True)
    turned = bodies.reordered(grid, region, order, backwards)
    for a, b in zip(found(hexahedra(grid, region, {}))[:2], found(hexahedra(*turned, {}))[:2], strict=True):
        assert len(a) == len(b)
        assert np.allclose(a[np.lexsort(a.round(5).T)], b[np.lexsort(b.round(5).T)], atol=1e-9)


def test_the_same_mesh_gives_the_same_result_to_the_bit():
    mesh = bodies.voxels(tilt_deg=25)
    first, second = (endplates(mesh, EndplatesConfig(), QuietJournal()) for _ in range(2))
    assert first.history == second.history
    for name in (SUPERIOR, INFERIOR):
        assert np.array_equal(first.node_sets[name], second.node_sets[name])


def test_a_concave_plate_belongs_to_it_down_to_the_chosen_depth():
    grid, region = bodies.body()
    k, j, i = np.indices(grid.shape)
    x, y, z = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).T.reshape(3, *grid.shape)
    dish = z > bodies.HEIGHT / 2 - 2.5 * np.clip(1 - (x**2 + y**2) / 12**2, 0, 1)
    top, _, _ = found(hexahedra(grid, np.where(dish, 0, region), {}))
    centre = np.linalg.norm(top[:, :2], axis=1) < 3
    assert centre.sum() >= 9
    assert top[centre, 2].max() < bodies.HEIGHT / 2 - 1


def test_hollows_inside_have_no_exterior_nodes():
    grid, region = bodies.body()
    hollow = region.copy()
    z = int(np.flatnonzero(region.any(axis=(1, 2))).max())
    hollow[z - 1, 28:32, 28:32] = 0
    solid, void = (found(hexahedra(grid, r, {}))[0] for r in (region, hollow))
    assert set(map(tuple, void)) == set(map(tuple, solid))


def test_cement_is_no_bone():
    grid, region = bodies.body()
    capped = region.copy()
    top = int(np.flatnonzero(region.any(axis=(1, 2))).max())
    capped[top + 1 : top + 5] = 2 * region[top]
    mesh = hexahedra(grid, capped, {1: "body", 2: "cement"}, solids={2: Solid(2500.0)})
    assert set(map(tuple, found(mesh)[0].round(6))) == set(map(tuple, found(hexahedra(grid, region, {}))[0].round(6)))


def test_a_bone_cut_by_the_field_of_view_is_told():
    mesh = bodies.voxels()
    z = mesh.points_mm[:, 2]
    top = np.flatnonzero(z > z.max() - 1e-6)
    n, quarter = len(top), len(top) // 4

    def told_when_cut(nodes: int, **options: float) -> list[str]:
        return found(replace(mesh, node_sets={"field-of-view-border": top[:nodes]}), **options)[2].warnings

    said = "the superior endplate is cut by the field of view ({} of {} nodes): the failure load is that of a truncated bone"
    assert told_when_cut(quarter) == [said.format(quarter, n)]
    with pytest.raises(InputError, match=f"{n} of {n} nodes of the superior endplate lie at the border") as error:
        told_when_cut(n)
    assert "`largest_cut_share: 1`" in error.value.hint
    assert told_when_cut(n, largest_cut_share=1) == [said.format(n, n)]
    process_cut = replace(mesh, node_sets={"field-of-view-border": np.flatnonzero(np.abs(z) < 2)})
    assert found(process_cut)[2].warnings == []


def test_the_superior_side_is_a_choice():
    mesh = bodies.voxels()
    top, bottom, _ = found(mesh)
    other_top, other_bottom, _ = found(mesh, superior=(0, 0, -2))
    assert set(map(tuple, top)) == set(map(tuple, other_bottom))
    assert set(map(tuple, bottom)) == set(map(tuple, other_top))
    assert any("degrees from the direction taken as superior" in w for w in found(mesh, superior=(1, 0, 0.8))[2].warnings)
    with pytest.raises(InputError, match="73 degrees from the direction taken as superior, more than 60"):
        found(mesh, superior=(1, 0, 0.3))
    assert len(found(mesh, superior=(1, 0, 0.3), largest_lean_deg=90)[0]) == len(top)
    with pytest.raises(InputError, match="not a direction"):
        found(mesh, superior=(0, 0, 0))


def wedge(degrees: float) -> Mesh:
    """A cylinder whose upper face is a slope of so many degrees."""
    grid, _ = bodies.body(spacing=2.0)
    k, j, i = np.indices(grid.shape)
    x, y, z = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).T.reshape(3, *grid.shape)
    inside = (np.hypot(x, y) <= bodies.RADIUS) & (z > -bodies.HEIGHT) & (z < np.tan(np.radians(degrees)) * x)
    return hexahedra(grid, inside.astype(int), {1: "body"})


def test_a_wedge_is_told_and_refused_when_it_is_no_vertebra_any_more():
    assert any("tilted 3" in text and "qc folder" in text for text in found(wedge(33))[2].warnings)
    with pytest.raises(InputError, match=r"tilted 4[5-9] degrees towards each other, more than 40"):
        found(wedge(47))
    assert len(found(wedge(47), largest_tilt_deg=60)[0]) > 50


def test_plates_that_do_not_lie_opposite_each_other_are_told():
    """A cylinder pushed over: its faces stay parallel, the line through their middles leans."""

    def pushed(degrees: float) -> Mesh:
        grid, _ = bodies.body(spacing=2.0)
        wide = replace(grid, size=(2 * grid.size[0], *grid.size[1:]))
        k, j, i = np.indices(wide.shape)
        x, y, z = wide.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).T.reshape(3, *wide.shape)
        x = x - (x.min() + x.max()) / 2 - np.tan(np.radians(degrees)) * (z + bodies.HEIGHT / 2)
        inside = (np.hypot(x, y) <= bodies.RADIUS) & (np.abs(z + bodies.HEIGHT / 2) < bodies.HEIGHT / 2)
        return hexahedra(wide, inside.astype(int), {1: "body"})

    assert found(pushed(15))[2].warnings == []
    warnings = found(pushed(35))[2].warnings
    assert any("do not lie opposite each other" in text for text in warnings)
    told = next(re.search(r"middles is (\d+) degrees", text) for text in warnings if "opposite each other" in text)
    assert told is not None
    assert 25 < int(told[1]) < 40  # the smoothed rim turns the axis a little


def test_a_cone_is_no_vertebra():
    grid, region = bodies.body(spacing=2.0)
    k, j, i = np.indices(grid.shape)
    x, y, z = grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).T.reshape(3, *grid.shape)
    cone = (region != 0) & (np.hypot(x, y) <= 18 - 8 * (z + 14) / 28)
    with pytest.raises(InputError, match=r"a ratio of 0\.4\d that is below 0.55"):
        found(hexahedra(grid, cone.astype(int), {}))
    assert found(hexahedra(grid, cone.astype(int), {}), smallest_area_ratio=0)[2].warnings == []


def test_too_few_nodes_are_told():
    grid, region = bodies.body(spacing=6.0)
    warnings = found(hexahedra(grid, region, {}), smoothing_mm=0)[2].warnings
    assert sum("too coarse" in w for w in warnings) == 2


def test_a_crumb_is_refused():
    grid, region = bodies.body()
    crumb = np.zeros_like(region)
    crumb[20, 20, 20] = 1
    with pytest.raises(InputError, match="thinner than the smoothing"):
        found(hexahedra(grid, crumb, {}))


def test_directions_cover_the_sphere_and_come_in_opposite_pairs():
    direction = fibonacci_sphere(4000)
    assert np.allclose(np.linalg.norm(direction, axis=1), 1)
    assert np.allclose(direction[:2000], -direction[2000:])
    # Moments of the uniform distribution on the sphere: zero mean, a third of the identity.
    assert np.allclose(direction.T @ direction / 4000, np.eye(3) / 3, atol=1e-3)


def test_the_pair_of_poles_wins_over_a_single_larger_one():
    up, side = np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
    axes = pole_axes(np.stack([up, -up, side]), np.array([5.0, 4.0, 50.0]), 3)
    assert abs(axes[0] @ up) == pytest.approx(1)
