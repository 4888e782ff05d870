"""The first run, which compiles the kernels, against later ones, which take them from the cache."""

from __future__ import annotations

import subprocess
import sys

import pytest

_RUN = """
import numpy as np
from culmann import Grid, LoadCase, Materials, Prescribed
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_fem.native import NativeSolverConfig, native_solver

class Told(QuietJournal):
    def progress(self, text, done=None):
        if "compiling" in text:
            print("TOLD", text)

shape = (9, 8, 10)
mesh = hexahedra(Grid(shape[::-1], (1.0, 1.0, 1.0)), np.ones(shape, dtype=int), {1: "bone"})
z = mesh.points_mm[:, 2]
n, rho = mesh.n_cells, np.random.default_rng(3).uniform(0.1, 1.0, mesh.n_cells)
low, high = np.flatnonzero(z == z.min()), np.flatnonzero(z == z.max())
sets = {"low": Prescribed(low, (0.0, 0.0, 0.0)), "high": Prescribed(high, (0.0, 0.0, -0.1))}
curve = (20 * rho)[:, None]
law = Materials(3000 * rho, np.full(n, 0.3), curve, 0 * curve, rho)
answer = native_solver(mesh, law, LoadCase(sets, "high", (0.0, 0.0, -1.0), 10.0), NativeSolverConfig(), Told())
print("FORCE", answer.force_n[-1].hex())
"""


@pytest.mark.slow
def test_the_first_run_says_that_it_compiles_and_later_ones_give_the_same_to_the_last_bit(tmp_path, monkeypatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    command = [sys.executable, "-c", _RUN]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert "TOLD compiling the solver: once" in first
    assert "TOLD" not in second
    assert first.splitlines()[-1] == second.splitlines()[-1]
