"""Reactions of every prescribed set, on bricks and tetrahedra, whatever the axes of lattice and load."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from culmann import Grid, LoadCase, Prescribed
from culmann.voxels import hexahedra


@pytest.mark.parametrize("scheme", ["linear", "plastic", "secant-lagged", "secant-converged"])
def test_walls_and_platens_share_the_stress_of_a_confined_bar(make_material, native, scheme):
    """In uniaxial strain the walls carry ν / (1 - ν) of the stress; what goes in comes out again."""
    turn = Rotation.from_rotvec([0.3, -0.5, 0.8]).as_matrix()
    grid = Grid((2, 3, 4), (1.0, 1.2, 0.9), (4.0, 5.0, 6.0), tuple(float(v) for v in turn.ravel()))
    mesh = hexahedra(grid, np.ones(grid.shape, dtype=int), {1: "bone"})
    place = mesh.points_mm @ turn
    sets = {}
    for c, name in enumerate(("left", "back", "bottom")):
        held = tuple(0.0 if d == c else None for d in range(3))
        for low, end in ((True, place[:, c].min()), (False, place[:, c].max())):
            sets[name if low else f"other {name}"] = Prescribed(np.flatnonzero(np.abs(place[:, c] - end) < 1e-9), held)
    sets["other bottom"] = Prescribed(sets["other bottom"].nodes, (None, None, -0.01 * 3.6))
    load = LoadCase(sets, "other bottom", tuple(float(v) for v in -turn[:, 2]), 3.6, axes=turn.T, load_steps=(0.5, 1.0))
    strong = make_material(mesh.n_cells, stress=1e6)
    answer = native(mesh, strong, load, scheme=scheme)
    axial = 1000 * 0.7 / (1.3 * 0.4) * 0.01
    areas = {"left": 3.6 * 3.6, "back": 2 * 3.6, "bottom": 2 * 3.6}
    for c, (name, area) in enumerate(areas.items()):
        force = area * axial * (1 if c == 2 else 0.3 / 0.7)
        assert answer.reactions_n[name].shape == (len(answer.force_n), 3)
        assert answer.reactions_n[name][-1] == pytest.approx(force * turn[:, c], abs=1e-4 * force)
        assert answer.reactions_n[f"other {name}"][-1] == pytest.approx(-force * turn[:, c], abs=1e-4 * force)
    loaded = answer.reactions_n["other bottom"] @ np.array(load.direction)
    assert loaded == pytest.approx(answer.force_n, abs=1e-9)
    assert (answer.reactions_n["left"][0] == 0).all()


def test_forces_are_in_balance_where_sets_push_askew(make_block, make_material, native):
    bar = make_block(strain=0.02, bonded=True)
    sets = {**bar.load.prescribed, "top": Prescribed(bar.load.prescribed["top"].nodes, (0.05, -0.02, -0.1))}
    answer = native(bar.mesh, make_material(bar.mesh.n_cells, stress=8.0), replace(bar.load, prescribed=sets))
    assert answer.reactions_n["top"] == pytest.approx(-answer.reactions_n["bottom"], abs=1e-5 * answer.force_n.max())
    assert abs(answer.reactions_n["top"][-1, 0]) > 1
