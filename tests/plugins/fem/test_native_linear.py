"""The native solver in the linear range: closed forms, invariance, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from culmann import Grid, InputError, LoadCase, Prescribed, SolverError
from culmann.voxels import hexahedra


@pytest.mark.parametrize("integration", ["b-bar", "full"])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.78, 0.78, 0.67)])
def test_free_bar_has_the_stiffness_of_a_bar(make_block, make_material, native, integration, spacing):
    bar = make_block(spacing=spacing)
    answer = native(bar.mesh, make_material(bar.mesh.n_cells), bar.load, integration=integration)
    assert answer.force_n[-1] == pytest.approx(1000 * 0.02 * bar.area_mm2, rel=1e-6)
    assert answer.displacement_mm[-1] == pytest.approx(0.02 * bar.height_mm)
    # the bar widens by Poisson's ratio: the field, not only the force, is that of the closed form
    z = bar.mesh.points_mm[:, 2]
    assert answer.end.displacement_mm[:, 2] == pytest.approx(-0.02 * (z - z.min()), abs=1e-6 * bar.height_mm)
    x = bar.mesh.points_mm[:, 0]
    assert answer.end.displacement_mm[:, 0] == pytest.approx(0.3 * 0.02 * (x - x.min()), abs=1e-6 * bar.height_mm)


def test_confined_bar_has_the_oedometric_modulus(make_block, make_material, native):
    bar = make_block(confined=True)
    answer = native(bar.mesh, make_material(bar.mesh.n_cells), bar.load)
    modulus = 1000 * 0.7 / (1.3 * 0.4)
    assert answer.force_n[-1] == pytest.approx(modulus * 0.02 * bar.area_mm2, rel=1e-6)


def test_two_materials_in_series(make_block, make_material, native):
    bar = make_block(size=(3, 2, 6))
    lower = bar.mesh.lattice.cell_index[:, 2] < 3
    modulus = np.where(lower, 500.0, 20000.0)
    answer = native(bar.mesh, make_material(bar.mesh.n_cells, modulus, 0.0), bar.load)
    expected = bar.area_mm2 * 0.02 * bar.height_mm / (3 / 500 + 3 / 20000)
    assert answer.force_n[-1] == pytest.approx(expected, rel=1e-6)


def test_two_poisson_ratios_in_series_when_confined(make_block, make_material, native):
    bar = make_block(size=(2, 2, 4), confined=True)
    ratio = np.where(bar.mesh.lattice.cell_index[:, 2] < 2, 0.2, 0.4)
    answer = native(bar.mesh, make_material(bar.mesh.n_cells, 1000.0, ratio), bar.load)
    stiff = [1000 * (1 - n) / ((1 + n) * (1 - 2 * n)) for n in (0.2, 0.4)]
    expected = bar.area_mm2 * 0.02 * bar.height_mm / (2 / stiff[0] + 2 / stiff[1])
    assert answer.force_n[-1] == pytest.approx(expected, rel=1e-6)


def test_patch_test_through_random_moduli_free_of_poisson_effects(make_block, make_material, native):
    """A linear displacement on the whole surface is the solution inside, whatever the (uniform) material."""
    mesh = make_block(size=(4, 5, 6), spacing=(0.8, 1.0, 1.3)).mesh
    gradient = np.array([[1e-3, 2e-3, -1e-3], [0, -3e-3, 1e-3], [2e-3, 0, 5e-4]])
    exact = (mesh.points_mm - mesh.points_mm.mean(axis=0)) @ gradient.T
    low, high = mesh.points_mm.min(axis=0), mesh.points_mm.max(axis=0)
    surface = np.flatnonzero(((mesh.points_mm == low) | (mesh.points_mm == high)).any(axis=1))
    sets = {f"node-{n}": Prescribed(np.array([n]), tuple(exact[n])) for n in surface}
    load = LoadCase(sets, f"node-{surface[0]}", (0.0, 0.0, 1.0), 1.0)
    answer = native(mesh, make_material(mesh.n_cells), load, residual_tolerance=1e-8)
    assert answer.end.displacement_mm == pytest.approx(exact, abs=1e-9)


def bone_like(axes):
    """A blob with random moduli whose array axes are laid along the given columns of LPS, and its load case."""
    rng = np.random.default_rng(5)
    n = np.array([7, 6, 9])
    x = np.stack(np.meshgrid(*(np.arange(m) for m in n), indexing="ij"), axis=-1)  # patient coordinates, mm
    inside = (((x - (n - 1) / 2) / (n / 2)) ** 2).sum(axis=-1) < 1.1
    inside[:, :, [0, -1]] = inside[:, :, [1, -2]]
    modulus = np.exp(rng.normal(6, 1, n))
    # array axis a runs along patient axis order[a], backwards where the sign is negative
    order = np.abs(axes).argmax(axis=0)
    sign = axes[order, [0, 1, 2]]
    flip = tuple(slice(None, None, int(s)) for s in sign)
    array, value = inside.transpose(order)[flip], modulus.transpose(order)[flip]
    origin = np.zeros(3)
    for a in range(3):
        if sign[a] < 0:
            origin[order[a]] = n[order[a]] - 1
    grid = Grid(tuple(array.shape), (1.0, 1.0, 1.0), tuple(origin), tuple(axes.ravel()))
    mesh = hexahedra(grid, array.transpose(2, 1, 0).astype(int), {1: "bone"})
    i, j, k = mesh.lattice.cell_index.T
    z = mesh.points_mm[:, 2]
    top, bottom = np.flatnonzero(z > z.max() - 0.5), np.flatnonzero(z < z.min() + 0.5)
    sets = {"top": Prescribed(top, (0.02, 0.0, -0.1)), "bottom": Prescribed(bottom, (0.0, 0.0, 0.0))}
    return mesh, value[i, j, k], LoadCase(sets, "top", (0.0, 0.0, -1.0), 9.0)


@pytest.mark.parametrize(
    "axes",
    [
        np.eye(3)[:, [2, 0, 1]],
        np.eye(3)[:, [1, 0, 2]],
        np.diag([-1.0, -1.0, 1.0]),
        np.diag([1.0, 1.0, -1.0]),
        np.eye(3)[:, [2, 1, 0]] * [1, -1, -1],
    ],
    ids=["permuted", "swapped", "turned", "mirrored", "permuted-and-flipped"],
)
def test_force_does_not_depend_on_how_the_image_is_stored(make_material, native, axes):
    mesh, modulus, load = bone_like(np.eye(3))
    other_mesh, other_modulus, other_load = bone_like(axes)
    straight = native(mesh, make_material(mesh.n_cells, modulus), load, residual_tolerance=1e-8)
    other = native(other_mesh, make_material(mesh.n_cells, other_modulus), other_load, residual_tolerance=1e-8)
    assert other.force_n[-1] == pytest.approx(straight.force_n[-1], rel=1e-7)
    by_place = {tuple(p.round(3)): u for p, u in zip(mesh.points_mm, straight.end.displacement_mm, strict=True)}
    for p, u in zip(other_mesh.points_mm, other.end.displacement_mm, strict=True):
        assert u == pytest.approx(by_place[tuple(p.round(3))], abs=1e-7)


def test_number_of_threads_changes_no_bit(make_material, native):
    mesh, modulus, load = bone_like(np.eye(3))
    answers = [native(mesh, make_material(mesh.n_cells, modulus), load, threads=t) for t in (1, 2, 3)]
    for answer in answers[1:]:
        assert np.array_equal(answer.force_n, answers[0].force_n)
        assert np.array_equal(answer.end.displacement_mm, answers[0].end.displacement_mm)


def test_a_loose_piece_is_a_mechanism(make_block, make_material, native):
    bar = make_block(size=(3, 3, 6), bonded=True)
    middle = ~np.isin(bar.mesh.lattice.cell_index[:, 2], [2])
    # the upper piece is driven by its top, so loosen it sideways: only z is prescribed there
    top = bar.load.prescribed["top"].nodes
    sets = {"top": Prescribed(top, (None, None, -0.1)), "bottom": bar.load.prescribed["bottom"]}
    part = bar.mesh.part(middle)
    load = LoadCase(sets, "top", (0.0, 0.0, -1.0), 6.0)
    with pytest.raises(SolverError, match=r"one of 2 pieces .* is not held: it can (shift along|turn about)"):
        native(part, make_material(part.n_cells), load)


def test_single_components_need_a_lattice_axis(make_block, make_material, native):
    bar = make_block()
    turned = np.array([[0.8, 0, 0.6], [0, 1, 0], [-0.6, 0, 0.8]])
    sets = {"top": Prescribed(bar.load.prescribed["top"].nodes, (None, None, -0.1)), "bottom": bar.load.prescribed["bottom"]}
    with pytest.raises(SolverError, match=r"36\.87 degrees off"):
        native(bar.mesh, make_material(bar.mesh.n_cells), LoadCase(sets, "top", (0.0, 0.0, -1.0), 5.0, turned))


def test_materials_of_another_mesh_are_refused(make_block, make_material, native):
    bar = make_block()
    with pytest.raises(InputError, match="describe 3 cells and the mesh has 45"):
        native(bar.mesh, make_material(3), bar.load)
