"""Bars and plates against statics and the theory of beams and plates, on bricks and on quadratic tetrahedra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from six_tetrahedra import as_tets

from culmann import Grid, LoadCase, Prescribed
from culmann.voxels import hexahedra


def bar(size, spacing, kind):
    mesh = hexahedra(Grid(size, spacing), np.ones(size[::-1], dtype=int), {1: "bone"})
    mesh = mesh if kind == "hex8" else as_tets(mesh)
    return replace(mesh, points_mm=mesh.points_mm - mesh.points_mm.min(axis=0)) if kind == "tet10" else mesh


@pytest.mark.parametrize("kind", ["hex8", "tet10"])
@pytest.mark.parametrize("scheme", ["linear", "plastic", "secant-converged"])
def test_a_push_off_the_axis_is_held_by_forces_at_its_arm(kind, scheme, make_material, native):
    """An edge of the top is pushed; two rails under the bottom share the push as a lever does, at whatever load."""
    mesh = bar((6, 3, 4), (1.0, 1.0, 1.0), kind)
    x, y, z = (mesh.points_mm - mesh.points_mm.min(axis=0)).T
    rails = {"left": (x == 0) & (z == 0), "right": (x == 6) & (z == 0)}
    pushed = (np.abs(x - 2) < 1e-9) & (z == z.max())
    corner = np.flatnonzero((x == 0) & (y == 0) & (z == 0))
    other = np.flatnonzero((x == 0) & (y == 3) & (z == 0))
    sets = {name: Prescribed(np.flatnonzero(rail), (None, None, 0.0)) for name, rail in rails.items()}
    sets |= {
        "corner": Prescribed(corner, (0.0, 0.0, None)),
        "turn": Prescribed(other, (0.0, None, None)),
        "push": Prescribed(np.flatnonzero(pushed), (None, None, -0.15)),
    }
    load = LoadCase(sets, "push", (0.0, 0.0, -1.0), 4.0, load_steps=(0.3, 0.6, 1.0))
    answer = native(mesh, make_material(mesh.n_cells, stress=8.0), load, scheme=scheme)
    force, held = answer.force_n, answer.reactions_n
    if scheme != "linear":
        assert answer.end.phase.max() >= 1
    assert held["left"][:, 2] == pytest.approx(4 / 6 * force, abs=1e-5 * force[-1])
    assert held["right"][:, 2] == pytest.approx(2 / 6 * force, abs=1e-5 * force[-1])
    assert held["push"][:, 2] == pytest.approx(-force)
    for name in ("corner", "turn"):
        assert np.abs(held[name][:, :2]).max() < 1e-5 * force[-1]


@pytest.mark.parametrize(("kind", "within"), [("hex8", 0.02), ("tet10", 0.01)])
def test_a_cantilever_bends_and_shears_as_a_beam(kind, within, make_material, native):
    """Timoshenko's beam with a rigid end: δ = F L³ / 3 E I + F L / κ G A; κ = 10 (1 + ν) / (12 + 11 ν) after Cowper 1966."""
    cells, size = ((48, 6, 6), 1.0) if kind == "hex8" else ((16, 2, 2), 3.0)
    mesh = bar(cells, (size,) * 3, kind)
    x, _, z = (mesh.points_mm - mesh.points_mm.min(axis=0)).T
    length, side, ratio = x.max(), z.max(), 0.3
    sets = {
        "wall": Prescribed(np.flatnonzero(x == 0), (0.0, None, None)),
        "rail": Prescribed(np.flatnonzero((x == 0) & (np.abs(z - side / 2) < 1e-9)), (None, None, 0.0)),
        "tip": Prescribed(np.flatnonzero(x == length), (None, None, -0.1)),
    }
    y = mesh.points_mm[:, 1] - mesh.points_mm[:, 1].min()
    sets["middle"] = Prescribed(np.flatnonzero((x == 0) & (np.abs(y - side / 2) < 1e-9)), (None, 0.0, None))
    answer = native(mesh, make_material(mesh.n_cells, 1000.0, ratio), LoadCase(sets, "tip", (0.0, 0.0, -1.0), length))
    shear = 10 * (1 + ratio) / (12 + 11 * ratio) * 1000 / (2 * (1 + ratio)) * side**2
    compliance = length**3 / (3 * 1000 * side**4 / 12) + length / shear
    assert answer.force_n[-1] == pytest.approx(0.1 / compliance, rel=within)
    moment = answer.force_n[-1] * length
    assert answer.reactions_n["rail"][-1, 2] == pytest.approx(answer.force_n[-1], rel=1e-5)
    assert answer.reactions_n["wall"][-1, 0] == pytest.approx(0, abs=1e-4 * moment)
