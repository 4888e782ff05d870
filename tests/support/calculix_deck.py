"""A voxel or tetrahedral model as a CalculiX deck, and the loads out of its results: the referee of tests and benchmarks."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from culmann import LoadCase, Materials, Mesh

#: ccx integrates its C3D8 fully.
ELEMENT = {"hex8": "C3D8", "tet10": "C3D10"}


def write_deck(folder: Path, mesh: Mesh, materials: Materials, load: LoadCase, *, plastic: bool) -> None:
    """Write `bone.inp`: one material a cell, a step for each load step. The sets of the load must be bonded."""
    lines = ["*NODE, NSET=ALL"]
    lines += [f"{n + 1}, {x:.12g}, {y:.12g}, {z:.12g}" for n, (x, y, z) in enumerate(mesh.points_mm)]
    for c, nodes in enumerate(mesh.cells):
        lines += [f"*ELEMENT, TYPE={ELEMENT[mesh.cell_type]}, ELSET=E{c}"]
        lines += [f"{c + 1}, " + ", ".join(str(n + 1) for n in nodes)]
        lines += [f"*MATERIAL, NAME=M{c}", "*ELASTIC"]
        lines += [f"{materials.youngs_modulus_mpa[c]:.12g}, {materials.poisson_ratio[c]:.12g}"]
        if plastic:
            curve = zip(materials.stress_mpa[c], materials.plastic_strain[c], strict=True)
            lines += ["*PLASTIC", *(f"{stress:.12g}, {strain:.12g}" for stress, strain in curve)]
        lines += [f"*SOLID SECTION, ELSET=E{c}, MATERIAL=M{c}"]
    for name, held in load.prescribed.items():
        lines += [f"*NSET, NSET={name.upper()}", *(f"{n + 1}," for n in held.nodes)]
    for factor in load.load_steps:
        lines += ["*STEP, INC=1000", "*STATIC", "1., 1.", "*BOUNDARY"]
        for name, held in load.prescribed.items():
            along_xyz = factor * np.array(held.displacement_mm, dtype=float) @ load.axes
            lines += [f"{name.upper()}, {c + 1}, {c + 1}, {v:.12g}" for c, v in enumerate(along_xyz)]
        lines += [f"*NODE PRINT, NSET={load.loaded.upper()}, TOTALS=ONLY", "RF", "*END STEP"]
    (folder / "bone.inp").write_text("\n".join(lines) + "\n", encoding="utf-8")


def loads_n(folder: Path, load: LoadCase) -> np.ndarray:
    """Reaction of the loaded set along the direction of the load at every load step, N, from `bone.dat`."""
    text = (folder / "bone.dat").read_text(encoding="utf-8")
    totals = re.findall(r"total force[^\n]*\n\s*\n\s*(\S+)\s+(\S+)\s+(\S+)", text)
    return np.array(totals, dtype=float) @ np.array(load.direction)
