"""export-vtu: the model as VTU, with everything that can be put on cells and points."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from culmann.boundary import disjoint
from culmann.config import Config
from culmann.data import LoadCase, Materials, Mesh, Report, vtu
from culmann.data.arrays import FloatArray, IntArray
from culmann_export.checks import refuse_mismatch

_HEAD = """<!--
  Finite element model, written by culmann
  Units: mm, N, MPa, g/cm3. Coordinates: LPS (x to the left, y to the back, z to the head of the patient)
  Placement: {placement}
  Cells: region, youngs_modulus_mpa, poisson_ratio, density_g_cm3; of yielding materials stress_mpa over plastic_strain
  Points: set:NAME is 1 on the nodes of a set; prescribed_mm at full load, NaN where a component is free,
  along the axes {axes} (rows, in LPS)
  Not carried over: {left_out}
-->
"""


class ExportVtuConfig(Config):
    """The VTU of a model has no options."""


def export_vtu(mesh: Mesh, materials: Materials, load: LoadCase, config: ExportVtuConfig) -> Report:  # noqa: ARG001
    """`model.vtu`: the mesh with its materials, node sets and prescribed displacements, for ParaView, pyvista or meshio.

    Raises
    ------
    InputError
        When mesh and materials do not belong together.
    """
    refuse_mismatch(mesh, materials)
    sets = {**mesh.node_sets, **{name: held.nodes for name, held in load.prescribed.items()}}
    points = {f"set:{name}": _members(nodes, mesh.n_points) for name, nodes in sets.items()}
    cells: dict[str, FloatArray | IntArray] = {
        "region": mesh.region,
        "youngs_modulus_mpa": materials.youngs_modulus_mpa,
        "poisson_ratio": materials.poisson_ratio,
        "density_g_cm3": materials.density_g_cm3,
    }
    if materials.stress_mpa.size:
        cells |= {"stress_mpa": materials.stress_mpa, "plastic_strain": materials.plastic_strain}
    left_out = ["names of regions", f"the criterion ({materials.criterion})", f"the way of unloading ({materials.unloading})"]
    left_out += ["load steps", "orthotropy"] if materials.orthotropy is not None else ["load steps"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.vtu"
        vtu.write(path, mesh.points_mm, mesh.cells, mesh.cell_type, {**points, "prescribed_mm": _prescribed(mesh, load)}, cells)
        text = path.read_bytes()
    # Two hyphens in a row would end the comment.
    head = _HEAD.format(
        left_out=", ".join(left_out), axes=load.axes.tolist(), placement=mesh.placement.describe().replace("--", "- -")
    ).encode("ascii", "xmlcharrefreplace")
    start = text.index(b"<VTKFile")
    return Report({"model.vtu": text[:start] + head + text[start:]})


def _members(nodes: IntArray, n_points: int) -> IntArray:
    flags = np.zeros(n_points, dtype=np.int64)
    flags[nodes] = 1
    return flags


def _prescribed(mesh: Mesh, load: LoadCase) -> FloatArray:
    """(n_points, 3): displacement at full load along the axes of the load, NaN where free."""
    values = np.full((mesh.n_points, 3), np.nan)
    for group in disjoint(load):
        values[group.nodes] = [np.nan if value is None else value for value in group.displacement_mm]
    return values
