"""Other engines on the same model, each run as a program of its own."""

from __future__ import annotations

import re
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from cases import Case

from culmann.journal import QuietJournal
from culmann.voxels import region_map
from culmann_calculix.solver import CalculixConfig
from culmann_calculix.solver import calculix as solve

# Runs in an environment that has parosol-py: writes its input, times the native program alone, prints seconds and force.
_PAROSOL = """
import os, sys, time
import h5py, numpy as np, parosol_py
from parosol_py.runner import run_parosol

os.environ.update(OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1")
given = np.load(sys.argv[1])
held = parosol_py.BoundaryConditionSet(given["coordinates"].astype(np.uint16), given["values"].astype(np.float32))
made = parosol_py.solve(
    material=given["modulus"], spacing=tuple(given["spacing"]), material_unit="MPa", poisson_ratio=0.3,
    boundary_conditions=held, tolerance=1e-6, mpi_processes=int(sys.argv[3]), outputs=("forces",),
    work_dir=sys.argv[2], dry_run=True,
)
command = [*made.command[:-1], made.input_file.name]
began = time.perf_counter()
done = run_parosol(command, cwd=made.input_file.parent)
seconds = time.perf_counter() - began
assert done.returncode == 0, done.stdout + done.stderr
with h5py.File(made.input_file) as file:
    nodes, force = file["Mesh/Coordinates"][()], file["Solution/force"][()]
top = given["loaded"]
place = {tuple(p): n for n, p in enumerate(np.rint(nodes / given["spacing"][0]).astype(int).tolist())}
print("RESULT", seconds, abs(sum(force[place[tuple(p)], 2] for p in top.tolist() if tuple(p) in place)))
"""


def parosol(python: str, case: Case, processes: int) -> tuple[float, float]:
    """Seconds of the native program and its force in N, for a linear model whose sets are bonded and move along z."""
    lattice = case.mesh.lattice
    E = np.zeros(lattice.grid.shape, dtype=np.float32)
    i, j, k = lattice.cell_index.T
    E[k, j, i] = case.materials.youngs_modulus_mpa
    filled = np.argwhere(region_map(case.mesh) != 0)
    low, high = filled.min(axis=0), filled.max(axis=0) + 1
    E = E[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    node = np.rint(lattice.grid.to_index(case.mesh.points_mm) + 0.5).astype(int) - low[::-1]
    coordinates, values = [], []
    for held in case.load.prescribed.values():
        for c, value in enumerate(held.displacement_mm):
            along = value * np.sign(lattice.grid.axes[c, c])
            coordinates += [(*node[n], c) for n in held.nodes]
            values += [along or 1e-16] * len(held.nodes)
    with tempfile.TemporaryDirectory() as folder:
        given = Path(folder) / "given.npz"
        loaded = node[case.load.prescribed[case.load.loaded].nodes]
        spacing = lattice.grid.spacing_mm
        np.savez(given, modulus=E, spacing=spacing, coordinates=coordinates, values=values, loaded=loaded)
        command = [python, "-c", _PAROSOL, str(given), folder, str(processes)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"RESULT (\S+) (\S+)", done.stdout)
    if found is None:
        raise SystemExit(f"ParOSol gave no result:\n{done.stdout}{done.stderr}")
    return float(found[1]), float(found[2])


def calculix(case: Case) -> tuple[float, np.ndarray]:
    """Seconds of ccx with its direct solver on all cores, and its forces in N at the load steps, plastic, C3D8."""
    config = CalculixConfig(hexahedra="C3D8", linear_solver="spooles")
    response = solve(case.mesh, case.materials, case.load, config, QuietJournal())
    return response.solver["seconds_in_ccx"], response.force_n[1:]
