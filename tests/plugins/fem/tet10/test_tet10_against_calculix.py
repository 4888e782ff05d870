"""The same quadratic tetrahedra solved by CalculiX (C3D10), straight and curved, linear and plastic."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pytest
from calculix_deck import loads_n, write_deck

from culmann import LoadCase, Materials, Prescribed

pytestmark = pytest.mark.skipif(shutil.which("ccx") is None, reason="needs CalculiX: apt-get install calculix-ccx")


def calculix(folder, mesh, materials, load, *, plastic):
    write_deck(folder, mesh, materials, load, plastic=plastic)
    done = subprocess.run(["ccx", "bone"], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:]
    return loads_n(folder, load)


@pytest.fixture(params=[0.0, 0.06], ids=["straight", "curved"])
def block(request, make_tets):
    """A block of random moduli over two decades, inner vertices moved, pushed a little askew between rough platens."""
    mesh = make_tets(size=(4, 3, 4), spacing=(1.0, 1.2, 0.9), jiggle=0.2, curve=request.param)
    rho = np.random.default_rng(11).uniform(0.05, 0.6, mesh.n_cells)
    z = mesh.points_mm[:, 2]
    sets = {
        "bottom": Prescribed(np.flatnonzero(z == z.min()), (0.0, 0.0, 0.0)),
        "top": Prescribed(np.flatnonzero(z == z.max()), (0.02, 0.0, -0.07)),
    }
    load = LoadCase(sets, "top", (0.0, 0.0, -1.0), 3.6, load_steps=(0.25, 0.5, 0.75, 1.0))
    stress = 102 * rho**1.8
    ratio = np.full(mesh.n_cells, 0.3)
    return mesh, Materials(14900 * rho**1.86, ratio, stress[:, None], np.zeros((mesh.n_cells, 1)), rho), load


def test_linear_force_within_a_thousandth(tmp_path, native, block):
    referee = calculix(tmp_path, *block, plastic=False)
    ours = native(*block, scheme="linear")
    assert ours.force_n[-1] == pytest.approx(referee[-1], rel=1e-3)


def test_plastic_curve_within_a_hundredth(tmp_path, native, block):
    referee = calculix(tmp_path, *block, plastic=True)
    ours = native(*block)
    assert len(referee) == 4
    assert ours.force_n[1:] == pytest.approx(referee, rel=1e-2)
    linear = native(*block, scheme="linear")
    assert referee[-1] < 0.8 * linear.force_n[-1], "the case must be well into yielding to say anything"
