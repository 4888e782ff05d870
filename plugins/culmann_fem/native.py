"""native-solver: the step that solves voxel models and quadratic tetrahedra with our own engine."""

from __future__ import annotations

from contextlib import closing
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import LoadCase, Materials, Mesh, Response
from culmann.data.arrays import FloatArray
from culmann.data.response import SolverFact
from culmann.journal import Journal
from culmann.stress_updates import load_stress_update
from culmann_fem.answer import refuse_nothing_solved, response
from culmann_fem.choices import is_plain, refuse_unsupported, scheme_for
from culmann_fem.converged import follow_converged
from culmann_fem.course import Energies, Limits
from culmann_fem.effective_strain import EffectiveStrain
from culmann_fem.energy import stored_and_dissipated
from culmann_fem.first_run import compilation_told
from culmann_fem.gauss_points import BrickPoints, GaussPoints, TetPoints
from culmann_fem.interruption import Interruption
from culmann_fem.lattice_system import LatticeSystem
from culmann_fem.mechanisms import refuse_mechanisms
from culmann_fem.newton import follow_linear, follow_plastic
from culmann_fem.plastic import PlasticModel
from culmann_fem.point_model import PointModel
from culmann_fem.problem import lattice_problem
from culmann_fem.secant import follow_lagged
from culmann_fem.secant_state import SecantState
from culmann_fem.system import Plasticity, Softening
from culmann_fem.tet_mechanisms import refuse_tet_mechanisms
from culmann_fem.tet_plastic import TetPlastic
from culmann_fem.tet_problem import tet_problem
from culmann_fem.tet_secant import TetSecant
from culmann_fem.tet_system import TetSystem
from culmann_fem.torch_device import require_gpu, solve_on_gpu, tangent_on_gpu


class NativeSolverConfig(Config):
    """Options of the native solver."""

    scheme: Literal["auto", "linear", "plastic", "secant-lagged", "secant-converged"] = Field(
        "auto",
        description="`linear` ignores yielding. `plastic` unloads along the elastic slope. With `secant-converged` the modulus "
        "of a cell falls with its strain and never recovers; `secant-lagged` takes it from the increment before, as Sas et al. "
        "do. `auto` is what the law says: plastic, or secant-converged.",
    )
    integration: Literal["b-bar", "full"] = Field(
        "b-bar",
        description="Integration of the bricks. Full integration locks when plastic flow keeps its volume. Tetrahedra always "
        "have their four points.",
    )
    residual_tolerance: float = Field(1e-6, gt=1e-12, lt=1e-1, description="Norm of the forces out of balance over the load.")
    stop_below_peak: float = Field(
        0.0, ge=0, lt=1, description="Stop once the load has fallen below this share of its peak; 0 goes on to the end."
    )
    max_iterations: int = Field(500, ge=1, description="Most iterations of one linear solve.")
    threads: int = Field(
        0, ge=0, exclude=True, description="Threads; 0 takes one for each core. It does not change the result."
    )
    device: Literal["cpu", "cuda"] = Field(
        "cpu",
        exclude=True,
        description="Where voxel models are solved: on the processor, or linear solves on an NVIDIA GPU, which needs "
        "`pip install 'culmann[gpu]'`. The result is the same within the tolerance.",
    )


