"""LE1 and LE10 of NAFEMS, plates between two ellipses under pressure, at the level of the engine.

Targets are of "The Standard NAFEMS Benchmarks" (1990), from memory. Load cases have no pressure: here it goes to the engine as
nodal forces. Lengths are in metres and stresses in MPa, which linear elasticity does not mind.
"""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest

from culmann import LoadCase, Mesh, Prescribed
from culmann_fem.tet_problem import tet_problem
from culmann_fem.tet_system import TetSystem

E, NU = 210e3, 0.3
FACES = np.array([(0, 2, 1, 6, 5, 4), (0, 1, 3, 4, 8, 7), (1, 2, 3, 5, 9, 8), (2, 0, 3, 6, 7, 9)])
TO_CORNERS = np.array([[-1, -1, -1], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
# Dunavant's rule of degree 5.
A, B = 0.470142064105115, 0.101286507323456
RULE = [
    ((1 / 3, 1 / 3), 0.1125),
    *(((a, b), 0.066197076394253) for a, b in ((A, A), (A, 1 - 2 * A), (1 - 2 * A, A))),
    *(((a, b), 0.062969590272414) for a, b in ((B, B), (B, 1 - 2 * B), (1 - 2 * B, B))),
]


def plate(make_tets, size, thickness):
    """A quarter; its mesh, and the same points as shares of the way from the inner ellipse, from y = 0, and from below."""
    block = make_tets(size=size, spacing=tuple(1 / n for n in size))
    s, t, h = block.points_mm.T
    out, angle = s * (1 + s) / 2, t * np.pi / 2  # finer at the hole
    x = ((1 - out) * 2.0 + out * 3.25) * np.cos(angle)
    y = ((1 - out) * 1.0 + out * 2.75) * np.sin(angle)
    points = np.stack([x, y, thickness * h], axis=1)
    return Mesh(points, block.cells, "tet10", block.region, {1: "steel"}), block.points_mm.round(9).T


def pressure_forces(mesh, on_face, pressure):
    """Consistent nodal forces of a pressure on the faces of which all nodes are on a surface."""
    force = np.zeros_like(mesh.points_mm)
    for cell in mesh.cells:
        for face in cell[FACES]:
            if not on_face[face].all():
                continue
            for (a, b), weight in RULE:
                q = np.array([1 - a - b, a, b])
                edges = ((0, 1), (1, 2), (2, 0))
                N = np.array([*(q * (2 * q - 1)), *(4 * q[i] * q[j] for i, j in edges)])
                by_q = np.zeros((6, 3))
                by_q[[0, 1, 2], [0, 1, 2]] = 4 * q - 1
                for n, (i, j) in enumerate(edges, start=3):
                    by_q[n, i], by_q[n, j] = 4 * q[j], 4 * q[i]
                along = (by_q[:, 1:] - by_q[:, :1]).T @ mesh.points_mm[face]
                force[face] -= weight * pressure * np.outer(N, np.cross(along[0], along[1]))
    return force


def solved(mesh, material, held, force):
    """Displacements (n_points, 3) of held sets {name: (nodes, components)} under nodal forces."""
    sets = {name: Prescribed(nodes, values) for name, (nodes, values) in held.items()}
    load = LoadCase(sets, next(iter(sets)), (0.0, 0.0, 1.0), 1.0)
    problem = tet_problem(mesh, load)
    with closing(TetSystem(problem, material, threads=1)) as system:
        x, r = system.vector(), force[problem.point] @ problem.axes.T * problem.free
        norm = np.linalg.norm(r)
        solve = system.solve(system.multiply, x, r, tolerance=1e-9 * norm, most=200)
        assert solve.converged
        return problem.at_points(x)


def stress_at(mesh, u, point):
    """(3, 3): mean over the cells that meet there of the stress in each, from the gradients of the shape functions."""
    found = []
    for cell in mesh.cells[(mesh.cells == point).any(axis=1)]:
        corner = int(np.flatnonzero(cell == point)[0])
        q = np.eye(4)[corner]
        by_q = np.zeros((10, 4))
        by_q[range(4), range(4)] = 4 * q - 1
        for n, (i, j) in enumerate(((0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)), start=4):
            by_q[n, i], by_q[n, j] = 4 * q[j], 4 * q[i]
        local = by_q @ TO_CORNERS
        gradient = np.linalg.solve(local.T @ mesh.points_mm[cell], local.T @ u[cell]).T
        strain = (gradient + gradient.T) / 2
        found.append(E / (1 + NU) * (strain + NU / (1 - 2 * NU) * np.trace(strain) * np.eye(3)))
    return np.mean(found, axis=0)


def membrane(make_tets, make_material, size):
    """Yy stress at D of LE1, MPa: half the thickness of 0.1 m, between its middle plane and its free face."""
    mesh, (s, t, h) = plate(make_tets, size, 0.05)
    held = {
        "x": (np.flatnonzero(t == 1), (0.0, None, None)),
        "y": (np.flatnonzero(t == 0), (None, 0.0, None)),
        "z": (np.flatnonzero(h == 0), (None, None, 0.0)),
    }
    force = pressure_forces(mesh, s == 1, -10.0)
    u = solved(mesh, make_material(mesh.n_cells, E, NU), held, force)
    return stress_at(mesh, u, int(np.flatnonzero((s == 0) & (t == 0) & (h == 0))[0]))[1, 1]


def thick_plate(make_tets, make_material, size):
    """Yy stress at D of LE10, MPa."""
    mesh, (s, t, h) = plate(make_tets, size, 0.6)
    held = {
        "x": (np.flatnonzero((t == 1) & (s < 1)), (0.0, None, None)),
        "y": (np.flatnonzero((t == 0) & (s < 1)), (None, 0.0, None)),
        "rim": (np.flatnonzero((s == 1) & (h != 0.5)), (0.0, 0.0, None)),
        "middle of the rim": (np.flatnonzero((s == 1) & (h == 0.5)), (0.0, 0.0, 0.0)),
    }
    u = solved(mesh, make_material(mesh.n_cells, E, NU), held, pressure_forces(mesh, h == 1, 1.0))
    return stress_at(mesh, u, int(np.flatnonzero((s == 0) & (t == 0) & (h == 1))[0]))[1, 1]


def test_le1_elliptic_membrane(make_tets, make_material):
    assert membrane(make_tets, make_material, (24, 36, 1)) == pytest.approx(92.7, rel=0.003)


def test_le10_thick_plate(make_tets, make_material):
    assert thick_plate(make_tets, make_material, (12, 24, 4)) == pytest.approx(-5.38, rel=0.01)
