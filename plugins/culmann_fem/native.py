"""native-solver: the step that solves voxel models with our own engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import LoadCase, Materials, Mesh, Response
from culmann.data.arrays import FloatArray
from culmann.errors import InputError, SolverError
from culmann.journal import Journal
from culmann_fem.hexahedron import brick
from culmann_fem.lattice import LatticeOperator
from culmann_fem.mechanisms import refuse_mechanisms
from culmann_fem.multigrid import Multigrid
from culmann_fem.newton import Course, Tolerances, follow
from culmann_fem.plastic import PlasticModel
from culmann_fem.problem import LatticeProblem, lattice_problem


class NativeSolverConfig(Config):
    """Options of the native solver."""

    scheme: Literal["auto", "linear", "plastic"] = Field(
        "auto", description="`linear` ignores yielding; `plastic` follows it; `auto` takes what the materials need."
    )
    integration: Literal["b-bar", "full"] = Field(
        "b-bar", description="Integration of the bricks. Full integration locks when plastic flow keeps its volume."
    )
    residual_tolerance: float = Field(
        1e-6, gt=1e-12, lt=1e-1, description="Norm of the forces out of balance over the norm of the reactions."
    )
    max_iterations: int = Field(500, ge=1, description="Most iterations of one linear solve.")
    threads: int = Field(0, ge=0, description="Threads; 0 takes one for each core. It does not change the result.")


def native_solver(mesh: Mesh, materials: Materials, load: LoadCase, config: NativeSolverConfig, journal: Journal) -> Response:
    """Small-strain response of a voxel model, linear or von Mises plastic.

    Matrix-free conjugate gradients with a geometric multigrid preconditioner; Newton's method with the consistent tangent.

    Raises
    ------
    SolverError
        When the model is not a voxel model, is not held, has no stiffness, or the first increment finds no equilibrium.
    InputError
        When materials and mesh do not belong together, or the materials need what this solver does not do.
    """
    _refuse_unsupported(mesh, materials, config)
    problem = lattice_problem(mesh, load)
    refuse_mechanisms(problem, mesh.cell_centres_mm())
    with _Engine.start(problem, materials, config) as engine:
        course = follow(
            problem,
            engine.lattice,
            engine.multigrid,
            engine.model,
            (1.0,) if engine.linear else load.load_steps,
            Tolerances(config.residual_tolerance, config.max_iterations),
            lambda text, done: journal.progress(text, done),
        )
    if len(course.factors) == 1:
        raise SolverError(
            f"the first increment found no equilibrium: {course.stop_reason}",
            hint="try smaller load steps, or look for cells with next to no stiffness under the load",
        )
    if course.stop_reason:
        journal.warn(course.stop_reason)
    return _response(mesh, load, problem, course, config, engine.linear)


def _refuse_unsupported(mesh: Mesh, materials: Materials, config: NativeSolverConfig) -> None:
    if materials.n_cells != mesh.n_cells:
        raise InputError(
            f"the materials describe {materials.n_cells} cells and the mesh has {mesh.n_cells}",
            hint="the law and the solver must take the same mesh",
        )
    if config.scheme == "linear" or materials.is_linear:
        return
    if materials.criterion != "von-mises" or materials.unloading != "plastic":
        raise InputError(
            f"the native solver follows von Mises plasticity; law {materials.law!r} asks for {materials.criterion} with "
            f"{materials.unloading} unloading",
            hint="use another solver, or `scheme: linear`",
        )


@dataclass(frozen=True, slots=True)
class _Engine:
    """The operator, its preconditioner and the material model, with threads that end with it."""

    lattice: LatticeOperator
    multigrid: Multigrid
    model: PlasticModel
    linear: bool

    @classmethod
    def start(cls, problem: LatticeProblem, materials: Materials, config: NativeSolverConfig) -> _Engine:
        linear = config.scheme == "linear" or materials.is_linear
        ratios = np.unique(materials.poisson_ratio)
        bricks = [brick(problem.spacing_mm, float(nu), b_bar=config.integration == "b-bar") for nu in ratios]
        E: FloatArray = np.stack(
            [problem.on_cells(np.where(materials.poisson_ratio == nu, materials.youngs_modulus_mpa, 0)) for nu in ratios]
        )
        threads = config.threads or None
        lattice = LatticeOperator(E, bricks, problem.free, threads)
        return cls(lattice, Multigrid(lattice, threads), PlasticModel(problem, materials, lattice, elastic=linear), linear)

    def __enter__(self) -> _Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.multigrid.close()
        self.lattice.close()


def _response(
    mesh: Mesh, load: LoadCase, problem: LatticeProblem, course: Course, config: NativeSolverConfig, linear: bool
) -> Response:
    assert course.peak is not None
    assert course.end is not None
    full = _full_displacement(load)
    return Response(
        mesh=mesh,
        displacement_mm=full * np.array(course.factors),
        force_n=np.array(course.force_n),
        reference_height_mm=load.reference_height_mm,
        peak=course.peak,
        end=course.end,
        solver={
            "engine": "culmann native",
            "scheme": "linear" if linear else "plastic",
            "integration": config.integration,
            "unknowns": int(problem.free.sum()),
            "increments": len(course.factors) - 1,
            "newton_iterations": course.newton_iterations,
            "cg_iterations": course.cg_iterations,
            "most_cg_iterations_in_a_solve": course.most_cg_in_a_solve,
            "largest_relative_residual": course.largest_residual,
            "cut_increments": course.cuts,
        },
        stop_reason=course.stop_reason,
    )


def _full_displacement(load: LoadCase) -> float:
    """Displacement of the loaded set along the direction of the load at full load, mm."""
    parts = (0.0 if value is None else value for value in load.prescribed[load.loaded].displacement_mm)
    return float(np.array(list(parts)) @ load.axes @ np.asarray(load.direction))
