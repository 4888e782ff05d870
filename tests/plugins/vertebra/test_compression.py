"""The compression load case of blocks and tilted cylinders, and its anchors against rigid motion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from culmann.data import Grid, LoadCase, Mesh
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_vertebra.compression import CompressionConfig, compression

ROTATION = np.array([[2.0, -2, 1], [1, 2, 2], [-2, -1, 2]]) / 3


def block(axes: np.ndarray | None = None, shear: int = 0) -> Mesh:
    """4 x 6 x 10 cells of 2 mm with the sets on its two ends along k; `shear` moves the upper set by cells along i."""
    axes = np.eye(3) if axes is None else axes
    grid = Grid((12, 6, 10), (2.0, 2.0, 2.0), (5.0, -3.0, 40.0), tuple(axes.ravel()))
    region = np.zeros(grid.shape, dtype=int)
    region[..., :4] = 1
    if shear:
        region[...] = 1
    mesh = hexahedra(grid, region, {1: "bone"})
    at = np.rint(grid.to_index(mesh.points_mm) + 0.5)
    top = (at[:, 2] == 10) & (at[:, 0] >= shear) & (at[:, 0] <= 4 + shear)
    bottom = (at[:, 2] == 0) & (at[:, 0] <= 4)
    return replace(mesh, node_sets={"endplate-superior": np.flatnonzero(top), "endplate-inferior": np.flatnonzero(bottom)})


def load_of(mesh: Mesh, journal: QuietJournal | None = None, **options: object) -> LoadCase:
    return compression(mesh, CompressionConfig(**options), journal or QuietJournal())


def free_rigid_motions(mesh: Mesh, load: LoadCase) -> int:
    """How many of the six rigid motions no prescribed component forbids."""
    rows = []
    for held in load.prescribed.values():
        for node in held.nodes:
            x, y, z = mesh.points_mm[node]
            motions = np.array([[1, 0, 0, 0, z, -y], [0, 1, 0, -z, 0, x], [0, 0, 1, y, -x, 0]], dtype=float)
            rows += [load.axes[n] @ motions for n, value in enumerate(held.displacement_mm) if value is not None]
    return 6 - int(np.linalg.matrix_rank(np.array(rows), tol=1e-6))


@pytest.mark.parametrize("axes", [np.eye(3), ROTATION, np.diag([1.0, 1.0, -1.0])])
def test_bonded(axes):
    mesh = block(axes)
    load = load_of(mesh)
    k = axes[:, 2]
    assert load.reference_height_mm == pytest.approx(20)
    assert load.direction == pytest.approx(-k, abs=1e-12)
    assert load.prescribed["endplate-superior"].displacement_mm == pytest.approx(-0.019 * 20 * k, abs=1e-12)
    assert load.prescribed["endplate-inferior"].displacement_mm == (0, 0, 0)
    assert load.loaded == "endplate-superior"
    assert load.load_steps == pytest.approx(np.linspace(0.1, 1, 10))
    assert load.audit["endplate-superior_nodes"] == 5 * 7
    assert load.audit["endplate-superior_area_of_faces_mm2"] == pytest.approx(8 * 12)
    assert load.audit["endplate-inferior_area_of_faces_mm2"] == pytest.approx(8 * 12)
    assert load.audit["tilt_of_planes_through_nodes_deg"] == pytest.approx(0, abs=1e-6)


def test_the_height_is_that_of_the_centroids_and_the_load_follows_their_line():
    mesh = block(shear=5)
    load = load_of(mesh, reduction=0.01, steps=1)
    assert load.reference_height_mm == pytest.approx(np.hypot(20, 10))
    assert load.prescribed["endplate-superior"].displacement_mm == pytest.approx((-0.1, 0, -0.2))
    assert load.load_steps == (1.0,)


@pytest.mark.parametrize("axes", [np.eye(3), ROTATION, ROTATION[:, [2, 0, 1]], np.diag([1.0, -1.0, -1.0])])
def test_rollers_prescribe_along_a_lattice_axis_and_forbid_rigid_motion_just_so(axes):
    mesh = block(axes)
    load = load_of(mesh, contact="rollers")
    assert load.prescribed["endplate-superior"].displacement_mm == (None, None, pytest.approx(-0.38))
    assert np.allclose(np.abs(load.axes @ axes), np.abs(np.rint(load.axes @ axes)), atol=1e-9)
    assert load.axes[2] == pytest.approx(axes[:, 2], abs=1e-9)
    assert load.direction == pytest.approx(-load.axes[2])
    assert free_rigid_motions(mesh, load) == 0
    in_plane = sum(
        value is not None
        for name in ("anchor-sliding", "anchor-turning")
        for value in load.prescribed[name].displacement_mm[:2]
    )
    assert in_plane == 3
    plates = {name: held for name, held in load.prescribed.items() if name.startswith("endplate")}
    assert free_rigid_motions(mesh, replace(load, prescribed=plates)) == 3


def test_rollers_on_a_tilted_vertebra_say_how_far_the_lattice_is_off():
    journal = QuietJournal()
    load = load_of(block(shear=5), journal, contact="rollers")
    assert load.reference_height_mm == pytest.approx(20)
    assert load.audit["axis_from_centroid_line_deg"] == pytest.approx(np.degrees(np.arctan(0.5)), abs=1e-3)
    assert journal.warnings[0].startswith("the load acts along the lattice axis, 26.6 degrees from")


def test_rollers_off_a_lattice_follow_the_vertebra():
    mesh = replace(block(shear=5), lattice=None)
    load = load_of(mesh, contact="rollers")
    assert load.axes[2] == pytest.approx(np.array([1, 0, 2]) / np.sqrt(5))
    assert load.prescribed["endplate-superior"].displacement_mm[2] == pytest.approx(-0.019 * np.sqrt(500))
    assert free_rigid_motions(mesh, load) == 0


def test_directions_of_an_image_file_with_seven_digits_will_do():
    axes = np.round(ROTATION, 7)
    mesh = block(axes)
    assert load_of(mesh, contact="rollers").axes[2] == pytest.approx(ROTATION[:, 2], abs=1e-6)


def test_discs_go_before_endplates():
    mesh = block()
    layer = np.rint(mesh.lattice.grid.to_index(mesh.points_mm)[:, 2] + 0.5)
    discs = {"disc-superior": np.flatnonzero(layer == 9), "disc-inferior": np.flatnonzero(layer == 1)}
    load = load_of(replace(mesh, node_sets={**mesh.node_sets, **discs}))
    assert load.loaded == "disc-superior"
    assert load.reference_height_mm == pytest.approx(16)


@pytest.mark.parametrize(("height_mm", "why"), [(10, "a part of the vertebra may be missing"), (60, "may be merged")])
def test_a_height_that_no_vertebra_has_is_refused(height_mm, why):
    block_of = block()
    mesh = replace(block_of, points_mm=block_of.points_mm * [1, 1, height_mm / 20], lattice=None)
    with pytest.raises(InputError, match=rf"{height_mm}\.0 mm apart, outside of the 12 to 50 mm .* {why}") as error:
        load_of(mesh)
    assert "`plausible_height_mm`" in error.value.hint
    assert load_of(mesh, plausible_height_mm=None).reference_height_mm == pytest.approx(height_mm)
    assert load_of(mesh, plausible_height_mm=(5, 70)).reference_height_mm == pytest.approx(height_mm)


def test_the_height_of_the_bone_counts_and_not_that_of_its_discs():
    mesh = block()
    layer = np.rint(mesh.lattice.grid.to_index(mesh.points_mm)[:, 2] + 0.5)
    discs = {"disc-superior": np.flatnonzero(layer == 10), "disc-inferior": np.flatnonzero(layer == 0)}
    plates = {"endplate-superior": np.flatnonzero(layer == 7), "endplate-inferior": np.flatnonzero(layer == 2)}
    with pytest.raises(InputError, match=r"10\.0 mm apart"):
        load_of(replace(mesh, node_sets={**plates, **discs}))


def test_meshes_that_cannot_be_loaded_are_refused():
    mesh = block()
    with pytest.raises(InputError, match="no endplates to load; its node sets are: none") as error:
        load_of(replace(mesh, node_sets={}))
    assert "`endplates`" in error.value.hint
    same = dict.fromkeys(mesh.node_sets, mesh.node_sets["endplate-superior"])
    with pytest.raises(InputError, match="overlap"):
        load_of(replace(mesh, node_sets=same))


def test_a_displacement_in_mm_goes_before_the_reduction():
    load = load_of(block(), displacement_mm=0.7, steps=2)
    assert load.prescribed["endplate-superior"].displacement_mm == pytest.approx((0, 0, -0.7))
    assert load.audit["displacement_mm"] == 0.7
    assert load.reference_height_mm == pytest.approx(20)


def test_few_voxels_over_the_height_are_told():
    journal = QuietJournal()
    load_of(block(), journal)
    assert journal.warnings[0].startswith("the voxels are coarse: only 10 lie between the endplates")
    fine = hexahedra(Grid((4, 4, 20), (1.0, 1.0, 1.0)), np.ones((20, 4, 4), dtype=int), {1: "bone"})
    z = fine.points_mm[:, 2]
    sets = {"endplate-superior": np.flatnonzero(z == z.max()), "endplate-inferior": np.flatnonzero(z == z.min())}
    journal = QuietJournal()
    load_of(replace(fine, node_sets=sets), journal)
    assert journal.warnings == []
