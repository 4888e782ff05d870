"""Run as a program of its own: the one place that calls gmsh, on arrays from a folder, so that its end is not that of the run.

Imports nothing of culmann: `python gmsh_child.py FOLDER` reads `surface.npz` there and writes `tetrahedra.npz`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

SEED = 1
#: gmsh's numbers for HXT and for a tetrahedron of four nodes.
_HXT, _TETRAHEDRON = 10, 4


def fill(folder: Path) -> None:
    """Fill the closed surface with tetrahedra; its triangles become their outer faces as they are."""
    import gmsh

    given = np.load(folder / "surface.npz")
    points, triangles = given["points_mm"], given["triangles"]
    # Handlers of signals belong to whoever started this; gmsh would take the one of Ctrl-C.
    gmsh.initialize(interruptible=False)
    for option, value in (
        ("General.Terminal", 1),
        ("General.NumThreads", 1),
        ("Mesh.MaxNumThreads3D", 1),
        ("Mesh.RandomSeed", SEED),
        ("Mesh.Algorithm3D", _HXT),
        ("Mesh.Optimize", 1),
    ):
        gmsh.option.setNumber(option, value)
    gmsh.model.add("bone")
    surface = gmsh.model.addDiscreteEntity(2)
    gmsh.model.mesh.addNodes(2, surface, np.arange(1, len(points) + 1), points.ravel())
    gmsh.model.mesh.addElementsByType(surface, 2, [], (triangles + 1).ravel())
    gmsh.model.geo.addVolume([gmsh.model.geo.addSurfaceLoop([surface])])
    gmsh.model.geo.synchronize()
    gmsh.model.mesh.generate(3)
    gmsh.model.mesh.optimize("Netgen")
    tags, coordinates, _ = gmsh.model.mesh.getNodes()
    _, corners = gmsh.model.mesh.getElementsByType(_TETRAHEDRON)
    order = np.argsort(tags)
    cells = np.searchsorted(tags[order], corners).reshape(-1, 4)
    np.savez(folder / "tetrahedra.npz", points_mm=coordinates.reshape(-1, 3)[order], cells=cells.astype(np.int64))
    gmsh.finalize()


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
