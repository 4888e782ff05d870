"""NL1 of NAFEMS: one cell of a perfectly plastic solid is strained along x, along y, and back, past corners of its path.

Material and path follow NL1, the prescribed biaxial strain state of NAFEMS' benchmarks of material non-linearity, from memory:
the report and its printed stresses were not at hand. The reference is Prandtl's and Reuss's equations, integrated by scipy.
"""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from six_tetrahedra import as_tets

from culmann import LoadCase, Prescribed
from culmann_fem.lattice_system import LatticeSystem
from culmann_fem.plastic import PlasticModel
from culmann_fem.problem import lattice_problem
from culmann_fem.tet_plastic import TetPlastic
from culmann_fem.tet_problem import tet_problem
from culmann_fem.tet_system import TetSystem

E, NU, YIELD, STEP = 250e3, 0.25, 5.0, 2.5e-5
G, K = E / (2 * (1 + NU)), E / (3 * (1 - 2 * NU))
#: Legs of the path: strains along x and y, twice each. The first ends where yielding begins.
LEGS = np.array([(1, 0), (1, 0), (0, 1), (0, 1), (-1, 0), (-1, 0), (0, -1), (0, -1)]) * STEP


def prandtl_reuss():
    """(8, 3): the stresses along x, y and z at the end of each leg."""
    s, found, strain = np.zeros(3), [], np.zeros(3)
    for leg in LEGS:
        rate = np.array([*leg, 0.0])
        strain = strain + rate
        along = rate - rate.mean()
        # The share of the leg that is elastic: |s + 2 G along t| = sqrt(2/3) yield.
        a, b, c = (2 * G) ** 2 * (along @ along), 4 * G * (s @ along), s @ s - 2 / 3 * YIELD**2
        begins = min(1.0, (-b + np.sqrt(max(0.0, b * b - 4 * a * c))) / (2 * a))
        s = s + 2 * G * along * begins
        if begins < 1:
            solved = solve_ivp(
                lambda _, s, e=along: 2 * G * (e - s * (s @ e) / (s @ s)), (begins, 1), s, rtol=1e-11, atol=1e-12
            )
            s = solved.y[:, -1]
        found.append(s + K * strain.sum())
    return np.array(found)


def stresses(system, model, unit, increments):
    """The same by the solver, from the forces on the three faces of a unit cube that is strained as a whole."""
    u, f, found = system.vector(), system.vector(), []
    for leg in LEGS:
        for _ in range(increments):
            u += (leg[0] * unit[0] + leg[1] * unit[1]) / increments
            model.force(u, f)
            model.commit(u)
        found.append(np.diag(system.reactions_n(f)))
    return np.array(found)


def along(mesh, component):
    """A load case that strains the whole mesh by one along an axis."""
    x = mesh.points_mm[:, component]
    moved = {str(n): tuple(float(x[n]) if c == component else None for c in range(3)) for n in range(mesh.n_points)}
    return LoadCase({n: Prescribed(np.array([int(n)]), at) for n, at in moved.items()}, "0", (0.0, 0.0, 1.0), 1.0)


@pytest.mark.parametrize("kind", ["b-bar", "full", "tet10"])
def test_a_strain_path_with_corners_against_prandtl_and_reuss(make_block, make_material, kind):
    mesh = make_block(size=(2, 2, 2), spacing=(0.5, 0.5, 0.5)).mesh
    mesh = as_tets(mesh) if kind == "tet10" else mesh
    faces = {}
    for c in range(3):
        x = mesh.points_mm[:, c]
        held = tuple(1.0 if d == c else None for d in range(3))
        faces[str(c)] = Prescribed(np.flatnonzero(x == x.max()), held)
    load, material = LoadCase(faces, "2", (0.0, 0.0, 1.0), 1.0), make_material(mesh.n_cells, E, NU, [YIELD], [0.0])
    number = tet_problem if kind == "tet10" else lattice_problem
    unit = [number(mesh, along(mesh, c)).target_mm for c in range(2)]
    reference, errors = prandtl_reuss(), []
    for increments in (20, 40):
        if kind == "tet10":
            problem = tet_problem(mesh, load)
            system = TetSystem(problem, material, threads=1)
            model = TetPlastic(problem, material, system.operator, elastic=False)
        else:
            problem = lattice_problem(mesh, load)
            system = LatticeSystem(problem, material, b_bar=kind == "b-bar", threads=1)
            model = PlasticModel(problem, material, system.lattice, elastic=False)
        with closing(system):
            errors.append(np.abs(stresses(system, model, unit, increments) - reference).max())
    assert errors[1] < 0.01 * YIELD
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.2)  # the return is of first order