def native_solver(mesh: Mesh, materials: Materials, load: LoadCase, config: NativeSolverConfig, journal: Journal) -> Response:
    """Small-strain response of voxels or quadratic tetrahedra: linear, plastic, or with falling secant moduli.

    Plastic after von Mises or Tresca along a curve, or as a law's own stress update has it. Bone may be orthotropic: bricks
    along the edges of the voxels, tetrahedra along any axes. Matrix-free conjugate gradients with a multigrid preconditioner;
    Newton's method with the consistent tangent, or the secant schemes of Sas et al. 2020.

    Raises
    ------
    SolverError
        When the cells are neither voxels nor tet10, the model is not held, the axes of orthotropic voxels are not those of the
        lattice, or the first increment finds no equilibrium.
    InputError
        When materials and mesh do not belong together, or the materials need what this solver does not do.
    """
    scheme = scheme_for(materials, config.scheme)
    refuse_unsupported(mesh, materials, scheme)
    gpu = require_gpu(mesh.cell_type) if config.device == "cuda" else ""
    with (
        compilation_told(journal.progress),
        closing(_system(mesh, materials, load, config)) as system,
        Interruption(journal.progress) as interruption,
    ):
        tell, most = interruption.tell, config.max_iterations
        limits = Limits(config.residual_tolerance, most, config.stop_below_peak, lambda: interruption.asked)
        if scheme == "linear":
            course = follow_linear(system, _plasticity(system, materials, elastic=True), limits, tell)
        elif scheme == "plastic":
            model = _plasticity(system, materials, elastic=False)
            if gpu:
                tangent_on_gpu(system, model)
            course = follow_plastic(system, model, load.load_steps, limits, tell, _energies(system, materials, model))
        else:
            follow = follow_lagged if scheme == "secant-lagged" else follow_converged
            course = follow(system, _softening(system, materials), load.load_steps, limits, tell)
        unknowns, reach_mm = int(system.free.sum()), float(np.abs(system.target_mm).max())
    refuse_nothing_solved(course, mesh, materials, load, reach_mm)
    if course.interrupted:
        journal.incomplete(course.stop_reason)
    elif course.stop_reason and not course.stopped_as_asked:
        journal.warn(course.stop_reason)
    if scheme == "linear" and not materials.is_linear:
        journal.warn("solved as linear, as `scheme: linear` asks: no cell yields, and no force is that of a failing bone")
    facts: dict[str, SolverFact] = {
        "engine": "culmann native",
        "scheme": scheme,
        "integration": config.integration if mesh.cell_type == "hex8" else "four points",
        "unknowns": unknowns,
        "device": f"cuda: {gpu}" if gpu else "cpu",
    }
    return response(mesh, materials, load, course, facts)


def _system(mesh: Mesh, materials: Materials, load: LoadCase, config: NativeSolverConfig) -> LatticeSystem | TetSystem:
    threads = config.threads or None
    if mesh.cell_type == "tet10":
        tets = tet_problem(mesh, load)
        refuse_tet_mechanisms(tets)
        return TetSystem(tets, materials, threads=threads)
    problem = lattice_problem(mesh, load)
    refuse_mechanisms(problem)
    lattice = LatticeSystem(problem, materials, b_bar=config.integration == "b-bar", threads=threads)
    if config.device == "cuda":
        solve_on_gpu(lattice)
    return lattice


def _plasticity(system: LatticeSystem | TetSystem, materials: Materials, *, elastic: bool) -> Plasticity:
    own = None
    if materials.stress_update is not None and not elastic:
        own = load_stress_update(materials.stress_update)
    if is_plain(materials) and own is None:
        if isinstance(system, TetSystem):
            return TetPlastic(system.problem, materials, system.operator, elastic=elastic)
        return PlasticModel(system.problem, materials, system.lattice, elastic=elastic)
    return PointModel(_points(system), materials, system.groups, system.problem.is_bone, own, elastic=elastic)


def _softening(system: LatticeSystem | TetSystem, materials: Materials) -> Softening:
    effective = None
    if not is_plain(materials):
        effective = EffectiveStrain(_points(system), system.groups, materials.criterion)
    if isinstance(system, TetSystem):
        return TetSecant(system.problem, materials, system.operator, effective)
    return SecantState(system.problem, materials, system.lattice, system.groups, effective)


def _points(system: LatticeSystem | TetSystem) -> GaussPoints:
    if isinstance(system, TetSystem):
        return TetPoints(system.problem, system.operator)
    return BrickPoints(system.problem, system.lattice, b_bar=system.b_bar)


def _energies(system: LatticeSystem | TetSystem, materials: Materials, model: Plasticity) -> Energies:
    def found(u: FloatArray) -> tuple[float, float] | None:
        state = model.plastic_state()
        return None if state is None else stored_and_dissipated(_points(system), system.groups, materials, u, *state)

    return found
