"""Quadratic tetrahedra in the linear range: patch test, closed forms, a dense reference, threads, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from culmann import LoadCase, Mesh, Prescribed, SolverError
from culmann_fem.tet_problem import tet_problem
from culmann_fem.tet_system import TetSystem


def test_patch_test_on_moved_vertices(make_tets, make_material, native):
    """A linear displacement of the surface is the solution inside, however the elements are shaped."""
    mesh = make_tets(size=(3, 3, 3), jiggle=0.3)
    gradient = np.array([[1e-3, 2e-3, -1e-3], [0, -3e-3, 1e-3], [2e-3, 0, 5e-4]])
    exact = mesh.points_mm @ gradient.T
    surface = np.flatnonzero(((mesh.points_mm == 0) | (mesh.points_mm == 3)).any(axis=1))
    sets = {f"node-{n}": Prescribed(np.array([n]), tuple(exact[n])) for n in surface}
    load = LoadCase(sets, f"node-{surface[0]}", (0.0, 0.0, 1.0), 1.0)
    answer = native(mesh, make_material(mesh.n_cells), load, residual_tolerance=1e-9)
    assert answer.end.displacement_mm == pytest.approx(exact, abs=1e-9)


def test_free_bar_has_the_stiffness_of_a_bar(make_tets, make_material, platens, native):
    mesh = make_tets(spacing=(1.0, 1.5, 0.8), jiggle=0.3)
    answer = native(mesh, make_material(mesh.n_cells), platens(mesh), residual_tolerance=1e-8)
    assert answer.force_n[-1] == pytest.approx(1000 * 0.02 * 6.0, rel=1e-6)
    x, z = mesh.points_mm[:, 0], mesh.points_mm[:, 2]
    assert answer.end.displacement_mm[:, 2] == pytest.approx(-0.02 * z, abs=1e-7)
    assert answer.end.displacement_mm[:, 0] == pytest.approx(0.3 * 0.02 * x, abs=1e-7)
    assert answer.end.equivalent_strain == pytest.approx(0.02, abs=1e-7)
    assert answer.end.equivalent_stress_mpa == pytest.approx(20.0, abs=1e-4)


def test_two_poisson_ratios_in_series_when_confined(make_tets, make_material, platens, native):
    mesh = make_tets(size=(2, 2, 4))
    ratio = np.where(mesh.cell_centres_mm()[:, 2] < 2, 0.2, 0.4)
    answer = native(mesh, make_material(mesh.n_cells, 1000.0, ratio), platens(mesh, confined=True))
    stiff = [1000 * (1 - n) / ((1 + n) * (1 - 2 * n)) for n in (0.2, 0.4)]
    assert answer.force_n[-1] == pytest.approx(4.0 * 0.02 * 4 / (2 / stiff[0] + 2 / stiff[1]), rel=1e-6)


def dense_stiffness(mesh: Mesh, modulus, poisson_ratio):
    """K by the textbook: B from shape functions in r, s, t, the four-point rule, assembled in numpy."""
    K = np.zeros((3 * mesh.n_points, 3 * mesh.n_points))
    a, b = 0.58541020, 0.13819660
    for nodes, E, nu in zip(mesh.cells, modulus, poisson_ratio, strict=True):
        lam, mu = E * nu / ((1 + nu) * (1 - 2 * nu)), E / (2 * (1 + nu))
        D = np.diag([2 * mu] * 3 + [mu] * 3)
        D[:3, :3] += lam
        dof = (3 * nodes[:, None] + np.arange(3)).ravel()
        for r, s, t in ((b, b, b), (a, b, b), (b, a, b), (b, b, a)):
            q = 1 - r - s - t
            slope = np.array(
                [
                    [1 - 4 * q, 1 - 4 * q, 1 - 4 * q],
                    [4 * r - 1, 0, 0],
                    [0, 4 * s - 1, 0],
                    [0, 0, 4 * t - 1],
                    [4 * (q - r), -4 * r, -4 * r],
                    [4 * s, 4 * r, 0],
                    [-4 * s, 4 * (q - s), -4 * s],
                    [-4 * t, -4 * t, 4 * (q - t)],
                    [4 * t, 0, 4 * r],
                    [0, 4 * t, 4 * s],
                ]
            )
            J = slope.T @ mesh.points_mm[nodes]
            g = slope @ np.linalg.inv(J).T
            B = np.zeros((6, 30))
            for c, d, row in ((0, 0, 0), (1, 1, 1), (2, 2, 2), (0, 1, 3), (1, 2, 4), (2, 0, 5)):
                B[row, c::3] += g[:, d]
                if c != d:
                    B[row, d::3] += g[:, c]
            K[np.ix_(dof, dof)] += B.T @ D @ B * np.linalg.det(J) / 24
    return K


@pytest.mark.parametrize("curve", [0.0, 0.08], ids=["straight", "curved"])
def test_operator_and_solution_are_those_of_a_dense_assembly(make_tets, make_material, platens, native, curve):
    mesh = make_tets(size=(2, 2, 2), spacing=(1.0, 1.2, 0.7), jiggle=0.2, curve=curve)
    rng = np.random.default_rng(4)
    material = make_material(mesh.n_cells, np.exp(rng.normal(6, 1, mesh.n_cells)), rng.uniform(0.1, 0.4, mesh.n_cells))
    load = platens(mesh, bonded=True)
    K = dense_stiffness(mesh, material.youngs_modulus_mpa, material.poisson_ratio)
    problem = tet_problem(mesh, load)
    assert problem.curved.any() == (curve > 0)
    system = TetSystem(problem, material, threads=1)
    u = rng.standard_normal((mesh.n_points, 3))
    f = system.vector()
    system.multiply(u[problem.point], f)
    assert problem.at_points(f) == pytest.approx((K @ u.ravel()).reshape(-1, 3), rel=1e-6, abs=1e-6 * np.abs(f).max())

    held = np.zeros((mesh.n_points, 3), dtype=bool)
    exact = np.zeros((mesh.n_points, 3))
    for prescribed in load.prescribed.values():
        held[prescribed.nodes] = True
        exact[prescribed.nodes] = prescribed.displacement_mm
    free, h = ~held.ravel(), held.ravel()
    exact.ravel()[free] = np.linalg.solve(K[np.ix_(free, free)], -K[np.ix_(free, h)] @ exact.ravel()[h])
    answer = native(mesh, material, load, residual_tolerance=1e-10)
    assert answer.end.displacement_mm == pytest.approx(exact, abs=2e-8)


def test_number_of_threads_changes_no_bit(make_tets, make_material, platens, native):
    mesh = make_tets(size=(8, 8, 8), jiggle=0.2)
    material = make_material(mesh.n_cells, np.exp(np.random.default_rng(1).normal(6, 1, mesh.n_cells)), stress=4.0)
    load = platens(mesh, steps=1, bonded=True)
    answers = [native(mesh, material, load, threads=t) for t in (1, 2, 3)]
    for answer in answers[1:]:
        assert np.array_equal(answer.force_n, answers[0].force_n)
        assert np.array_equal(answer.end.displacement_mm, answers[0].end.displacement_mm)
        assert np.array_equal(answer.end.equivalent_strain, answers[0].end.equivalent_strain)


def test_smooth_platens_may_stand_askew(make_tets, make_material, platens, native):
    """Single components along the axes of the load are freedoms of their own, whatever way the mesh lies."""
    mesh = make_tets(jiggle=0.2)
    material = make_material(mesh.n_cells, np.exp(np.random.default_rng(3).normal(6, 1, mesh.n_cells)))
    load = platens(mesh)
    a, b = 0.6, -0.9
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    turn = turn @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    turned = replace(mesh, points_mm=mesh.points_mm @ turn.T + [5, -3, 20])
    direction = tuple(turn @ np.array(load.direction))
    askew = replace(load, axes=turn.T, direction=direction)
    straight = native(mesh, material, load, residual_tolerance=1e-9)
    other = native(turned, material, askew, residual_tolerance=1e-9)
    assert other.force_n == pytest.approx(straight.force_n, rel=1e-8)
    assert other.end.displacement_mm @ turn == pytest.approx(straight.end.displacement_mm, abs=1e-8)


def test_iterations_do_not_grow_with_the_mesh(make_tets, make_material, platens, native):
    most = []
    for n in (4, 8, 14):
        mesh = make_tets(size=(n, n, n), spacing=(1 / n,) * 3)
        modulus = 1000 * np.exp(np.sin(6 * mesh.cell_centres_mm()).sum(axis=1))
        answer = native(mesh, make_material(mesh.n_cells, modulus), platens(mesh, bonded=True))
        most.append(answer.solver["most_cg_iterations_in_a_solve"])
    assert max(most) <= 15
    assert max(most) - min(most) <= 4


def test_a_piece_that_hangs_on_an_edge_is_a_mechanism(make_tets, make_material, native):
    mesh = make_tets(size=(2, 2, 1))
    # two columns that touch along one line
    x, y, _ = mesh.cell_centres_mm().T
    part = mesh.part((x < 1) == (y < 1))
    x, y, z = part.points_mm.T
    one = np.isin(np.arange(part.n_points), part.cells) & (x <= 1) & (y <= 1)
    sets = {
        "top": Prescribed(np.flatnonzero(one & (z == 1)), (0.0, 0.0, -0.1)),
        "bottom": Prescribed(np.flatnonzero(one & (z == 0)), (0.0, 0.0, 0.0)),
    }
    with pytest.raises(SolverError, match=r"one of 2 pieces of the model \(6 cells\) .* is not held: it can turn"):
        native(part, make_material(part.n_cells), LoadCase(sets, "top", (0.0, 0.0, -1.0), 1.0))


def test_a_block_that_may_slide_is_a_mechanism(make_tets, make_material, platens, native):
    mesh = make_tets()
    load = platens(mesh)
    sets = {name: load.prescribed[name] for name in ("y", "top", "bottom")}
    with pytest.raises(SolverError, match=r"the model around .* can shift along load axis 1"):
        native(mesh, make_material(mesh.n_cells), replace(load, prescribed=sets))


def test_cells_turned_inside_out_are_refused(make_tets, make_material, platens, native):
    mesh = make_tets(curve=0.5)
    with pytest.raises(SolverError, match=r"cells are flat or turned inside out, the first around \["):
        native(mesh, make_material(mesh.n_cells), platens(mesh))


def test_linear_tetrahedra_are_refused(make_tets, make_material, platens, native):
    mesh = make_tets()
    linear = replace(mesh, cells=mesh.cells[:, :4].copy(), cell_type="tet4")
    with pytest.raises(SolverError, match=r"quadratic tetrahedra \(tet10\), not tet4"):
        native(linear, make_material(mesh.n_cells), platens(mesh))
