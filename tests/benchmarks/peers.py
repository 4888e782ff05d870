"""Other engines on the same model, each run as a program of its own."""

from __future__ import annotations

import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from cases import Case

from culmann.errors import SolverError
from culmann.journal import QuietJournal
from culmann.voxels import region_map
from culmann_calculix.solver import CalculixConfig
from culmann_calculix.solver import calculix as solve
from culmann_fem.hexahedron import brick, elasticity


@dataclass(frozen=True)
class Peer:
    """What another engine needed: seconds, its forces in N at the load steps, and its iterations, -1 where it does not say.

    `stopped`: it had not come to its end when its time was up; the seconds are those that it had.
    """

    seconds: float
    force_n: np.ndarray
    iterations: int = -1
    stopped: bool = False

    def times(self, ours: float) -> str:
        """How it compares with our seconds, in words."""
        if self.stopped:
            return f"stopped there, unfinished: more than {self.seconds / ours:.0f} times as long"
        return f"{self.seconds / ours:.0f} times as long"


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


def parosol(python: str, case: Case, processes: int, limit_s: float) -> Peer:
    """The native program alone is timed, for a linear model whose sets are bonded and move along z."""
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
        found = _result(command, "ParOSol", r"RESULT (\S+) (\S+)", limit_s)
    return found if isinstance(found, Peer) else Peer(float(found[1]), np.array([float(found[2])]))


def _result(command: list[str], name: str, pattern: str, limit_s: float) -> re.Match[str] | Peer:
    """What a program printed, or that it was stopped; the time in which it assembles its matrix counts towards the limit."""
    began = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=limit_s)
    except subprocess.TimeoutExpired:
        return Peer(time.perf_counter() - began, np.zeros(0), stopped=True)
    found = re.search(pattern, done.stdout)
    if found is None:
        raise SystemExit(f"{name} gave no result:\n{done.stdout}{done.stderr}")
    return found


# Runs with a Python that has petsc4py (Debian: python3-petsc4py, or dolfinx): assembles the lattice, and times setting up GAMG
# and the solve alone. Prints seconds, iterations, and the reaction.
_PETSC = """
import sys, time
import numpy as np
from petsc4py import PETSc

given = np.load(sys.argv[1])
E, K0, held, value, loaded = (given[name] for name in ("modulus", "stiffness", "held", "value", "loaded"))
nodes = tuple(n + 1 for n in E.shape)
n, corners = int(np.prod(nodes)), [(a & 1, a >> 1 & 1, a >> 2 & 1) for a in range(8)]
blocks = np.zeros((*nodes, 27, 3, 3))
for a, at in enumerate(corners):
    here = blocks[tuple(slice(d, d + m) for d, m in zip(at, E.shape))]
    for b, to in enumerate(corners):
        offset = sum((to[d] - at[d] + 1) * 3 ** (2 - d) for d in range(3))
        here[:, :, :, offset] += E[..., None, None] * K0[3 * a : 3 * a + 3, 3 * b : 3 * b + 3]
place = np.indices(nodes).reshape(3, -1).T
around = np.stack(np.meshgrid(*[[-1, 0, 1]] * 3, indexing="ij"), -1).reshape(-1, 3)
near = np.zeros((n, 27), dtype=np.int32)
there = np.ones((n, 27), dtype=bool)
for d in range(3):
    at = place[:, d, None] + around[:, d]
    there &= (at >= 0) & (at < nodes[d])
    near = near * nodes[d] + at.astype(np.int32)
indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))]).astype(np.int32)
values = blocks.reshape(n, 27, 3, 3)[there]
del blocks
A = PETSc.Mat().createBAIJ((3 * n, 3 * n), bsize=3, csr=(indptr, near[there], values.ravel()), comm=PETSc.COMM_SELF)
del values
A = A.convert("aij")
u, b, x = A.createVecRight(), A.createVecRight(), A.createVecRight()
u.setValues(held, value)
u.assemble()
A.mult(u, b)
b.scale(-1)
b.setValues(held, np.zeros(len(held)))
b.assemble()
whole = A.duplicate(copy=True) if n < 200_000 else None
A.zeroRowsColumns(held, 1.0)
spot = A.createVecRight()
spot.setBlockSize(3)
spot.setArray((place * given["spacing"]).ravel())
A.setNearNullSpace(PETSc.NullSpace().createRigidBody(spot))
ksp = PETSc.KSP().create(PETSc.COMM_SELF)
ksp.setOperators(A)
ksp.setType("cg")
ksp.getPC().setType("gamg")
ksp.setNormType(PETSc.KSP.NormType.UNPRECONDITIONED)
ksp.setTolerances(rtol=1e-30, atol=1e-6 * float(given["load"]), max_it=500)
print("ASSEMBLED", flush=True)
began = time.perf_counter()
ksp.setUp()
ksp.solve(b, x)
seconds = time.perf_counter() - began
force = 0.0
if whole is not None:
    x.axpy(1.0, u)
    whole.mult(x, b)
    force = abs(float(b.getArray()[loaded].sum()))
print("RESULT", seconds, ksp.getIterationNumber(), force)
"""


