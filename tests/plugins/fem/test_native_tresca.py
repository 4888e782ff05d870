"""Tresca in the native solver: closed forms, von Mises beside it, and any number of threads."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

from culmann import Grid, LoadCase, Prescribed
from culmann.voxels import hexahedra
from culmann_fem.gauss_points import BrickPoints
from culmann_fem.lattice_system import LatticeSystem
from culmann_fem.point_model import PointModel
from culmann_fem.problem import lattice_problem


def both(material):
    return {criterion: replace(material, criterion=criterion) for criterion in ("tresca", "von-mises")}


def cube(sets, direction, steps=6):
    """One voxel of 1 mm; sets hold what is prescribed for each of its points: (8, 3), NaN where free."""
    mesh = hexahedra(Grid((1, 1, 1), (1.0, 1.0, 1.0)), np.ones((1, 1, 1), dtype=int), {1: "bone"})
    prescribed = {}
    for point, values in enumerate(sets(*mesh.points_mm.T).T):
        components = tuple(None if np.isnan(v) else float(v) for v in values)
        prescribed[f"point {point}"] = Prescribed(np.array([point]), components)
    z = mesh.points_mm[:, 2]
    top = np.flatnonzero(z == z.max())
    shared = [{prescribed[f"point {point}"].displacement_mm[c] for point in top} for c in range(3)]
    alike = [values.pop() if len(values) == 1 else None for values in shared]
    prescribed["top"] = Prescribed(top, (alike[0], alike[1], alike[2]))
    return mesh, LoadCase(prescribed, "top", direction, 1.0, load_steps=tuple((np.arange(steps) + 1) / steps))


@pytest.mark.parametrize("integration", ["b-bar", "full"])
def test_free_bar_flows_at_its_yield_stress(make_block, make_material, native, integration):
    bar = make_block(strain=0.02, steps=5)
    material = both(make_material(bar.mesh.n_cells, stress=8.0))["tresca"]
    answer = native(bar.mesh, material, bar.load, integration=integration)
    at = np.interp(answer.displacement_mm / bar.height_mm, [0, 0.008, 1], [0, 8.0, 8.0])
    assert answer.force_n == pytest.approx(at * bar.area_mm2, rel=1e-5)
    assert answer.stop_reason == ""
    assert answer.end.equivalent_plastic_strain == pytest.approx(0.02 - 0.008, abs=1e-6)
    assert answer.end.equivalent_strain == pytest.approx(0.02, abs=1e-6)
    assert (answer.end.phase == 1).all()


def test_a_curve_of_straight_pieces_is_followed_up_and_down(make_block, make_material, native):
    bar = make_block(size=(1, 1, 1), strain=0.1, steps=50)
    stress, plastic = np.array([8.0, 12.0, 12.0, 3.0]), np.array([0.0, 0.01, 0.03, 0.06])
    material = both(make_material(1, stress=stress, plastic_strain=plastic))["tresca"]
    answer = native(bar.mesh, material, bar.load, integration="full")
    assert answer.stop_reason == ""
    # With B-bar a bar that softens at a corner of the hexagon has a mode without stiffness: told, and nothing made up.
    ended = native(bar.mesh, material, bar.load)
    assert "no equilibrium was found beyond 42 %" in ended.stop_reason
    assert ended.force_n == pytest.approx(np.interp(ended.displacement_mm, [0, 0.008, 0.022, 1], [0, 8, 12, 12]), abs=1e-4)
    expected = np.interp(answer.displacement_mm / bar.height_mm, [0, *(plastic + stress / 1000), 1], [0, *stress, 3.0])
    assert answer.force_n == pytest.approx(expected, abs=1e-4)
    assert answer.end.phase[0] == 4


@pytest.mark.parametrize("integration", ["b-bar", "full"])
def test_simple_shear_flows_at_half_the_yield_stress(make_material, native, integration):
    def sets(x, y, z):
        return np.stack([0.05 * z, 0 * y, 0 * z])

    mesh, load = cube(sets, (1.0, 0.0, 0.0))
    force = {
        name: native(mesh, material, load, integration=integration).force_n[-1]
        for name, material in both(make_material(1, stress=8.0)).items()
    }
    assert force["tresca"] == pytest.approx(8.0 / 2, rel=1e-9)
    assert force["von-mises"] == pytest.approx(8.0 / np.sqrt(3), rel=1e-9)


def test_plane_strain_flows_at_the_yield_stress_and_mises_above_it(make_material, native):
    """Held along y, free along x: the stress along y stays between the others, and Tresca does not look at it."""

    def sets(x, y, z):
        return np.stack([np.where(x == x.min(), 0, np.nan), 0 * y, np.where(z == z.min(), 0, -0.1)])

    mesh, load = cube(sets, (0.0, 0.0, -1.0), steps=20)
    force = {name: native(mesh, material, load).force_n for name, material in both(make_material(1, stress=8.0)).items()}
    assert force["tresca"][5:] == pytest.approx(8.0, rel=1e-5)
    assert force["von-mises"][-1] == pytest.approx(8.0 * 2 / np.sqrt(3), rel=2e-3)


def test_confined_bar_goes_on_with_its_bulk_modulus(make_block, make_material, native):
    bar = make_block(confined=True, strain=0.04, steps=5)
    answer = native(bar.mesh, both(make_material(bar.mesh.n_cells, stress=8.0))["tresca"], bar.load)
    assert answer.force_n[-1] == pytest.approx((1000 / 1.2 * 0.04 + 2 / 3 * 8.0) * bar.area_mm2, rel=1e-5)


def blob(seed, make_material):
    rng = np.random.default_rng(seed)
    grid = Grid((7, 6, 8), (1.0, 1.2, 0.9))
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in grid.shape), indexing="ij")
    mesh = hexahedra(grid, (x**2 + y**2 + 0.2 * z**2 < 1.05).astype(int), {1: "bone"})
    modulus = rng.uniform(200, 2000, mesh.n_cells)
    height = mesh.points_mm[:, 2]
    sets = {
        "bottom": Prescribed(np.flatnonzero(height == height.min()), (0.0, 0.0, 0.0)),
        "top": Prescribed(np.flatnonzero(height == height.max()), (0.1, 0.0, -0.3)),
    }
    load = LoadCase(sets, "top", (0.0, 0.0, -1.0), 7.2, load_steps=(0.25, 0.5, 0.75, 1.0))
    material = make_material(mesh.n_cells, modulus, stress=1.0)
    return mesh, replace(material, stress_mpa=0.008 * modulus[:, None]), load


@pytest.mark.parametrize("seed", [1, 2])
def test_tresca_carries_less_than_mises_and_more_than_mises_of_a_smaller_yield_stress(make_material, native, seed):
    """The hexagon lies within the ellipse, and holds the one that is smaller by sqrt 3 / 2."""
    mesh, material, load = blob(seed, make_material)
    criteria = both(material)
    smaller = replace(material, stress_mpa=material.stress_mpa * np.sqrt(3) / 2)
    inner, tresca, outer = (native(mesh, m, load).force_n[-1] for m in (smaller, criteria["tresca"], criteria["von-mises"]))
    assert inner < 0.995 * tresca
    assert tresca < 0.995 * outer


def test_threads_change_no_bit(make_material, native):
    mesh, material, load = blob(3, make_material)
    one, two = (native(mesh, both(material)["tresca"], load, threads=n) for n in (1, 2))
    assert np.array_equal(one.force_n, two.force_n)
    assert np.array_equal(one.end.displacement_mm, two.end.displacement_mm)
    assert np.array_equal(one.end.equivalent_plastic_strain, two.end.equivalent_plastic_strain)


@pytest.mark.parametrize("scheme", ["secant-converged", "secant-lagged"])
def test_secant_shear_is_softer_by_the_ratio_of_the_criteria(make_material, native, scheme):
    """In shear the Tresca stress is 2 G γ: with a slope of a tenth beyond yield, stress over strain at a known strain."""

    def sets(x, y, z):
        return np.stack([0.05 * z, 0 * y, 0 * z])

    mesh, load = cube(sets, (1.0, 0.0, 0.0), steps=40)
    material = both(make_material(1, stress=[8.0, 28.0], plastic_strain=[0.0, 0.18]))["tresca"]
    answer = native(mesh, material, load, scheme=scheme)
    effective = 0.05 / 1.3  # 2 G γ / E
    expected = (8.0 + 100 * (effective - 0.008)) / 2
    assert answer.force_n[-1] == pytest.approx(expected, rel=1e-6 if scheme == "secant-converged" else 0.05)
    assert answer.end.equivalent_stress_mpa[0] == pytest.approx(2 * answer.force_n[-1], rel=1e-6)


@pytest.mark.parametrize(("integration", "unstable"), [("b-bar", 2), ("full", 0)])
def test_a_brick_that_softens_at_a_corner_of_the_hexagon_is_unstable_in_itself_with_b_bar(
    make_block, make_material, integration, unstable
):
    """By differences of its forces, whatever our tangent: why the bar above ends at once. Von Mises has no such mode."""
    bar, slope, strain = make_block(size=(1, 1, 1)), 50.0, 0.012
    kappa = (strain - 8.0 / 1000) / (1 - slope / 1000)
    stress = 8.0 - slope * kappa
    across = 0.3 * stress / 1000 + kappa / 2
    found = {}
    for name, material in both(make_material(1, stress=[8.0, 0.5], plastic_strain=[0.0, 7.5 / slope])).items():
        problem = lattice_problem(bar.mesh, bar.load)
        with closing(LatticeSystem(problem, material, b_bar=integration == "b-bar", threads=1)) as system:
            points = BrickPoints(problem, system.lattice, b_bar=system.b_bar)
            model = PointModel(points, material, system.groups, problem.is_bone, None, elastic=False)
            places = [(problem.lines.place[a, b] + c, (a, b, c)) for a in (0, 1) for b in (0, 1) for c in (0, 1)]
            down = int(np.argmax(np.abs(problem.direction)))
            u, f = system.vector(), system.vector()
            for at, corner in places:
                u[:, at] = np.where(np.arange(3) == down, -strain, across) * corner
            model.force(u, f)
            top = [at for at, corner in places if corner[down]]
            assert abs(f[down, top].sum()) == pytest.approx(stress, rel=1e-9)
            free = [(c, at) for at, _ in places for c in range(3) if c != down]
            K = np.empty((16, 16))
            for column, freedom in enumerate(free):
                sides = []
                for step in (1e-7, -1e-7):
                    moved = u.copy()
                    moved[freedom] += step
                    model.force(moved, f)
                    sides.append(np.array([f[other] for other in free]))
                K[:, column] = (sides[0] - sides[1]) / 2e-7
            found[name] = np.linalg.eigvalsh((K + K.T) / 2)
    assert (found["tresca"] < -0.01 * slope).sum() == unstable
    assert (found["von-mises"] > -1e-3).all()
    assert (found["von-mises"] < 1.0).sum() == 3  # two shifts and a turn
