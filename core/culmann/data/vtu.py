"""VTU files of one cell type, through meshio."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import meshio
import numpy as np
import numpy.typing as npt

from culmann.data.arrays import FloatArray, IntArray

_MESHIO_NAME = {"hex8": "hexahedron", "tet4": "tetra", "tet10": "tetra10"}


@dataclass(frozen=True, slots=True)
class VtuContent:
    """What a VTU file holds."""

    points_mm: FloatArray
    cells: IntArray
    point_data: dict[str, npt.NDArray[Any]]
    cell_data: dict[str, npt.NDArray[Any]]


def write(
    path: Path,
    points_mm: FloatArray,
    cells: IntArray,
    cell_type: str,
    point_data: Mapping[str, npt.NDArray[Any]],
    cell_data: Mapping[str, npt.NDArray[Any]],
) -> None:
    """Write one block of cells with its data, compressed."""
    mesh = meshio.Mesh(
        points_mm,
        [(_MESHIO_NAME[cell_type], cells)],
        point_data={_in_xml(name): values for name, values in point_data.items()},
        cell_data={_in_xml(name): [values] for name, values in cell_data.items()},
    )
    meshio.vtu.write(path, mesh)


def _in_xml(name: str) -> str:
    """A name as an XML attribute holds it: meshio writes names as they come."""
    return escape(name, {'"': "&quot;"}).encode("ascii", "xmlcharrefreplace").decode()


def read(path: Path, cell_type: str) -> VtuContent:
    """Read a file that `write` wrote."""
    # meshio.read would end the whole program at a damaged file; this raises meshio.ReadError.
    mesh = meshio.vtu.read(path)
    return VtuContent(
        np.asarray(mesh.points, dtype=np.float64),
        np.asarray(mesh.cells_dict[_MESHIO_NAME[cell_type]], dtype=np.int64),
        dict(mesh.point_data),
        {name: blocks[0] for name, blocks in mesh.cell_data.items()},
    )