def petsc(python: str, case: Case, load_n: float, limit_s: float) -> Peer:
    """PETSc's GAMG on one core, to 1e-6 of a load; its force is 0 where the model is large. The limit is for its solve alone.

    For a full lattice along the axes of the patient, in one material but for its moduli, whose sets move along z.
    """
    grid = case.mesh.lattice.grid
    i, j, k = case.mesh.lattice.cell_index.T
    E = np.zeros(grid.shape[::-1])
    E[i, j, k] = case.materials.youngs_modulus_mpa
    nodes = np.array(E.shape) + 1
    at = np.rint(grid.to_index(case.mesh.points_mm) + 0.5).astype(int)
    number = np.ravel_multi_index(at.T, nodes)
    held, value = [], []
    for given in case.load.prescribed.values():
        for c, moved in enumerate(given.displacement_mm):
            held.append(3 * number[given.nodes] + c)
            value.append(np.full(len(given.nodes), moved))
    spacing = np.asarray(grid.spacing_mm)
    K0 = brick(spacing, elasticity(float(case.materials.poisson_ratio[0])), b_bar=False).stiffness
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "given.npz"
        loaded = 3 * number[case.load.prescribed[case.load.loaded].nodes] + 2
        held_all, value_all = np.concatenate(held).astype(np.int32), np.concatenate(value)
        what = {"modulus": E, "stiffness": K0, "held": held_all, "value": value_all, "loaded": loaded}
        np.savez(path, **what, spacing=spacing, load=load_n)
        found = _petsc_result([python, "-c", _PETSC, str(path)], limit_s)
    return found if isinstance(found, Peer) else Peer(float(found[1]), np.array([float(found[3])]), int(found[2]))


def _petsc_result(command: list[str], limit_s: float) -> re.Match[str] | Peer:
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()  # the matrix is assembled, in Python: that is no time of PETSc's
        began = time.perf_counter()
        try:
            said, problem = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired:
            process.kill()
            return Peer(time.perf_counter() - began, np.zeros(0), stopped=True)
    found = re.search(r"RESULT (\S+) (\d+) (\S+)", said)
    if found is None:
        raise SystemExit(f"PETSc gave no result:\n{said}{problem}")
    return found


def calculix(case: Case, linear_solver: str, limit_s: float) -> Peer:
    """Seconds of ccx, plastic where the materials are; C3D8, or C3D10. Stopped, it has the forces of the steps that it solved.

    Its direct solver runs on all cores; its iterative one is not threaded.
    """
    config = CalculixConfig(hexahedra="C3D8", linear_solver=linear_solver, timeout_s=limit_s)
    began = time.perf_counter()
    try:
        response = solve(case.mesh, case.materials, case.load, config, QuietJournal())
    except SolverError as problem:
        if "was stopped after" not in problem.message:
            raise
        return Peer(min(limit_s, time.perf_counter() - began), np.zeros(0), stopped=True)
    return Peer(response.solver["seconds_in_ccx"], response.force_n[1:], stopped="was stopped" in response.stop_reason)
