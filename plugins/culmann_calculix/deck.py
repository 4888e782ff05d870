"""The deck: mesh, materials, boundary conditions and steps in the keywords that CalculiX and Abaqus share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from culmann.boundary import along, disjoint
from culmann.data import LoadCase, Materials, Mesh, Orthotropy
from culmann.data.arrays import FloatArray, IntArray
from culmann_calculix.naming import ALL_CELLS, ALL_NODES, keyword_names

Dialect = Literal["calculix", "abaqus"]
ELEMENT = {"hex8": "C3D8", "tet4": "C3D4", "tet10": "C3D10"}
_IN_A_LINE = 12
_BEYOND_REACH_MPA = 1e9


@dataclass(frozen=True, slots=True)
class DeckOptions:
    """What a deck says beside the model.

    Parameters
    ----------
    element
        The element type, such as `C3D8I`.
    plastic
        Whether the curves are written.
    large_displacement
        Whether the geometry follows the displacement.
    static
        What follows `*STATIC`, the choice of the linear solver.
    newton
        Whether a linear material is given a yield stress beyond reach: CalculiX then checks the forces out of balance and goes
        on, which an iterative linear solver needs. (It stops early: 0.46 % off on the L3 that ships, in voxels of 1.5 mm.)
    residual_tolerance
        Largest force out of balance over the mean force; None for the solver's own.
    remarks
        Lines for the head of the file.
    fields_for_viewers
        Whether CalculiX writes a .frd as well.
    """

    element: str
    plastic: bool
    large_displacement: bool = False
    static: str = ""
    newton: bool = False
    residual_tolerance: float | None = None
    remarks: tuple[str, ...] = ()
    fields_for_viewers: bool = False


def deck(
    mesh: Mesh, bin_of_cell: IntArray, bins: Materials, load: LoadCase, options: DeckOptions, dialect: Dialect = "calculix"
) -> str:
    """The text of a deck. Nodes and elements are numbered from 1 in the order of the mesh, LPS, mm, N, MPa.

    `bin_of_cell` and `bins` are what `culmann.material_bins` gives: each row of `bins` becomes a *MATERIAL.
    Time is the share of the full displacement: each load step lasts as long as the share that it adds.
    """
    parts = [
        _head(options.remarks),
        _mesh(mesh, options.element),
        _sets(mesh, load),
        _materials(mesh, bin_of_cell, bins, options),
        _turned(load),
        *_steps(load, options, dialect),
    ]
    return "\n".join(line for part in parts for line in part) + "\n"


def set_names(mesh: Mesh, load: LoadCase) -> dict[str, str]:
    """{name: name in the deck} of the sets of the load, then of other node sets and of the regions of the mesh."""
    regions = (f"region-{mesh.region_names.get(int(r), str(r))}" for r in np.unique(mesh.region))
    return keyword_names(dict.fromkeys([*load.prescribed, *mesh.node_sets, *regions]))


def _head(remarks: tuple[str, ...]) -> Iterator[str]:
    yield "*HEADING"
    yield "Written by culmann"
    # Decks are read as ASCII by some programs.
    yield from (f"** {remark}".translate(_PLAIN).encode("ascii", "replace").decode() for remark in remarks)


_PLAIN = str.maketrans({"ν": "nu", "³": "3", "σ": "sigma", "ρ": "rho", "…": "...", "–": "-"})


def _mesh(mesh: Mesh, element: str) -> Iterator[str]:
    yield f"*NODE, NSET={ALL_NODES}"
    yield from (f"{n}, {x:.12g}, {y:.12g}, {z:.12g}" for n, (x, y, z) in enumerate(mesh.points_mm.tolist(), 1))
    yield f"*ELEMENT, TYPE={element}, ELSET={ALL_CELLS}"
    # The order of nodes within a cell is VTK's, which is also that of these elements.
    yield from (f"{c}, " + ", ".join(map(str, nodes)) for c, nodes in enumerate((mesh.cells + 1).tolist(), 1))


def _sets(mesh: Mesh, load: LoadCase) -> Iterator[str]:
    names = set_names(mesh, load)
    for name, nodes in {**mesh.node_sets, **{name: held.nodes for name, held in load.prescribed.items()}}.items():
        if len(nodes):
            yield f"*NSET, NSET={names[name]}"
            yield from _numbers(nodes)
    for region in np.unique(mesh.region):
        yield f"*ELSET, ELSET={names[f'region-{mesh.region_names.get(int(region), str(region))}']}"
        yield from _numbers(np.flatnonzero(mesh.region == region))
    for number, group in enumerate(disjoint(load), 1):
        yield f"*NSET, NSET=HELD{number}"
        yield from _numbers(group.nodes)


def _numbers(indices: IntArray) -> Iterator[str]:
    numbers = (np.asarray(indices) + 1).tolist()
    for start in range(0, len(numbers), _IN_A_LINE):
        yield ", ".join(map(str, numbers[start : start + _IN_A_LINE])) + ","


def _materials(mesh: Mesh, bin_of_cell: IntArray, bins: Materials, options: DeckOptions) -> Iterator[str]:
    orthotropy = bins.orthotropy
    if orthotropy is not None:
        yield "*ORIENTATION, NAME=BONE_AXES, SYSTEM=RECTANGULAR"
        yield _row([*orthotropy.axes[0], *orthotropy.axes[1]])
    order = np.argsort(bin_of_cell, kind="stable")
    is_bone = mesh.is_bone
    for number, cells in enumerate(np.split(order, np.searchsorted(bin_of_cell[order], np.arange(1, bins.n_cells)))):
        name, modulus = f"MAT{number + 1}", float(bins.youngs_modulus_mpa[number])
        yield f"*ELSET, ELSET=BIN{number + 1}"
        yield from _numbers(cells)
        yield f"*MATERIAL, NAME={name}"
        turned = ""
        if orthotropy is not None and is_bone[cells[0]]:
            yield "*ELASTIC, TYPE=ENGINEERING CONSTANTS"
            yield from _engineering_constants(orthotropy, modulus)
            turned = ", ORIENTATION=BONE_AXES"
        else:
            yield "*ELASTIC"
            yield _row([modulus, bins.poisson_ratio[number]])
        if options.plastic or options.newton:
            yield "*PLASTIC"
        if options.newton:
            yield f"{_BEYOND_REACH_MPA:g}, 0"
        if options.plastic:
            yield from (_row(point) for point in zip(bins.stress_mpa[number], bins.plastic_strain[number], strict=True))
        yield f"*SOLID SECTION, ELSET=BIN{number + 1}, MATERIAL={name}{turned}"


def _engineering_constants(orthotropy: Orthotropy, modulus_mpa: float) -> Iterator[str]:
    e, g, nu = orthotropy.e_ratio, orthotropy.g_ratio, orthotropy.poisson
    nu_13 = nu[2] * e[0] / e[2]
    yield _row([*(ratio * modulus_mpa for ratio in e), nu[0], nu_13, nu[1], g[0] * modulus_mpa, g[2] * modulus_mpa])
    yield _row([g[1] * modulus_mpa])


def _held(load: LoadCase) -> Iterator[tuple[int, tuple[float | None, float | None, float | None], bool]]:
    """(number, displacement at full load, whether along the axes of the load) of each group of held nodes."""
    for number, group in enumerate(disjoint(load), 1):
        in_lps = along(group.displacement_mm, load.axes, np.eye(3))
        if in_lps is not None:
            yield number, in_lps, False
            continue
        # *TRANSFORM makes its third axis from the first two, right-handed; that of a mirrored frame points the other way.
        x, y, z = group.displacement_mm
        yield number, (x, y, z if z is None or np.linalg.det(load.axes) > 0 else -z), True


def _turned(load: LoadCase) -> Iterator[str]:
    for number, _, local in _held(load):
        if local:
            yield f"*TRANSFORM, NSET=HELD{number}, TYPE=R"
            yield _row([*load.axes[0], *load.axes[1]])


def _steps(load: LoadCase, options: DeckOptions, dialect: Dialect) -> Iterator[Iterator[str]]:
    # A model that never yields gives a straight line: one step is enough.
    straight = not options.plastic and not options.large_displacement
    before = 0.0
    for factor in (1.0,) if straight else load.load_steps:
        yield _step(load, options, dialect, before, factor)
        before = factor


def _step(load: LoadCase, options: DeckOptions, dialect: Dialect, before: float, factor: float) -> Iterator[str]:
    geometry = ", NLGEOM" if options.large_displacement else ""
    yield f"*STEP, INC=10000{geometry}" if dialect == "calculix" else f"*STEP, INC=10000{geometry or ', NLGEOM=NO'}"
    if options.residual_tolerance is not None and before == 0 and dialect == "calculix":
        yield "*CONTROLS, PARAMETERS=FIELD"
        yield f"{options.residual_tolerance:.6g},"
    yield f"*STATIC{options.static}"
    yield f"{factor - before:.12g}, {factor - before:.12g}"
    yield "*BOUNDARY"
    for number, displacement_mm, _ in _held(load):
        for axis, value in enumerate(displacement_mm, 1):
            if value is not None:
                yield f"HELD{number}, {axis}, {axis}, {factor * value:.12g}"
    yield from _output(load, options) if dialect == "calculix" else _abaqus_output(load)
    yield "*END STEP"


def _output(load: LoadCase, options: DeckOptions) -> Iterator[str]:
    names = keyword_names(load.prescribed)
    for name in load.prescribed:
        yield f"*NODE PRINT, NSET={names[name]}, TOTALS=ONLY, GLOBAL=YES"
        yield "RF"
    yield f"*NODE PRINT, NSET={ALL_NODES}, GLOBAL=YES"
    yield "U"
    yield f"*EL PRINT, ELSET={ALL_CELLS}, GLOBAL=YES"
    yield "S, PEEQ" if options.plastic else "S"
    if options.fields_for_viewers:
        yield from ("*NODE FILE", "U, RF", "*EL FILE", "S, E, PEEQ" if options.plastic else "S, E")


def _abaqus_output(load: LoadCase) -> Iterator[str]:
    yield from ("*OUTPUT, FIELD", "*NODE OUTPUT", "U, RF", "*ELEMENT OUTPUT", "S, E, PE, PEEQ")
    for name in keyword_names(load.prescribed).values():
        yield f"*NODE PRINT, NSET={name}, TOTALS=YES, SUMMARY=NO"
        yield "RF"


def _row(values: Iterable[float] | FloatArray) -> str:
    return ", ".join(f"{float(value):.12g}" for value in values)
