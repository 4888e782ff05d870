"""From the course of a solve to the response, or to the error that says why there is none."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from culmann.data import LoadCase, Materials, Mesh, Response
from culmann.data.response import SolverFact
from culmann.errors import SolverError
from culmann_fem.course import Course

#: Less work than this share of modulus times length times displacement squared is none.
_NO_STIFFNESS = 1e-12


def refuse_nothing_solved(course: Course, mesh: Mesh, materials: Materials, load: LoadCase, furthest_mm: float) -> None:
    """A course without an increment, or without work; `furthest_mm` is the largest displacement that is prescribed.

    Raises
    ------
    SolverError
        With the place of the load.
    """
    if len(course.factors) == 1:
        raise SolverError(
            f"the first increment found no equilibrium: {course.stop_reason}",
            hint="try smaller load steps, or look for cells with next to no stiffness under the load",
        )
    # Of the work and not of the load, which may vanish while a body is strained.
    reach_mm = course.factors[-1] * furthest_mm
    stiffest = float(materials.youngs_modulus_mpa.max()) * load.reference_height_mm
    if course.external_work_nmm < _NO_STIFFNESS * stiffest * reach_mm**2:
        middle = mesh.points_mm[load.prescribed[load.loaded].nodes].mean(axis=0).round(1).tolist()
        raise SolverError(
            f"there is next to no stiffness under the load around {middle} mm (LPS): {np.abs(course.force_n).max():.2g} N",
            hint="look for cells with next to no modulus between the loaded and the held nodes",
        )


def response(mesh: Mesh, materials: Materials, load: LoadCase, course: Course, facts: Mapping[str, SolverFact]) -> Response:
    """What the solver gives back; `facts` are those that the course does not know."""
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
