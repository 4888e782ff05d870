"""The APDL script that loads a model in increments and writes what came of it into plain files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from culmann.boundary import disjoint
from culmann.data import LoadCase, Mesh
from culmann.data.arrays import IntArray
from culmann_mapdl.archive import LOAD_AXES, local_system
from culmann_mapdl.options import DeckConfig

#: Files that the script reads and writes.
MODEL, SCRIPT, CURVE, CELLS, NODES = "model.cdb", "solve.inp", "curve.csv", "cells_{}.csv", "nodes_{}.csv"
#: The two moments whose fields are written.
MOMENTS = ("peak", "end")
_DIRECTIONS = ("UX", "UY", "UZ")


def components(load: LoadCase) -> dict[str, IntArray]:
    """{name: points} of the archive: SET_1, … are the sets of the load case, HELD_1, … the groups that move alike."""
    sets = {f"SET_{n}": held.nodes for n, held in enumerate(load.prescribed.values(), start=1)}
    return {**sets, **{f"HELD_{n}": group.nodes for n, group in enumerate(disjoint(load), start=1)}}


def plain_script(mesh: Mesh, load: LoadCase, config: DeckConfig, *, linear: bool) -> list[str]:
    """The script for a linear or an elastic-plastic model: Ansys follows the curve of the material itself."""
    steps = (1.0,) if linear else load.load_steps
    return [
        *opening(mesh, load, steps),
        "/SOLU",
        "ANTYPE,STATIC",
        f"NLGEOM,{'ON' if config.large_deflection else 'OFF'}",
        "OUTRES,ERASE",
        "OUTRES,ALL,LAST",
        "KBC,0",
        "NCNV,0  ! an increment without equilibrium ends the loop below, not the program",
        *([] if linear else [f"NSUBST,{config.substeps},{max(config.most_substeps, config.substeps)},1", "AUTOTS,ON"]),
        "*DO,culm_i,1,culm_n",
        "TIME,culm_i",
        *displacements(load, "culm_f(culm_i)"),
        "SOLVE",
        "*GET,culm_ok,ACTIVE,0,SOLU,CNVG",
        "*IF,culm_ok,EQ,0,EXIT",
        "culm_done=culm_i",
        "*ENDDO",
        "FINISH",
        "/POST1",
        "*DO,culm_i,1,culm_done",
        "SET,culm_i,LAST",
        *reactions(load),
        *remember_peak(),
        "*ENDDO",
        *curve(load),
        "*IF,culm_done,GT,0,THEN",
        *(line for m in MOMENTS for line in [f"SET,culm_{m},LAST", *fields(m, mesh, "zero" if linear else "NL,EPEQ")]),
        "*ENDIF",
        "FINISH",
    ]


def opening(mesh: Mesh, load: LoadCase, steps: tuple[float, ...]) -> Iterator[str]:
    """The model, the axes of the load, the arrays of the loop."""
    yield f"! Written by culmann. Reads {MODEL}, writes {CURVE} and the fields at the peak and at the end."
    yield "/NERR,,-1"
    yield f"CDREAD,DB,{MODEL.partition('.')[0]},cdb"
    if not np.array_equal(load.axes, np.eye(3)):
        yield "/PREP7"
        yield local_system(LOAD_AXES, load.axes)
        for n, _ in enumerate(disjoint(load), start=1):
            yield f"CMSEL,S,HELD_{n}"
            yield "NROTAT,ALL"
        yield "ALLSEL,ALL"
        yield "CSYS,0"
        yield "FINISH"
    yield f"culm_n={len(steps)}"
    yield f"*DIM,culm_f,ARRAY,{len(steps)}"
    yield from (f"culm_f({n})={share:.15g}" for n, share in enumerate(steps, start=1))
    yield f"*DIM,culm_r,ARRAY,{len(steps)},{3 * len(load.prescribed)}"
    yield f"*DIM,culm_load,ARRAY,{len(steps)}"
    yield from ("culm_done=0", "culm_peak=1", "culm_most=-1e30", f"culm_ne={mesh.n_cells}", f"culm_nn={mesh.n_points}")


def displacements(load: LoadCase, share: str) -> Iterator[str]:
    """D commands that put every group where a share of the full load has it."""
    for n, group in enumerate(disjoint(load), start=1):
        for label, value in zip(_DIRECTIONS, group.displacement_mm, strict=True):
            if value is not None:
                yield f"D,HELD_{n},{label},{f'{value:.15g}*{share}' if value else '0'}"


def reactions(load: LoadCase) -> Iterator[str]:
    """Sum the reactions of each set, in the axes of its nodes, and the load along its direction."""
    for number, name in enumerate(load.prescribed, start=1):
        yield f"CMSEL,S,SET_{number}  ! {_comment(name)}"
        yield "*GET,culm_k,NODE,0,COUNT"
        yield "culm_node=0"
        yield "*DO,culm_j,1,culm_k"
        yield "culm_node=NDNEXT(culm_node)"
        for axis, component in enumerate("XYZ"):
            column = 3 * number - 2 + axis
            yield f"*GET,culm_rf,NODE,culm_node,RF,F{component}"
            yield f"culm_r(culm_i,{column})=culm_r(culm_i,{column})+culm_rf"
        yield "*ENDDO"
    yield "ALLSEL,ALL"
    first = 3 * list(load.prescribed).index(load.loaded) + 1
    along = load.axes @ np.asarray(load.direction)
    terms = "+".join(f"({share:.15g})*culm_r(culm_i,{first + axis})" for axis, share in enumerate(along.tolist()))
    yield f"culm_load(culm_i)={terms}"


def remember_peak() -> Iterator[str]:
    """Keep the number of the increment with the highest load, and of the last one."""
    yield "*IF,culm_load(culm_i),GT,culm_most,THEN"
    yield "culm_most=culm_load(culm_i)"
    yield "culm_peak=culm_i"
    yield "*ENDIF"
    yield "culm_end=culm_i"


def curve(load: LoadCase) -> Iterator[str]:
    """Write the share of the load and the reactions of all sets, a row for each increment that was reached."""
    columns = ["culm_f(culm_i)", *(f"culm_r(culm_i,{n})" for n in range(1, 3 * len(load.prescribed) + 1))]
    yield f"*CFOPEN,{CURVE.partition('.')[0]},csv"
    yield "*DO,culm_i,1,culm_done"
    for start in range(0, len(columns), 5):  # *VWRITE takes no more than 19 values; short lines are easier to read
        part = columns[start : start + 5]
        yield f"*VWRITE,{','.join(part)}"
        yield f"({len(part)}E24.15)"
    yield "*ENDDO"
    yield "*CFCLOS"


def fields(moment: str, mesh: Mesh, third: str) -> Iterator[str]:
    """Write displacements of nodes, and two mean values of elements, at the moment that is set.

    The first is the von Mises stress. `third` says what stands beside it: an item of ETABLE, or the name of an array that is
    there already, or `zero`.
    """
    yield "RSYS,0"
    for n, component in enumerate("XYZ", start=1):
        yield f"*DEL,culm_u{n},,NOPR"
        yield f"*DIM,culm_u{n},ARRAY,{mesh.n_points}"
        yield f"*VGET,culm_u{n}(1),NODE,1,U,{component}"
    yield f"*CFOPEN,{NODES.format(moment).partition('.')[0]},csv"
    yield "*VWRITE,culm_u1(1),culm_u2(1),culm_u3(1)"
    yield "(3E24.15)"
    yield "*CFCLOS"
    yield from _element_table("culm_seqv", "S,EQV", mesh)
    beside = third if third.startswith("culm_") else "culm_peqv"
    if third == "zero":
        yield from ("*DEL,culm_peqv,,NOPR", f"*DIM,culm_peqv,ARRAY,{mesh.n_cells}")
    elif beside != third:
        yield from _element_table(beside, third, mesh)
    yield f"*CFOPEN,{CELLS.format(moment).partition('.')[0]},csv"
    yield f"*VWRITE,culm_seqv(1),{beside}(1)"
    yield "(2E24.15)"
    yield "*CFCLOS"


def _element_table(array: str, item: str, mesh: Mesh) -> Iterator[str]:
    yield f"ETABLE,CULMTAB,{item}"
    yield f"*DEL,{array},,NOPR"
    yield f"*DIM,{array},ARRAY,{mesh.n_cells}"
    yield f"*VGET,{array}(1),ELEM,1,ETAB,CULMTAB"


def _comment(name: str) -> str:
    return name.replace("\n", " ")[:60]


def set_columns(load: LoadCase) -> Mapping[str, slice]:
    """{set: its columns in the curve file}."""
    return {name: slice(1 + 3 * n, 4 + 3 * n) for n, name in enumerate(load.prescribed)}
