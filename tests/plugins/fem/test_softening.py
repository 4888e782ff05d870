"""Converged secant moduli past the peak: bone that breaks in a band, far and fast enough; and the linear algebra under it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from six_tetrahedra import as_tets

from culmann_fem.gmres import gmres


def uneven(make_block, make_material, kind, steps, size=(6, 6, 8)):
    """A block of random density between bonded ends; moduli, plateau and softening as those of femoral bone."""
    slab = make_block(size=size, strain=0.04, steps=steps, bonded=True)
    rho = np.random.default_rng(1).uniform(0.1, 0.5, slab.mesh.n_cells)
    mesh = slab.mesh
    if kind == "tet10":
        mesh, rho = as_tets(mesh), np.repeat(rho, 6)
        z = mesh.points_mm[:, 2]
        ends = {"top": z.max(), "bottom": z.min()}
        sets = {name: replace(held, nodes=np.flatnonzero(z == ends[name])) for name, held in slab.load.prescribed.items()}
        slab = replace(slab, mesh=mesh, load=replace(slab.load, prescribed=sets))
    material = make_material(mesh.n_cells, 14900 * rho**1.86, 0.3, [1.0, 1.0, 1.0], [0.0, 0.01, 0.03])
    material.stress_mpa[:] = (102 * rho**1.8)[:, None] * [1, 1, 0.42]
    return slab, material


@pytest.mark.parametrize(("kind", "size"), [("hex8", (6, 6, 8)), ("tet10", (3, 3, 4))])
def test_a_band_that_breaks_does_not_stall(make_block, make_material, native, kind, size):
    slab, material = uneven(make_block, make_material, kind, 40, size)
    answer = native(slab.mesh, material, slab.load, scheme="secant-converged", stop_below_peak=0.8)
    assert "stopped as asked" in answer.stop_reason
    assert answer.solver["largest_relative_residual"] <= 1e-6
    assert answer.solver["nonlinear_iterations"] < 40 * answer.solver["increments"]
    broken = answer.end.equivalent_stress_mpa < 0.9 * material.stress_mpa[:, 0]
    assert 0 < (broken & (answer.end.phase >= 2)).mean() < 0.5


def test_the_peak_is_that_of_many_lagged_increments(make_block, make_material, native):
    """Of 400 and 800 increments, whose excess halves, extrapolated; another way to solve the same model."""
    slab, material = uneven(make_block, make_material, "hex8", 40, (4, 4, 5))
    peak = native(slab.mesh, material, slab.load, scheme="secant-converged", stop_below_peak=0.95).force_n.max()
    lagged = []
    for steps in (400, 800):
        load = replace(slab.load, load_steps=tuple((np.arange(steps) + 1) / steps))
        lagged.append(native(slab.mesh, material, load, scheme="secant-lagged", stop_below_peak=0.95).force_n.max())
    assert 2 * lagged[1] - lagged[0] == pytest.approx(peak, rel=3e-3)


def test_threads_change_next_to_nothing(make_block, make_material, native):
    slab, material = uneven(make_block, make_material, "hex8", 20)
    options = {"scheme": "secant-converged", "stop_below_peak": 0.9}
    one, again, two = (native(slab.mesh, material, slab.load, threads=n, **options).force_n for n in (1, 1, 2))
    assert np.array_equal(one, again)
    assert two == pytest.approx(one, rel=1e-8)


class Dense:
    """A system of few unknowns, the last of which is held; see `culmann_fem.system.System`."""

    def __init__(self, stiffness: np.ndarray) -> None:
        self.free = np.ones(len(stiffness))
        self.free[-1] = 0
        self._inverse = np.linalg.inv(stiffness[:-1, :-1])

    def vector(self) -> np.ndarray:
        return np.zeros(len(self.free))

    def dot(self, a: np.ndarray, b: np.ndarray) -> float:
        return float(a @ b)

    def precondition(self, r: np.ndarray, z: np.ndarray) -> None:
        z[:] = 0
        z[:-1] = self._inverse @ r[:-1]


def test_gmres_solves_what_is_not_symmetric():
    rng = np.random.default_rng(0)
    n = 40
    root = rng.standard_normal((n, n))
    stiffness = root @ root.T + n * np.eye(n)
    # A few softening cells: unsymmetric, and one direction of negative stiffness.
    tangent = stiffness - 3 * n * np.outer(rng.standard_normal(n), rng.standard_normal(n)) / n
    tangent -= 2 * n * np.outer(np.eye(n)[3], np.eye(n)[3])
    system = Dense(stiffness)
    r = rng.standard_normal(n)
    r[-1] = 0
    x = system.vector()
    goal = 1e-4 * np.linalg.norm(r)
    solve = gmres(system, lambda v, y: np.copyto(y, tangent @ v), x, r, tolerance=goal, most=10)
    assert solve.converged
    assert solve.iterations <= 6, "as many as directions that differ"
    assert x[-1] == 0
    assert np.linalg.norm((tangent @ x - r)[:-1]) <= 1.1 * goal
    assert x[:-1] == pytest.approx(np.linalg.solve(tangent[:-1, :-1], r[:-1]), rel=1e-2, abs=1e-4 * np.abs(x).max())
