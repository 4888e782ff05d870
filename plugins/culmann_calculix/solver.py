"""calculix: the step that solves a model with CalculiX, run as a separate program."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.boundary import full_displacement_mm
from culmann.data import LoadCase, Materials, Mesh, Response
from culmann.data.response import SolverFact
from culmann.errors import SolverError
from culmann.journal import Journal
from culmann_calculix.deck import DeckOptions, deck, set_names
from culmann_calculix.fields import FieldReader
from culmann_calculix.model import ModelConfig, bins_of, element_of, is_plastic, refuse_unsupported, remarks
from culmann_calculix.program import Ended, find_ccx, run_ccx, version_of
from culmann_calculix.results import Increment, Results, read_status

JOB = "culmann"
#: More unknowns than this, and a direct solver takes too much memory and time.
_DIRECT_UP_TO = 100_000
_STATIC = {
    "spooles": ", SOLVER=SPOOLES",
    "pardiso": ", SOLVER=PARDISO",
    "iterative-cholesky": ", SOLVER=ITERATIVE CHOLESKY",
    "iterative-scaling": ", SOLVER=ITERATIVE SCALING",
}


class CalculixConfig(ModelConfig):
    """Options of the solver CalculiX."""

    hexahedra: Literal["C3D8", "C3D8I", "C3D8R"] = Field(
        "C3D8I",
        description="The brick of CalculiX. `C3D8` integrates fully and locks when plastic flow keeps its volume (compare it "
        "with `integration: full` of the native solver); `C3D8I` has incompatible modes and does not; `C3D8R` has one "
        "point, and its hourglass modes are not held by much.",
    )
    linear_solver: Literal["auto", "spooles", "pardiso", "iterative-cholesky", "iterative-scaling"] = Field(
        "auto",
        description="`spooles` is direct. The iterative ones are faster and smaller for large models; they stop early, so that "
        "Newton's method goes on until the forces are in balance, in a linear run as well. `pardiso` needs a ccx that was "
        "built with it. `auto` takes spooles up to 100 000 unknowns, then iterative-cholesky.",
    )
    residual_tolerance: float = Field(
        0.005, gt=1e-9, lt=0.1, description="Largest force out of balance over the mean force; CalculiX's own default is 0.005."
    )
    threads: int = Field(
        0, ge=0, exclude=True, description="Threads; 0 takes one for each core. It does not change the result."
    )
    timeout_s: float = Field(86400.0, gt=0, description="CalculiX is stopped after this time; what it solved by then is kept.")
    program: Path | None = Field(
        None, description="The program ccx. Without it CULMANN_CCX of the environment is taken, then `ccx` on the PATH."
    )
    keep_files: bool = Field(
        False, description="Attach the deck, what CalculiX printed, and a .frd for viewers (cgx, PrePoMax) to the result."
    )


def calculix(mesh: Mesh, materials: Materials, load: LoadCase, config: CalculixConfig, journal: Journal) -> Response:
    """Response of a model by CalculiX: a deck is written, `ccx` is run on it, and its results are read back.

    Every increment that CalculiX solves is a point of the curve. Where it finds no equilibrium, runs out of time or dies, the
    curve ends at the last one, with the reason in `stop_reason` and the deck and the logs attached.

    Raises
    ------
    EngineError
        When there is no CalculiX, or it cannot be started.
    InputError
        When the materials need what it does not have.
    SolverError
        When CalculiX solves no increment. The deck and the logs are kept in the folder that the message names.
    """
    program = find_ccx(config.program)
    refuse_unsupported(mesh, materials, load, config.scheme)
    plastic = is_plastic(materials, config.scheme)
    reader = FieldReader(mesh, materials, element_of(mesh, config.hexahedra), plastic)
    bin_of_cell, bins = bins_of(mesh, materials, config)
    scheme = "plastic" if plastic else "linear"
    solver = _linear_solver(mesh, config)
    options = DeckOptions(
        element=reader.element,
        plastic=plastic,
        large_displacement=config.large_displacement,
        static=_STATIC[solver],
        newton=not plastic and solver.startswith("iterative"),
        residual_tolerance=config.residual_tolerance,
        remarks=remarks(mesh, bins, load, ()),
        fields_for_viewers=config.keep_files,
    )
    folder = Path(tempfile.mkdtemp(prefix="culmann-calculix-"))
    keep = False
    try:
        journal.progress(f"writing the deck: {mesh.n_cells} {reader.element}, {bins.n_cells} materials", 0.0)
        (folder / f"{JOB}.inp").write_text(deck(mesh, bin_of_cell, bins, load, options), encoding="ascii")
        ended = run_ccx(program, folder, JOB, config.threads, config.timeout_s, lambda: _tell(folder, journal))
        keep = True
        names = {name: set_names(mesh, load)[name] for name in load.prescribed}
        results = Results(folder / f"{JOB}.dat", tuple(names.values()), reader.tables)
        increments = read_status(folder / f"{JOB}.sta")
        reason = _why_it_ended(results, ended)
        if not results.moments:
            raise SolverError(f"CalculiX solved nothing. {reason}; it said last:{ended.last_lines()}", hint=_hint(ended))
        facts: dict[str, SolverFact] = {
            "engine": "CalculiX",
            "version": version_of(program),
            "program": str(program),
            "scheme": scheme,
            "element": reader.element,
            "linear_solver": solver,
            "materials": bins.n_cells,
            "seconds_in_ccx": round(ended.seconds, 3),
            **_counts(increments),
        }
        response = _response(reader, load, results, names, facts, reason)
        if reason or config.keep_files:
            _attach(folder, journal)
        # Without equilibrium the bone has told its strength; a program that died has not, and its folder says why.
        keep = bool(reason) and not ended.without_equilibrium
        if keep:
            journal.warn(f"{reason}. The deck and the logs are kept in {folder}; `culmann run --force` tries again")
        elif reason:
            journal.warn(reason)
        if scheme == "linear" and not materials.is_linear:
            journal.warn("solved as linear, as `scheme: linear` asks: no cell yields, and no force is that of a failing bone")
        return response
    except SolverError as problem:
        raise SolverError(f"{problem.message}\n  The deck and the logs are kept in {folder}", hint=problem.hint) from problem
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


def _attach(folder: Path, journal: Journal) -> None:
    for suffix in ("inp", "sta", "log", "frd"):
        file = folder / f"{JOB}.{suffix}"
        if file.is_file():
            journal.attach(f"calculix.{suffix}", file.read_bytes())


def _linear_solver(mesh: Mesh, config: CalculixConfig) -> str:
    if config.linear_solver != "auto":
        return config.linear_solver
    return "spooles" if 3 * mesh.n_points <= _DIRECT_UP_TO else "iterative-cholesky"


def _tell(folder: Path, journal: Journal) -> None:
    increments = read_status(folder / f"{JOB}.sta")
    if increments:
        last = increments[-1]
        done = max((one.time for one in increments if one.converged), default=0.0)
        state = f"step {last.step}, {last.iterations} iterations" + ("" if last.converged else ", not converged: smaller step")
        journal.progress(f"CalculiX: {100 * done:.4g} % of the displacement, {state}", done)


def _why_it_ended(results: Results, ended: Ended) -> str:
    """Why the curve does not reach the full displacement; empty when it does."""
    last = results.moments[-1].time if results.moments else 0.0
    if ended.code == 0 and last > 1 - 1e-6:
        return ""
    if not results.moments:
        return ended.describe()
    if ended.without_equilibrium:
        return f"CalculiX found no equilibrium beyond {100 * last:.4g} % of the displacement, however small its increments"
    return f"the curve ends at {100 * last:.4g} % of the displacement: {ended.describe()}"


def _hint(ended: Ended) -> str:
    if "PARDISO library is not linked" in ended.said:
        return "this ccx was built without PARDISO: use `linear_solver: auto`"
    if ended.without_equilibrium:
        return "try smaller load steps, or look for cells with next to no stiffness under the load"
    return "run `ccx culmann` in that folder to see it again; `linear_solver: iterative-cholesky` needs much less memory"


def _counts(increments: list[Increment]) -> dict[str, SolverFact]:
    return {
        "increments": sum(one.converged for one in increments),
        "nonlinear_iterations": sum(one.iterations for one in increments),
        "cut_increments": sum(not one.converged for one in increments),
    }


def _response(
    reader: FieldReader,
    load: LoadCase,
    results: Results,
    names: Mapping[str, str],
    facts: Mapping[str, SolverFact],
    reason: str,
) -> Response:
    reactions = {
        name: np.array([np.zeros(3), *(moment.reactions_n[there] for moment in results.moments)])
        for name, there in names.items()
    }
    force = reactions[load.loaded] @ np.asarray(load.direction)
    # Times are printed with seven digits: a load step is meant where one is that close.
    steps = np.asarray(load.load_steps)
    times = np.array([0.0, *(moment.time for moment in results.moments)])
    nearest = steps[np.abs(times[:, None] - steps).argmin(axis=1)]
    times = np.where(np.abs(times - nearest) < 2e-7, nearest, times)
    end = reader.at(results, results.moments[-1])
    highest = len(force) - 1 - int(np.argmax(force[::-1]))
    peak = end if highest in (0, len(force) - 1) else reader.at(results, results.moments[highest - 1])
    materials = reader.materials
    return Response(
        mesh=reader.mesh,
        displacement_mm=full_displacement_mm(load) * times,
        force_n=force,
        reference_height_mm=load.reference_height_mm,
        peak=peak,
        end=end,
        solver=facts,
        stop_reason=reason,
        cells={"youngs_modulus_mpa": materials.youngs_modulus_mpa, "density_g_cm3": materials.density_g_cm3},
        reactions_n=reactions,
    )
