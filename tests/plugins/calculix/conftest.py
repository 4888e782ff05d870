"""Bars between smooth plates: of bricks, tetrahedra and quadratic tetrahedra, turned as one likes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from culmann import LoadCase, Mesh, Response
from culmann.journal import QuietJournal
from culmann.testing.samples import bar
from culmann_calculix.solver import CalculixConfig, calculix

EDGES = [(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)]


def tets(mesh: Mesh, *, quadratic: bool) -> Mesh:
    """Each brick cut into the six tetrahedra along its diagonal; middle nodes come after all corners."""
    vtk = np.array([0, 1, 3, 2, 4, 5, 7, 6])  # corner x + 2 y + 4 z of a brick in VTK's order
    cells = []
    for axes in permutations(range(3)):
        corner = np.cumsum([0, *(2**axis for axis in axes)])
        even = np.linalg.det(np.eye(3)[list(axes)]) > 0
        cells.append(mesh.cells[:, vtk[corner if even else corner[[0, 2, 1, 3]]]])
    cells, points = np.concatenate(cells), mesh.points_mm
    if quadratic:
        edge, at = np.unique(np.sort(cells[:, EDGES], axis=2).reshape(-1, 2), axis=0, return_inverse=True)
        cells = np.concatenate([cells, len(points) + at.reshape(-1, 6)], axis=1)
        points = np.concatenate([points, points[edge].mean(axis=1)])
    region = np.ones(len(cells), dtype=int)
    return Mesh(points, cells, "tet10" if quadratic else "tet4", region, {1: "bone"})


@pytest.fixture(autouse=True)
def temporary_folders(tmp_path, monkeypatch) -> None:
    """What a failed run keeps is kept below `tmp_path`."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
def make_bar() -> Callable[..., tuple[Mesh, LoadCase]]:
    def build(cell_type="hex8", strain=0.02, steps=4, size=(2, 2, 3), turn=None):
        mesh, load = bar(size, (1.0, 1.5, 2.0), strain)
        load = replace(load, load_steps=tuple((np.arange(steps) + 1) / steps))
        if cell_type != "hex8":
            mesh = tets(mesh, quadratic=cell_type == "tet10")
            at, height = mesh.points_mm[:, 2], mesh.points_mm[:, 2].max()
            ends = {"below": np.flatnonzero(at == 0 + at.min()), "above": np.flatnonzero(at == height)}
            held = {name: replace(one, nodes=ends.get(name, one.nodes)) for name, one in load.prescribed.items()}
            load = replace(load, prescribed=held)
        if turn is not None:
            x, y, z = turn @ np.array(load.direction)
            mesh = replace(mesh, points_mm=mesh.points_mm @ turn.T, lattice=None)
            load = replace(load, axes=load.axes @ turn.T, direction=(float(x), float(y), float(z)))
        return mesh, load

    return build


@pytest.fixture
def solve() -> Callable[..., Response]:
    def run(mesh, materials, load, journal=None, **options):
        return calculix(mesh, materials, load, CalculixConfig(**options), journal or QuietJournal())

    return run


@pytest.fixture
def needs_ccx() -> None:
    if shutil.which("ccx") is None:
        pytest.skip("needs CalculiX: apt-get install calculix-ccx")
