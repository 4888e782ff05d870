"""From the files that the script wrote to a `Response`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from culmann.boundary import full_displacement_mm
from culmann.data import Fields, LoadCase, Materials, Mesh, Response
from culmann.data.arrays import FloatArray
from culmann.data.response import SolverFact
from culmann.errors import SolverError
from culmann_mapdl.script import CELLS, CURVE, NODES, set_columns

#: The text of a file that Ansys wrote.
Read = Callable[[str], str]


def response(
    mesh: Mesh, materials: Materials, load: LoadCase, read: Read, facts: Mapping[str, SolverFact], *, scheme: str
) -> Response:
    """The response, from the files of the run.

    Raises
    ------
    SolverError
        When a file is missing or is not what the script writes, or not even the first increment was solved.
    """
    columns = set_columns(load)
    table = _numbers(read(CURVE), CURVE).reshape(-1, 1 + 3 * len(columns))
    if not len(table):
        raise SolverError("Ansys found no equilibrium in the first increment", hint="see its output, or try smaller load steps")
    start = np.zeros((1, 3))
    # Reactions of turned nodes come along their own axes.
    reactions = {name: np.concatenate([start, table[:, part] @ load.axes]) for name, part in columns.items()}
    share = np.array([0.0, *table[:, 0]])
    steps = 1 if scheme == "linear" else len(load.load_steps)
    reached = len(table)
    stopped = "" if reached == steps else f"Ansys went {reached} of {steps} increments, to {100 * share[-1]:.3g} % of the load"
    peak, end = (_fields(mesh, materials, read, moment, scheme) for moment in ("peak", "end"))
    return Response(
        mesh,
        full_displacement_mm(load) * share,
        reactions[load.loaded] @ np.asarray(load.direction),
        load.reference_height_mm,
        peak,
        end,
        {**facts, "scheme": scheme, "increments": reached},
        stopped,
        {"youngs_modulus_mpa": materials.youngs_modulus_mpa, "density_g_cm3": materials.density_g_cm3},
        reactions,
    )


def _fields(mesh: Mesh, materials: Materials, read: Read, moment: str, scheme: str) -> Fields:
    nodes, cells = NODES.format(moment), CELLS.format(moment)
    displacement = _numbers(read(nodes), nodes)
    values = _numbers(read(cells), cells)
    if displacement.size != 3 * mesh.n_points or values.size != 2 * mesh.n_cells:
        raise SolverError(f"{nodes} or {cells} of Ansys has another number of rows than the mesh has nodes and cells")
    stress, beside = values.reshape(-1, 2).T
    modulus = materials.youngs_modulus_mpa
    plastic = beside if scheme == "plastic" else np.zeros_like(stress)
    strain = stress / beside if scheme == "secant-lagged" else stress / modulus + plastic
    if scheme == "secant-lagged":
        plastic = np.maximum(strain - stress / modulus, 0.0)
    return Fields(displacement.reshape(-1, 3), strain, plastic, stress, _phase(materials, plastic))


def _phase(materials: Materials, plastic: FloatArray) -> FloatArray:
    """0 elastic, then the number of the piece of the curve; what is below rounding has not yielded."""
    reached = plastic[:, None] >= np.maximum(materials.plastic_strain, 1e-9)
    return np.asarray(reached.sum(axis=1), dtype=float)


def _numbers(text: str, name: str) -> FloatArray:
    try:
        return np.array(text.split(), dtype=float)
    except ValueError as problem:
        raise SolverError(f"{name}, which Ansys wrote, holds something else than numbers: {problem}") from problem
