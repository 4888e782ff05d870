"""The p-multigrid of tetrahedra: its Galerkin operator against a product of matrices, and its symmetry and spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from culmann_fem import aggregation
from culmann_fem.spectrum import largest_eigenvalue
from culmann_fem.tet_problem import tet_problem
from culmann_fem.tet_system import TetSystem
from culmann_fem.tet_vertices import diagonal, vertex_operator, vertices


def columns(apply, shape):
    """The dense matrix of a linear map on vectors of a shape."""
    n = int(np.prod(shape))
    return np.stack([apply(unit.reshape(shape)).ravel() for unit in np.eye(n)], axis=1)


@pytest.fixture(params=[0.0, 0.05], ids=["straight", "curved"])
def system(request, make_tets, make_material, platens):
    mesh = make_tets(size=(2, 3, 2), jiggle=0.2, curve=request.param)
    modulus = np.exp(np.random.default_rng(8).normal(5, 1, mesh.n_cells))
    return TetSystem(tet_problem(mesh, platens(mesh)), make_material(mesh.n_cells, modulus), threads=1)


def stiffness(system):
    def apply(u):
        f = system.vector()
        system.multiply(u, f)
        return f

    return columns(apply, system.free.shape)


def test_vertex_operator_is_the_galerkin_product(system):
    problem = system.problem
    vertex = vertices(problem)
    P = np.zeros((len(problem.place_mm), len(vertex.node)))
    P[vertex.node, np.arange(len(vertex.node))] = 1
    number = {int(node): v for v, node in enumerate(vertex.node)}
    for cell in problem.cell:
        for middle, (a, b) in zip(cell[4:], [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)], strict=True):
            P[middle] = 0
            P[middle, [number[int(cell[a])], number[int(cell[b])]]] = 0.5
    P = np.kron(P, np.eye(3))
    held = ~problem.free[vertex.node].ravel()
    P[~problem.free.ravel()] = 0
    P[:, held] = 0
    K = stiffness(system)
    assert diagonal(system.operator).ravel() == pytest.approx(np.diag(K), rel=1e-10)
    expected = P.T @ K @ P
    expected[held, held] = 1
    assert held.any()
    assert vertex_operator(system.operator, vertex).toarray() == pytest.approx(expected, rel=1e-9, abs=1e-9 * np.abs(K).max())


@pytest.mark.parametrize("direct", [800, 30], ids=["direct", "aggregated"])
def test_preconditioner_is_symmetric_and_close_to_the_inverse(system, monkeypatch, direct):
    monkeypatch.setattr(aggregation, "_DIRECT", direct)
    system.refresh()
    multigrid = system.multigrid
    assert bool(multigrid._aggregation.levels) == (direct == 30)

    def apply(r):
        multigrid.r32[:] = r * system.free
        multigrid.apply()
        return multigrid.z32.astype(float)

    free = system.free.ravel() > 0
    M = columns(apply, system.free.shape)[np.ix_(free, free)]
    K = stiffness(system)[np.ix_(free, free)]
    assert np.abs(M - M.T).max() < 1e-5 * np.abs(M).max()
    values = np.sort(np.linalg.eigvals(M @ K).real)
    assert values[0] > 0.1
    assert values[-1] < 1.3


def test_aggregates_span_the_rigid_motions():
    """Coarse functions reproduce every rigid motion of a body that nothing holds."""
    place = np.random.default_rng(0).uniform(size=(40, 3))
    motions = aggregation.rigid_motions(place)
    group = np.arange(40) % 4
    group[39] = 3
    q, r = aggregation._orthogonal(motions.reshape(40, 3, 6), group, 4)
    T = np.zeros((40, 3, 4, 6))
    T[np.arange(40), :, group] = q
    T = T.reshape(120, 24)
    assert pytest.approx(np.eye(24), abs=1e-12) == T.T @ T
    assert pytest.approx(motions, abs=1e-12) == T @ r


def test_the_turn_of_two_nodes_about_their_line_is_left_out():
    place = np.array([[0.0, 0, 0], [1.0, 0, 0]])
    motions = aggregation.rigid_motions(place)
    q, r = aggregation._orthogonal(motions.reshape(2, 3, 6), np.zeros(2, dtype=np.int64), 1)
    assert np.linalg.norm(q.reshape(6, 6), axis=0) == pytest.approx([1, 1, 1, 0, 1, 1])
    assert pytest.approx(motions, abs=1e-12) == q.reshape(6, 6) @ r


def test_largest_eigenvalue_is_found_where_one_freedom_stands_out():
    rng = np.random.default_rng(5)
    n = 400
    A = np.diag(np.full(n, 2.0)) - np.diag(np.full(n - 1, 0.9), 1) - np.diag(np.full(n - 1, 0.9), -1)
    A[:3, :3] += 0.35  # just above the rest of the spectrum
    D = rng.uniform(0.5, 2, n)
    A *= np.sqrt(np.outer(D, D))
    exact = np.linalg.eigvalsh(A / np.sqrt(np.outer(D, D)))[-1]
    found = largest_eigenvalue(lambda x: A @ x, 1 / D)
    assert exact <= found < 1.06 * exact


def test_stiff_and_soft_cells_side_by_side_take_no_more_than_a_few_iterations(make_tets, make_material, platens, native):
    mesh = make_tets(size=(10, 10, 10), spacing=(0.1, 0.1, 0.1), jiggle=0.2)
    x, y, _ = mesh.cell_centres_mm().T
    modulus = np.where(np.hypot(x - 0.5, y - 0.5) > 0.4, 17000.0, 5.0)
    answer = native(mesh, make_material(mesh.n_cells, modulus), platens(mesh, bonded=True))
    assert answer.solver["most_cg_iterations_in_a_solve"] <= 30
