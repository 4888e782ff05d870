"""Order of convergence against an exact solution of elasticity: 3 for quadratic tetrahedra, 2 for bricks."""

from __future__ import annotations

import numpy as np
import pytest

from culmann import Grid, LoadCase, Prescribed
from culmann.voxels import hexahedra

NU = 0.3


def exact(x):
    """Papkovich and Neuber's u = 4 (1 - nu) B - grad(x . B) with B = (0, 0, psi), psi harmonic: no body force."""
    a, b = 1.1, 0.7
    k = np.hypot(a, b)
    psi = np.exp(k * x[:, 2]) * np.sin(a * x[:, 0] + 0.3) * np.cos(b * x[:, 1])
    along_x = a * np.exp(k * x[:, 2]) * np.cos(a * x[:, 0] + 0.3) * np.cos(b * x[:, 1])
    along_y = -b * np.exp(k * x[:, 2]) * np.sin(a * x[:, 0] + 0.3) * np.sin(b * x[:, 1])
    z = x[:, 2]
    return 1e-2 * np.stack([-z * along_x, -z * along_y, (3 - 4 * NU) * psi - z * k * psi], axis=1)


def moved_surface(mesh):
    low, high = mesh.points_mm.min(axis=0), mesh.points_mm.max(axis=0)
    surface = np.flatnonzero(((mesh.points_mm == low) | (mesh.points_mm == high)).any(axis=1))
    u = exact(mesh.points_mm)
    sets = {str(n): Prescribed(np.array([n]), tuple(u[n])) for n in surface}
    return LoadCase(sets, str(surface[0]), (0.0, 0.0, 1.0), 1.0)


def error(mesh, u, shape, points):
    """L2 norm of the error, from points of the reference cell; cells of like volume are taken as equal."""
    N = np.stack([shape(p) for p in points])
    x = np.einsum("qa,mac->mqc", N, mesh.points_mm[mesh.cells]).reshape(-1, 3)
    at = np.einsum("qa,mac->mqc", N, u[mesh.cells]).reshape(-1, 3)
    return float(np.sqrt(((at - exact(x)) ** 2).sum(axis=1).mean()))


def tet_shape(p):
    q = np.array([1 - p.sum(), *p])
    edges = [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)]
    return np.array([*(q * (2 * q - 1)), *(4 * q[i] * q[j] for i, j in edges)])


def brick_shape(p):
    corners = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]
    return np.array([np.prod([p[c] if at[c] else 1 - p[c] for c in range(3)]) for at in corners])


def orders(errors):
    return np.log2(np.array(errors[:-1]) / np.array(errors[1:]))


@pytest.mark.parametrize("jiggle", [0.0, 0.2])
def test_tetrahedra_converge_with_order_three(make_tets, make_material, native, jiggle):
    rng = np.random.default_rng(0)
    points = rng.dirichlet(np.ones(4), 20)[:, 1:]
    errors = []
    for n in (2, 4, 8):
        mesh = make_tets(size=(n, n, n), spacing=(1 / n,) * 3, jiggle=jiggle)
        answer = native(mesh, make_material(mesh.n_cells), moved_surface(mesh), residual_tolerance=1e-9)
        errors.append(error(mesh, answer.end.displacement_mm, tet_shape, points))
    assert orders(errors)[-1] > 2.8, errors


@pytest.mark.parametrize("integration", ["b-bar", "full"])
def test_bricks_converge_with_order_two(make_material, native, integration):
    points = np.random.default_rng(0).uniform(size=(20, 3))
    errors = []
    for n in (4, 8, 16):
        grid = Grid((n, n, n), (1 / n,) * 3, (0.5 / n,) * 3)
        mesh = hexahedra(grid, np.ones(grid.shape, dtype=int), {1: "bone"})
        load = moved_surface(mesh)
        answer = native(mesh, make_material(mesh.n_cells), load, residual_tolerance=1e-9, integration=integration)
        errors.append(error(mesh, answer.end.displacement_mm, brick_shape, points))
    assert orders(errors)[-1] > 1.9, errors
