"""The lagged secant loop of Sas et al. in APDL: a linear solution for each increment, moduli from the one before."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from culmann.data import LoadCase, Materials, Mesh
from culmann_mapdl.options import DeckConfig
from culmann_mapdl.script import curve, displacements, fields, opening, reactions, remember_peak

#: The curve of each cell: strains of its points, then stresses; read by the script.
LAW = "law.csv"


def law_table(materials: Materials) -> str:
    """A row a cell: total strain at each point of its curve, then the stress there."""
    strain = materials.plastic_strain + materials.stress_mpa / materials.youngs_modulus_mpa[:, None]
    table = np.concatenate([strain, materials.stress_mpa], axis=1)
    return "".join("".join(f"{value:24.15E}" for value in row) + "\n" for row in table.tolist())


def secant_script(mesh: Mesh, materials: Materials, load: LoadCase, config: DeckConfig) -> list[str]:
    """The script. Every cell has a material of its own, whose modulus falls to stress over strain and never recovers.

    The effective strain of a cell is its von Mises stress over its secant modulus, as in the public routine of Sas et al. The
    fields are written in every increment, since the next linear solution overwrites the result file.
    """
    k = materials.stress_mpa.shape[1]
    stop = [f"*IF,culm_load(culm_i),LT,{config.stop_below_peak:.15g}*culm_most,EXIT"] if config.stop_below_peak else []
    return [
        *opening(mesh, load, load.load_steps),
        f"*DIM,culm_law,ARRAY,{mesh.n_cells},{2 * k}",
        f"*VREAD,culm_law(1,1),{LAW.partition('.')[0]},csv,,JIK,{2 * k},{mesh.n_cells}",
        f"({2 * k}E24.15)",
        f"*DIM,culm_e,ARRAY,{mesh.n_cells}",
        "*DO,culm_c,1,culm_ne",
        f"culm_e(culm_c)=culm_law(culm_c,{k + 1})/culm_law(culm_c,1)",
        "*ENDDO",
        "*DO,culm_i,1,culm_n",
        "/SOLU",
        "ANTYPE,STATIC,NEW",
        "NLGEOM,OFF",
        *displacements(load, "culm_f(culm_i)"),
        "SOLVE",
        "FINISH",
        "/POST1",
        "SET,LAST",
        *reactions(load),
        "culm_done=culm_i",
        *remember_peak(),
        "*IF,culm_peak,EQ,culm_i,THEN",
        *fields("peak", mesh, "culm_e"),
        "*ENDIF",
        *fields("end", mesh, "culm_e"),
        *stop,
        "FINISH",
        "/PREP7",
        *_soften(k),
        "FINISH",
        "*ENDDO",
        "FINISH",
        *curve(load),
    ]


def _soften(k: int) -> Iterator[str]:
    """Every modulus to the stress of its curve over the effective strain, where that is less."""
    yield "*DO,culm_c,1,culm_ne"
    yield "culm_x=culm_seqv(culm_c)/culm_e(culm_c)"
    yield "*IF,culm_x,GT,culm_law(culm_c,1),THEN"
    yield f"culm_s=culm_law(culm_c,{2 * k})"
    for p in range(k - 1, 0, -1):  # from the last piece to the first, so that the right one has the last word
        yield f"*IF,culm_x,LE,culm_law(culm_c,{p + 1}),THEN"
        rise = f"(culm_law(culm_c,{k + p + 1})-culm_law(culm_c,{k + p}))"
        run = f"(culm_law(culm_c,{p + 1})-culm_law(culm_c,{p})+1e-30)"
        yield f"culm_s=culm_law(culm_c,{k + p})+(culm_x-culm_law(culm_c,{p}))*{rise}/{run}"
        yield "*ENDIF"
    yield "*IF,culm_s,LT,culm_x*culm_e(culm_c),THEN"
    yield "culm_e(culm_c)=culm_s/culm_x"
    yield "MP,EX,culm_c,culm_e(culm_c)"
    yield "*ENDIF"
    yield "*ENDIF"
    yield "*ENDDO"
