"""export-febio: the model as a FEBio 4 input file."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.boundary import along, disjoint, refuse_loose_nodes
from culmann.config import Config
from culmann.data import LoadCase, Materials, Mesh, Orthotropy, Report
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.material_bins import material_bins
from culmann_export.checks import refuse_mismatch

_AXES = "xyz"


class ExportFebioConfig(Config):
    """Options of the FEBio file."""

    material: Literal["isotropic elastic", "neo-Hookean"] = Field(
        "isotropic elastic",
        description="The elastic law of FEBio. Both are the same at small strain, where culmann's moduli are defined; "
        "`neo-Hookean` stays stable at large strains.",
    )
    bin_width_mpa: float = Field(
        10.0,
        ge=0,
        description="Cells whose Young's moduli lie in one bin of this width share a material and a domain. 0 gives each "
        "material that differs its own, which FEBio takes long to read.",
    )


def export_febio(mesh: Mesh, materials: Materials, load: LoadCase, config: ExportFebioConfig, journal: Journal) -> Report:
    """`model.feb`, format 4.0: mesh, node sets, elastic materials in bins, prescribed displacements along x, y, z.

    It was read back by an XML parser of its own; no FEBio has run it.

    Raises
    ------
    InputError
        When mesh and materials do not belong together, or single components are prescribed along axes askew to x, y, z.
    SolverError
        When a set of the load holds nodes that no cell touches.
    """
    refuse_mismatch(mesh, materials)
    refuse_loose_nodes(mesh, load)
    left_out = ["the densities of the cells"]
    if not materials.is_linear:
        left_out.append("yielding: all materials are elastic, so that no force is that of a failing bone")
        journal.warn("not carried over into model.feb: yielding; all materials are elastic")
    nothing = np.zeros((mesh.n_cells, 0))
    elastic = replace(materials, stress_mpa=nothing, plastic_strain=nothing, stress_update=None)
    bin_of_cell, bins = material_bins(mesh, elastic, config.bin_width_mpa)
    journal.progress(f"{mesh.n_cells} {mesh.cell_type}, {bins.n_cells} materials")

    root = ET.Element("febio_spec", version="4.0")
    root.append(ET.Comment(_head(mesh, bins, load, left_out)))
    ET.SubElement(root, "Module", type="solid")
    _control(root, load)
    _materials(root, mesh, bin_of_cell, bins, config.material)
    _mesh(root, mesh, bin_of_cell, bins.n_cells, load)
    _boundary(root, load)
    _output(root, load)
    ET.indent(root, " ")
    return Report({"model.feb": ET.tostring(root, encoding="UTF-8", xml_declaration=True)})


def _head(mesh: Mesh, bins: Materials, load: LoadCase, left_out: list[str]) -> str:
    lines = [
        "FEBio 4 input file, written by culmann",
        "Units: mm, N, MPa. Coordinates: LPS (x to the left, y to the back, z to the head of the patient)",
        *([f"These coordinates were moved: {mesh.placement.describe()}"] if mesh.placement.history else []),
        f"{mesh.n_cells} cells of type {mesh.cell_type}, {mesh.n_points} nodes, {bins.n_cells} materials, law {bins.law!r}",
        f"Load: the reaction of set {load.loaded!r} along {', '.join(f'{c:.6g}' for c in load.direction)}",
        "Time is the share of the full displacement",
        "FEBio follows large displacements; culmann's own solver does not",
        *(f"Not carried over: {what}" for what in left_out),
    ]
    # Two hyphens in a row would end the comment.
    return "\n  " + "\n  ".join(lines).replace("--", "- -") + "\n"


def _control(root: ET.Element, load: LoadCase) -> None:
    step = float(np.diff([0.0, *load.load_steps]).min())
    control = ET.SubElement(root, "Control")
    _texts(control, analysis="STATIC", time_steps=math.ceil(1 / step - 1e-9), step_size=step)
    stepper = ET.SubElement(control, "time_stepper", type="default")
    _texts(stepper, max_retries=8, opt_iter=11, dtmin=step / 256, dtmax=step)
    solver = ET.SubElement(control, "solver", type="solid")
    _texts(solver, symmetric_stiffness="symmetric")


def _materials(root: ET.Element, mesh: Mesh, bin_of_cell: IntArray, bins: Materials, kind: str) -> None:
    section = ET.SubElement(root, "Material")
    _, first = np.unique(bin_of_cell, return_index=True)
    is_bone = mesh.is_bone[first]
    for number in range(bins.n_cells):
        modulus = float(bins.youngs_modulus_mpa[number])
        names = {"id": str(number + 1), "name": f"material{number + 1}"}
        if bins.orthotropy is not None and is_bone[number]:
            _orthotropic(ET.SubElement(section, "material", names, type="orthotropic elastic"), bins.orthotropy, modulus)
        else:
            material = ET.SubElement(section, "material", names, type=kind)
            _texts(material, E=modulus, v=float(bins.poisson_ratio[number]))


def _orthotropic(material: ET.Element, orthotropy: Orthotropy, modulus_mpa: float) -> None:
    _texts(material, **{f"E{n}": ratio * modulus_mpa for n, ratio in enumerate(orthotropy.e_ratio, 1)})
    pairs = ("12", "23", "31")
    _texts(material, **{f"G{pair}": ratio * modulus_mpa for pair, ratio in zip(pairs, orthotropy.g_ratio, strict=True)})
    _texts(material, **{f"v{pair}": nu for pair, nu in zip(pairs, orthotropy.poisson, strict=True)})
    axes = ET.SubElement(material, "mat_axis", type="vector")
    _texts(axes, a=_row(orthotropy.axes[0]), d=_row(orthotropy.axes[1]))


def _mesh(root: ET.Element, mesh: Mesh, bin_of_cell: IntArray, n_bins: int, load: LoadCase) -> None:
    section = ET.SubElement(root, "Mesh")
    nodes = ET.SubElement(section, "Nodes", name="bone")
    for number, point in enumerate(mesh.points_mm, 1):
        ET.SubElement(nodes, "node", id=str(number)).text = _row(point)
    order = np.argsort(bin_of_cell, kind="stable")
    domains = ET.Element("MeshDomains")
    for number, cells in enumerate(np.split(order, np.searchsorted(bin_of_cell[order], np.arange(1, n_bins))), 1):
        # The order of nodes within a cell is VTK's, which is also that of FEBio.
        elements = ET.SubElement(section, "Elements", type=mesh.cell_type, name=f"bin{number}")
        for cell in cells.tolist():
            ET.SubElement(elements, "elem", id=str(cell + 1)).text = ",".join(map(str, mesh.cells[cell] + 1))
        ET.SubElement(domains, "SolidDomain", name=f"bin{number}", mat=f"material{number}")
    for name, members in {**mesh.node_sets, **{name: held.nodes for name, held in load.prescribed.items()}}.items():
        _node_set(section, name, members)
    for number, group in enumerate(disjoint(load), 1):
        _node_set(section, f"held{number}", group.nodes)
    root.append(domains)


def _node_set(section: ET.Element, name: str, nodes: IntArray) -> None:
    if len(nodes):
        ET.SubElement(section, "NodeSet", name=name).text = ",".join(map(str, nodes + 1))


def _boundary(root: ET.Element, load: LoadCase) -> None:
    section = ET.SubElement(root, "Boundary")
    for number, group in enumerate(disjoint(load), 1):
        displacement_mm = along(group.displacement_mm, load.axes, np.eye(3))
        if displacement_mm is None:
            raise InputError(
                "the load prescribes single components along axes askew to x, y, z, which a FEBio file of this kind cannot say",
                hint="prescribe all three components (bonded), resample the image to the axis of the load, or export-calculix",
            )
        for axis, value in zip(_AXES, displacement_mm, strict=True):
            if value is None:
                continue
            names = {"name": f"held{number} along {axis}", "node_set": f"held{number}"}
            if value == 0:
                condition = ET.SubElement(section, "bc", names, type="zero displacement")
                _texts(condition, **{f"{a}_dof": int(a == axis) for a in _AXES})
                continue
            condition = ET.SubElement(section, "bc", names, type="prescribed displacement")
            _texts(condition, dof=axis)
            ET.SubElement(condition, "value", lc="1").text = _number(value)
            _texts(condition, relative=0)


def _output(root: ET.Element, load: LoadCase) -> None:
    data = ET.SubElement(root, "LoadData")
    ramp = ET.SubElement(data, "load_controller", id="1", name="share of the displacement", type="loadcurve")
    _texts(ramp, interpolate="LINEAR", extend="CONSTANT")
    points = ET.SubElement(ramp, "points")
    for point in ("0,0", "1,1"):
        ET.SubElement(points, "pt").text = point
    output = ET.SubElement(root, "Output")
    plot = ET.SubElement(output, "plotfile", type="febio")
    for variable in ("displacement", "stress", "reaction forces"):
        ET.SubElement(plot, "var", type=variable)
    log = ET.SubElement(output, "logfile")
    names = {"node_set": load.loaded, "file": "reaction.txt", "delim": ","}
    ET.SubElement(log, "node_data", names, data="Rx;Ry;Rz", name="reaction of the loaded set")


def _texts(parent: ET.Element, **values: float | int | str) -> None:
    for tag, value in values.items():
        ET.SubElement(parent, tag).text = value if isinstance(value, str) else _number(value)


def _number(value: float) -> str:
    return f"{value:.12g}"


def _row(values: FloatArray) -> str:
    return ",".join(_number(float(value)) for value in values)
