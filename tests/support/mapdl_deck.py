"""Reads a model for Ansys back: mesh and components with mapdl-archive, materials and displacements line by line."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import mapdl_archive
import numpy as np


@dataclass
class Deck:
    """What a .cdb and its script say, in Ansys' numbering."""

    points_mm: np.ndarray
    cells: np.ndarray  # node numbers
    material: np.ndarray
    axes: np.ndarray  # coordinate system of each element
    element: int
    components: dict[str, np.ndarray]
    elastic: dict[int, dict[str, float]] = field(default_factory=dict)
    curves: dict[int, list[tuple[float, float]]] = field(default_factory=dict)
    shares: list[float] = field(default_factory=list)
    #: (component, degree of freedom) -> displacement at full load
    displacements: dict[tuple[str, str], float] = field(default_factory=dict)
    local: dict[int, np.ndarray] = field(default_factory=dict)


def read_deck(model: str, script: str, folder: Path) -> Deck:
    path = folder / "model.cdb"
    path.write_text(model, encoding="ascii")
    archive = mapdl_archive.Archive(str(path), parse_vtk=False)
    assert archive.nnum.tolist() == list(range(1, archive.n_node + 1))
    assert archive.enum.tolist() == list(range(1, archive.n_elem + 1))
    rows = [np.asarray(row) for row in archive.elem]
    deck = Deck(
        archive.nodes[:, :3],
        np.array([row[10:] for row in rows]),
        np.asarray(archive.material_type),
        np.asarray(archive.element_coord_system()),
        int(archive.ekey[0, 1]),
        {name: np.asarray(nodes) for name, nodes in archive.node_components.items()},
    )
    table = 0
    for line in model.splitlines():
        name, *given = line.split(",")
        if name == "MP":
            deck.elastic.setdefault(int(given[1]), {})[given[0]] = float(given[2])
        elif name == "TB":
            table, kind = int(given[1]), given[0]
            assert kind in {"BISO", "PLASTIC"}
            assert kind == "BISO" or given[-1] == "MISO"
            deck.curves[table] = []
        elif name == "TBDATA":
            assert float(given[2]) == 0  # the tangent modulus
            deck.curves[table].append((0.0, float(given[1])))
        elif name == "TBPT":
            deck.curves[table].append((float(given[1]), float(given[2])))
        _local(deck, name, given)
    for line in script.splitlines():
        name, *given = line.split("  !")[0].split(",")
        if found := re.fullmatch(r"culm_f\((\d+)\)=(.*)", line):
            deck.shares.append(float(found[2]))
        elif name == "D":
            amount = given[2].removesuffix("*culm_f(culm_i)")
            assert amount != given[2] or amount == "0"
            deck.displacements[given[0], given[1]] = float(amount)
        _local(deck, name, given)
    return deck


def _local(deck: Deck, name: str, given: list[str]) -> None:
    """Axes of a LOCAL command as rows: turned about z, then about the new x, then about the new y."""
    if name != "LOCAL":
        return
    assert given[1:5] == ["0", "0", "0", "0"]
    z, x, y = (np.radians(float(angle)) for angle in given[5:8])

    def turn(axis: int, angle: float) -> np.ndarray:
        i, j = (axis + 1) % 3, (axis + 2) % 3
        matrix = np.eye(3)
        matrix[i, i] = matrix[j, j] = np.cos(angle)
        matrix[i, j], matrix[j, i] = -np.sin(angle), np.sin(angle)
        return matrix

    deck.local[int(given[0])] = (turn(2, z) @ turn(0, x) @ turn(1, y)).T
