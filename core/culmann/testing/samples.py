"""Small made-up data of every type that flows, and the call of a step with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from culmann.config import Config
from culmann.data import (
    DensityKind,
    DensityMap,
    Fields,
    Grid,
    Labels,
    Landmarks,
    LoadCase,
    Materials,
    Mesh,
    Outcome,
    Outcomes,
    Prescribed,
    Report,
    Response,
    Scan,
    Strength,
)
from culmann.data.arrays import FloatArray
from culmann.journal import Journal, QuietJournal
from culmann.ports import ONLY, Ports
from culmann.voxels import hexahedra


def row_of_cells(rho_g_cm3: Sequence[float] | FloatArray, kind: DensityKind) -> tuple[Mesh, DensityMap]:
    """Cubes of 1 mm in a row, one for every density, each exactly one voxel: the cells' values are those of a law's formula."""
    g_cm3 = np.asarray(rho_g_cm3, dtype=np.float32).reshape(1, 1, -1)
    grid = Grid((g_cm3.size, 1, 1), (1.0, 1.0, 1.0))
    mesh = hexahedra(grid, np.ones(grid.shape, dtype=np.int64), {1: "bone"})
    return mesh, DensityMap(grid, g_cm3, kind, {"method": "made up"})


def response_with_curve(displacement_mm: FloatArray, force_n: FloatArray, reference_height_mm: float = 30.0) -> Response:
    """A response whose curve is given, on a mesh of one cell without fields."""
    mesh, _ = row_of_cells([0.2], "qct-k2hpo4")
    zero = np.zeros(mesh.n_cells)
    nothing = Fields(np.zeros((mesh.n_points, 3)), zero, zero, zero, zero)
    return Response(mesh, displacement_mm, force_n, reference_height_mm, nothing, nothing, {"engine": "made up"})


def bar(size: tuple[int, int, int], spacing_mm: tuple[float, float, float], strain: float) -> tuple[Mesh, LoadCase]:
    """A bar compressed along z between smooth plates: its sides are free, so that its stress is uniaxial."""
    grid = Grid(size, spacing_mm)
    mesh = hexahedra(grid, np.ones(grid.shape, dtype=np.int64), {1: "bone"})
    x, y, z = mesh.points_mm.T
    height = float(np.ptp(z))
    below = np.flatnonzero(z == z.min())
    edge = below[y[below] == y.min()]
    corner = edge[x[edge] == x.min()]
    held = {
        "below": Prescribed(below, (None, None, 0.0)),
        "above": Prescribed(np.flatnonzero(z == z.max()), (None, None, -strain * height)),
        "corner": Prescribed(corner, (0.0, 0.0, None)),
        "edge": Prescribed(edge, (None, 0.0, None)),
    }
    return mesh, LoadCase(held, "above", (0.0, 0.0, -1.0), height)


def elastic(mesh: Mesh, modulus_mpa: FloatArray, poisson_ratio: float, yield_stress_mpa: float | None = None) -> Materials:
    """Materials of given moduli; perfectly plastic where a yield stress is given."""
    k = 0 if yield_stress_mpa is None else 1
    return Materials(
        youngs_modulus_mpa=modulus_mpa,
        poisson_ratio=np.full(mesh.n_cells, poisson_ratio),
        stress_mpa=np.full((mesh.n_cells, k), yield_stress_mpa or 0.0),
        plastic_strain=np.zeros((mesh.n_cells, k)),
        density_g_cm3=np.full(mesh.n_cells, 0.2),
        law="made-up",
    )


def samples(kind: DensityKind = "qct-k2hpo4") -> dict[type, Any]:
    """One value of every data type: a block of bone of 6 x 5 x 8 mm in soft tissue, compressed, with its answer."""
    grid = Grid((10, 9, 12), (1.0, 1.0, 1.0), (-20.0, 10.0, 40.0))
    inside = np.zeros(grid.shape, dtype=np.int32)
    inside[2:10, 2:7, 2:8] = 1
    depth = np.arange(grid.size[2], dtype=np.float32)[:, None, None]
    hu = np.where(inside > 0, 200 + 10 * depth, 20).astype(np.float32)
    _, load = bar((6, 5, 8), (1.0, 1.0, 1.0), 0.02)  # numbers its nodes as the mesh of the block does
    mesh = hexahedra(grid, inside, {1: "bone"})
    curve = np.array([0.0, 0.05, 0.1, 0.2])
    at_cells = np.linspace(0, 0.02, mesh.n_cells)
    moment = Fields(np.zeros((mesh.n_points, 3)), at_cells, at_cells, 100 * at_cells, np.zeros(mesh.n_cells))
    response = Response(mesh, curve, np.array([0.0, 100.0, 150.0, 140.0]), 8.0, moment, moment, {"engine": "made up"})
    return {
        Scan: Scan(grid, hu),
        Labels: Labels(grid, inside, {1: "bone"}),
        DensityMap: DensityMap(grid, (hu / 1000).astype(np.float32), kind, {"method": "made up"}),
        Landmarks: Landmarks(
            {"middle": (-15.0, 14.0, 45.5)}, {"up": (0.0, 0.0, 1.0)}, {"height": 8.0}, facts={"found": "made up"}
        ),
        Mesh: mesh,
        Materials: elastic(mesh, np.linspace(400, 500, mesh.n_cells), 0.3, 4.0),
        LoadCase: load,
        Response: response,
        Strength: Strength(145.0, "force at 1.9 %", 0.15, 0.019, 2000.0, ("made up",)),
        Outcomes: Outcomes(_outcomes(), design={"use": "named", "control": "manual"}),
        Report: Report({"note.txt": b"made up"}),
    }


def _outcomes() -> tuple[Outcome, ...]:
    """Failure loads of six bones with three masks."""
    loads = {"manual": 1.0, "eroded": 0.8, "dilated": 1.1}
    return tuple(
        Outcome(f"bone-{n}", name, "strength", {"failure_load_n": (4000 + 300 * n) * (factor + 0.01 * n)})
        for n in range(6)
        for name, factor in loads.items()
    )


def call(
    function: Callable[..., Any],
    ports: Ports,
    values: Mapping[type, Any],
    config: Config | None,
    journal: Journal | None = None,
) -> dict[str, Any]:
    """{output: value} of a step that is given the value of its type at every port."""
    given = {name: values[port.type] for name, port in ports.inputs.items() if port.type in values}
    if ports.config is not None:
        given["config"] = config
    if ports.journal is not None:
        given[ports.journal] = journal or QuietJournal()
    result = function(**given)
    return {ONLY: result} if ONLY in ports.outputs else dict(result._asdict())
