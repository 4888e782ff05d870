"""Small models for the tests of the Ansys plugin, and a stand-in that solves what it reads out of the deck."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from mapdl_deck import Deck, read_deck

from culmann import Grid, LoadCase, Materials, Mesh, Prescribed
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_fem.native import NativeSolverConfig, native_solver

_TILT = np.array([[1.0, 0.2, 0.1], [0.3, 1.0, -0.3], [-0.4, 0.5, 1.0]])
#: Axes of a load that lie along no axis of the model.
TILTED = np.linalg.qr(_TILT)[0] * np.sign(np.linalg.det(np.linalg.qr(_TILT)[0]))


def blob(steps: int = 4, axes: np.ndarray | None = None) -> tuple[Mesh, Materials, LoadCase]:
    """Random moduli over two decades, void around, bonded ends; two sets share nodes."""
    rng = np.random.default_rng(5)
    grid = Grid((5, 4, 6), (1.0, 1.2, 0.9), (3.0, -7.0, 100.0))
    z, y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in grid.shape), indexing="ij")
    mesh = hexahedra(grid, (x**2 + y**2 + 0.2 * z**2 < 1.7).astype(int), {1: "bone"})
    rho = rng.uniform(0.05, 0.6, mesh.n_cells)
    stress = np.stack([102 * rho**1.8, 130 * rho**1.8], axis=1)
    strain = np.tile([0.0, 0.02], (mesh.n_cells, 1))
    height = mesh.points_mm[:, 2]
    top, bottom = np.flatnonzero(height == height.max()), np.flatnonzero(height == height.min())
    sets = {
        "bottom": Prescribed(bottom, (0.0, 0.0, 0.0)),
        # A part of the components only where the axes are those of the lattice: the native solver takes no other.
        "corner": Prescribed(top[:3], (0.03, 0.01, None if axes is None else -0.1)),
        "top": Prescribed(top, (0.02, 0.0, -0.12)),
    }
    frame = np.eye(3) if axes is None else axes
    load = LoadCase(sets, "top", (0.0, 0.0, -1.0), 5.4, frame, tuple((np.arange(steps) + 1) / steps))
    return mesh, Materials(14900 * rho**1.86, np.full(mesh.n_cells, 0.3), stress, strain, rho), load


def as_model(deck: Deck) -> tuple[Mesh, Materials, LoadCase]:
    """What the deck says, as culmann would say it."""
    sets = {name: nodes - 1 for name, nodes in deck.components.items() if name.startswith("HELD")}
    moved = {name: tuple(deck.displacements.get((name, f"U{axis}")) for axis in "XYZ") for name in sets}
    prescribed = {name: Prescribed(nodes, moved[name]) for name, nodes in sets.items()}
    # The set whose reaction is the load, in the order of the load case, with nothing prescribed of its own.
    prescribed |= {n: Prescribed(nodes - 1, (None,) * 3) for n, nodes in deck.components.items() if n.startswith("SET")}
    frame = deck.local.get(12, np.eye(3))
    load = LoadCase(prescribed, "SET_3", (0.0, 0.0, -1.0), 5.4, frame, tuple(deck.shares))
    numbers = deck.material
    elastic = np.array([[deck.elastic[n]["EX"], deck.elastic[n]["PRXY"]] for n in numbers])
    points = [deck.curves.get(n, []) for n in numbers]
    k = max(len(curve) for curve in points)
    curve = np.array([[*c, *[c[-1]] * (k - len(c))] for c in points]).reshape(len(numbers), k, 2)
    ones = np.ones(len(numbers))
    materials = Materials(elastic[:, 0], elastic[:, 1], curve[..., 1], curve[..., 0], ones)
    mesh = Mesh(deck.points_mm, deck.cells - 1, "hex8", np.ones(len(deck.cells), dtype=np.int64), {1: "bone"})
    return mesh, materials, load


def solving(folder: Path) -> Callable[[dict[str, str]], str]:
    """A function for the stand-in: reads the deck, solves what it says with the native solver, writes what the script would."""

    def solve(files: dict[str, str]) -> str:
        deck = read_deck(files["model.cdb"], files["solve.inp"], folder)
        mesh, materials, load = as_model(deck)
        original = blob()[0]
        mesh = Mesh(**{**{n: getattr(mesh, n) for n in mesh.__slots__}, "lattice": original.lattice})
        found = native_solver(mesh, materials, load, NativeSolverConfig(), QuietJournal())
        rows = []
        for n, share in enumerate(load.load_steps, start=1):
            forces = [found.reactions_n[f"SET_{m}"][n] @ load.axes.T for m in (1, 2, 3)]
            rows.append([share, *np.concatenate(forces)])
        files["curve.csv"] = fortran(rows, 5)
        for moment, fields in (("peak", found.peak), ("end", found.end)):
            files[f"nodes_{moment}.csv"] = fortran(fields.displacement_mm, 3)
            table = np.stack([fields.equivalent_stress_mpa, fields.equivalent_plastic_strain], axis=1)
            files[f"cells_{moment}.csv"] = fortran(table, 2)
        return "solved by the stand-in"

    return solve


def fortran(rows, per_line: int) -> str:
    """Numbers as *VWRITE puts them with E24.15."""
    lines = []
    for row in rows:
        row = list(row)
        lines += ["".join(f"{v:24.15E}" for v in row[k : k + per_line]) for k in range(0, len(row), per_line)]
    return "\n".join(lines) + "\n"
