"""native-solver: the step that solves voxel models and quadratic tetrahedra with our own engine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import LoadCase, Materials, Mesh, Response
from culmann.data.arrays import FloatArray
from culmann.data.response import SolverFact
from culmann.errors import InputError, SolverError
from culmann.journal import Journal
from culmann.stress_updates import load_stress_update
from culmann_fem.converged import follow_converged
from culmann_fem.course import Course, Energies, Limits
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

#: Less work than this share of modulus times length times displacement squared is none.
_NO_STIFFNESS = 1e-12


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
    _refuse_unsupported(mesh, materials, config)
    gpu = require_gpu(mesh.cell_type) if config.device == "cuda" else ""
    scheme = _scheme(materials, config)
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
        unknowns = int(system.free.sum())
    if len(course.factors) == 1:
        raise SolverError(
            f"the first increment found no equilibrium: {course.stop_reason}",
            hint="try smaller load steps, or look for cells with next to no stiffness under the load",
        )
    # Of the work and not of the load, which may vanish while a body is strained.
    reach_mm = course.factors[-1] * float(np.abs(system.target_mm).max())
    stiffest = float(materials.youngs_modulus_mpa.max()) * load.reference_height_mm
    if course.external_work_nmm < _NO_STIFFNESS * stiffest * reach_mm**2:
        middle = mesh.points_mm[load.prescribed[load.loaded].nodes].mean(axis=0).round(1).tolist()
        raise SolverError(
            f"there is next to no stiffness under the load around {middle} mm (LPS): {np.abs(course.force_n).max():.2g} N",
            hint="look for cells with next to no modulus between the loaded and the held nodes",
        )
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
    return _response(mesh, materials, load, course, facts)


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
    if _is_plain(materials) and own is None:
        if isinstance(system, TetSystem):
            return TetPlastic(system.problem, materials, system.operator, elastic=elastic)
        return PlasticModel(system.problem, materials, system.lattice, elastic=elastic)
    return PointModel(_points(system), materials, system.groups, system.problem.is_bone, own, elastic=elastic)


def _softening(system: LatticeSystem | TetSystem, materials: Materials) -> Softening:
    effective = None
    if not _is_plain(materials):
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


def _is_plain(materials: Materials) -> bool:
    """Whether the faster kernels for von Mises's criterion with Hooke's law will do."""
    return materials.criterion == "von-mises" and materials.orthotropy is None


def _refuse_unsupported(mesh: Mesh, materials: Materials, config: NativeSolverConfig) -> None:
    if materials.n_cells != mesh.n_cells:
        raise InputError(
            f"the materials describe {materials.n_cells} cells and the mesh has {mesh.n_cells}",
            hint="the law and the solver must take the same mesh",
        )
    scheme = _scheme(materials, config)
    if materials.stress_update is not None and scheme.startswith("secant"):
        raise InputError(
            f"law {materials.law!r} brings its own stress update, and `scheme: {scheme}` would not use it",
            hint="leave `scheme` at `auto`",
        )
    if materials.orthotropy is not None and materials.criterion == "tresca" and scheme == "plastic":
        raise InputError(
            f"law {materials.law!r} wants Tresca plasticity with orthotropic elasticity, whose principal axes need not agree: "
            "the native solver does not do that",
            hint="take the von Mises criterion with it, or Tresca with isotropic elasticity, or a secant scheme",
        )


def _scheme(materials: Materials, config: NativeSolverConfig) -> str:
    if materials.is_linear:
        return "linear"
    if config.scheme != "auto":
        return config.scheme
    if materials.stress_update is not None:
        return "plastic"
    return "plastic" if materials.unloading == "plastic" else "secant-converged"


def _response(mesh: Mesh, materials: Materials, load: LoadCase, course: Course, facts: Mapping[str, SolverFact]) -> Response:
    assert course.peak is not None
    assert course.end is not None
    full = _full_displacement(load)
    at_rest = np.zeros((len(load.prescribed), 3))
    reactions = np.stack([at_rest, *course.reactions_n], axis=1)
    return Response(
        mesh=mesh,
        displacement_mm=full * np.array(course.factors),
        force_n=np.array(course.force_n),
        reference_height_mm=load.reference_height_mm,
        peak=course.peak,
        end=course.end,
        solver={
            **facts,
            "increments": len(course.factors) - 1,
            "nonlinear_iterations": course.nonlinear_iterations,
            "cg_iterations": course.cg_iterations,
            "most_cg_iterations_in_a_solve": course.most_cg_in_a_solve,
            "largest_relative_residual": course.largest_residual,
            "cut_increments": course.cuts,
            **_energy_facts(course, facts["scheme"] == "plastic"),
        },
        stop_reason=course.stop_reason,
        reactions_n={name: reactions[n] for n, name in enumerate(load.prescribed)},
        cells={"youngs_modulus_mpa": materials.youngs_modulus_mpa, "density_g_cm3": materials.density_g_cm3},
    )


def _energy_facts(course: Course, independent: bool) -> dict[str, SolverFact]:
    """What is known of the energies; their balance only where each of the three was computed for itself."""
    told: dict[str, SolverFact] = {"external_work_nmm": course.external_work_nmm}
    if course.stored_nmm is not None and course.dissipated_nmm is not None:
        told |= {"stored_energy_nmm": course.stored_nmm, "dissipated_energy_nmm": course.dissipated_nmm}
        missing = course.external_work_nmm - course.stored_nmm - course.dissipated_nmm
        if independent and course.external_work_nmm > 0:
            told["energy_imbalance"] = abs(missing) / course.external_work_nmm
    return told


def _full_displacement(load: LoadCase) -> float:
    """Displacement of the loaded set along the direction of the load at full load, mm."""
    parts = (0.0 if value is None else value for value in load.prescribed[load.loaded].displacement_mm)
    return float(np.array(list(parts)) @ load.axes @ np.asarray(load.direction))
