"""The model as an Ansys archive (.cdb): elements, nodes, materials, node components."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from scipy.spatial.transform import Rotation

from culmann.data import Materials, Mesh
from culmann.data.arrays import FloatArray, IntArray

#: Number of the coordinate system of orthotropic bone, and of that of the load.
BONE_AXES, LOAD_AXES = 11, 12
#: Ansys' elements. SOLID185 with KEYOPT(2) = 0 is fully integrated with B-bar; SOLID187 has four points.
ELEMENTS = {"hex8": ("ET,1,185", "KEYOPT,1,2,0"), "tet10": ("ET,1,187",)}
#: Order of corners and edges is VTK's in both elements, so that the cells are written as they are.
_PER_LINE = 8


def archive(
    mesh: Mesh, index: IntArray, bins: Materials, components: Mapping[str, IntArray], *, plastic: bool, title: str
) -> str:
    """The text of the archive.

    Parameters
    ----------
    mesh
        Its points become nodes 1 to n, its cells elements 1 to m.
    index, bins
        Material of each cell, and the materials; number i becomes material i + 1.
    components
        {name: points} that the script speaks of.
    plastic
        Whether the curves are written too.
    title
        A line about the model.
    """
    isotropic = np.ones(bins.n_cells, dtype=bool)
    if bins.orthotropy is not None:
        isotropic[index[mesh.is_bone]] = False
    parts = [
        "/PREP7",
        f"/TITLE,{title}",
        "! Written by culmann. Units: mm, N, MPa.",
        *ELEMENTS[mesh.cell_type],
        *_coordinate_system(bins),
        *_nodes(mesh.points_mm),
        *_elements(mesh, index, isotropic[index]),
        *_materials(bins, isotropic, plastic=plastic),
    ]
    for name, nodes in components.items():
        parts += _component(name, nodes)
    return "\n".join([*parts, "FINISH", ""])


def local_system(number: int, axes: FloatArray) -> str:
    """LOCAL: a Cartesian system at the origin whose axes are the rows of `axes`."""
    # Ansys turns about the local z, then x, then y axis.
    z, x, y = Rotation.from_matrix(axes.T).as_euler("ZXY", degrees=True)
    return f"LOCAL,{number},0,0,0,0,{_number(z)},{_number(x)},{_number(y)}"


def _coordinate_system(bins: Materials) -> Iterator[str]:
    if bins.orthotropy is not None:
        yield local_system(BONE_AXES, bins.orthotropy.axes)
        yield "CSYS,0"


def _nodes(points_mm: FloatArray) -> Iterator[str]:
    yield f"NBLOCK,6,SOLID,{len(points_mm):9d},{len(points_mm):9d}"
    yield "(3i9,6e21.13e3)"
    for number, (x, y, z) in enumerate(points_mm.tolist(), start=1):
        yield f"{number:9d}{0:9d}{0:9d}{_e21(x)}{_e21(y)}{_e21(z)}"
    yield "N,R5.3,LOC,       -1,"


def _elements(mesh: Mesh, index: IntArray, isotropic: np.ndarray) -> Iterator[str]:
    yield f"EBLOCK,19,SOLID,{mesh.n_cells:9d},{mesh.n_cells:9d}"
    yield "(19i9)"
    n = mesh.cells.shape[1]
    rows = zip((index + 1).tolist(), isotropic.tolist(), (mesh.cells + 1).tolist(), strict=True)
    for number, (material, plain, nodes) in enumerate(rows, start=1):
        head = (material, 1, 1, 1, 0 if plain else BONE_AXES, 0, 0, 0, n, 0, number)
        yield "".join(f"{value:9d}" for value in (*head, *nodes[:_PER_LINE]))
        if n > _PER_LINE:
            yield "".join(f"{value:9d}" for value in nodes[_PER_LINE:])
    yield f"{-1:9d}"


def _materials(bins: Materials, isotropic: np.ndarray, *, plastic: bool) -> Iterator[str]:
    curves = plastic and not bins.is_linear
    for row in range(bins.n_cells):
        number, modulus = row + 1, float(bins.youngs_modulus_mpa[row])
        if isotropic[row]:
            yield from (f"MP,{what},{number},{_number(v)}" for what, v in (("EX", modulus), ("PRXY", bins.poisson_ratio[row])))
        else:
            yield from _orthotropic(bins, number, modulus)
        if curves:
            yield from _curve(number, bins.stress_mpa[row], bins.plastic_strain[row])


def _orthotropic(bins: Materials, number: int, modulus: float) -> Iterator[str]:
    bone = bins.orthotropy
    assert bone is not None
    xy, yz, zx = bone.poisson
    major = {"PRXY": xy, "PRYZ": yz, "PRXZ": zx * bone.e_ratio[0] / bone.e_ratio[2]}
    constants = {f"E{axis}": ratio * modulus for axis, ratio in zip("XYZ", bone.e_ratio, strict=True)}
    shear = {f"G{pair}": ratio * modulus for pair, ratio in zip(("XY", "YZ", "XZ"), bone.g_ratio, strict=True)}
    yield from (f"MP,{name},{number},{_number(value)}" for name, value in {**constants, **major, **shear}.items())


def _curve(number: int, stress_mpa: FloatArray, plastic_strain: FloatArray) -> Iterator[str]:
    points = [(0.0, float(stress_mpa[0]))]
    for strain, stress in zip(plastic_strain[1:].tolist(), stress_mpa[1:].tolist(), strict=True):
        if strain > points[-1][0]:  # a jump cannot be said, and two equal strains are an error
            points.append((strain, stress))
    if len(points) == 1:
        yield f"TB,BISO,{number},1,2"
        yield f"TBDATA,1,{_number(points[0][1])},0"
        return
    yield f"TB,PLASTIC,{number},1,{len(points)},MISO"
    yield from (f"TBPT,,{_number(strain)},{_number(stress)}" for strain, stress in points)


def _component(name: str, nodes: IntArray) -> Iterator[str]:
    yield f"CMBLOCK,{name},NODE,{len(nodes):8d}"
    yield "(8i10)"
    numbers = sorted((nodes + 1).tolist())
    yield from ("".join(f"{value:10d}" for value in numbers[k : k + 8]) for k in range(0, len(numbers), 8))


def _e21(value: float) -> str:
    """A number in Fortran's e21.13e3, which asks for three digits in the exponent."""
    mantissa, exponent = f"{value:.13e}".split("e")
    return f"{mantissa}E{int(exponent):+04d}".rjust(21)


def _number(value: float) -> str:
    return f"{float(value):.12g}"
