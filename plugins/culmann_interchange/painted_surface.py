"""The outside of a loaded mesh with its fields, in the patient, as a VTK file that says LPS in its head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from culmann.data import Response
from culmann.data.arrays import FloatArray, IntArray
from culmann.voxels import exterior_faces

#: What of the fields at the peak goes along, for every face.
_FIELDS = ("equivalent_strain", "equivalent_plastic_strain", "equivalent_stress_mpa", "phase")


@dataclass(frozen=True, slots=True)
class PaintedSurface:
    """Faces with normals pointing outwards.

    Parameters
    ----------
    points_mm
        (n, 3), LPS, in the patient.
    faces
        (m, 3 or 4), indices of points.
    on_faces
        {name: (m,)}: the values of the cell behind each face.
    on_points
        {name: (n,) or (n, 3)}: scalars are the means of the faces around a point.
    """

    points_mm: FloatArray
    faces: IntArray
    on_faces: Mapping[str, FloatArray]
    on_points: Mapping[str, FloatArray]


def painted_surface(response: Response) -> PaintedSurface:
    """The outside of the mesh of a response, with its fields at the highest force.

    A mesh of a mirrored or registered image is brought back to the patient; vectors turn with it.
    """
    mesh = response.mesh
    faces, cell = exterior_faces(mesh)
    used, faces = np.unique(faces, return_inverse=True)
    faces = faces.reshape(len(cell), -1)
    turn = mesh.placement.matrix[:3, :3]
    if np.linalg.det(turn) < 0:
        faces = faces[:, ::-1]
    fields = {name: np.asarray(getattr(response.peak, name), dtype=float) for name in _FIELDS} | dict(response.cells)
    on_faces = {name: np.asarray(values, dtype=float)[cell] for name, values in fields.items()}
    on_points = {name: _at_points(on_faces[name], faces, len(used)) for name in _FIELDS[:3]}
    on_points["displacement_mm"] = response.peak.displacement_mm[used] @ turn.T
    return PaintedSurface(mesh.placement.point_to_patient(mesh.points_mm[used]), faces, on_faces, on_points)


def write_vtk(path: Path, surface: PaintedSurface) -> None:
    """Write legacy VTK, binary. 3D Slicer reads `SPACE=LPS` in its second line, and would take RAS without it."""
    corners = surface.faces.shape[1]
    cells = np.column_stack([np.full(len(surface.faces), corners), surface.faces])
    with path.open("wb") as file:
        file.write(b"# vtk DataFile Version 3.0\nculmann export. SPACE=LPS\nBINARY\nDATASET POLYDATA\n")
        file.write(f"POINTS {len(surface.points_mm)} float\n".encode() + _big_endian(surface.points_mm, ">f4"))
        file.write(f"\nPOLYGONS {len(cells)} {cells.size}\n".encode() + _big_endian(cells, ">i4"))
        for what, count, fields in (
            ("CELL_DATA", len(surface.faces), surface.on_faces),
            ("POINT_DATA", len(surface.points_mm), surface.on_points),
        ):
            file.write(f"\n{what} {count}\nFIELD FieldData {len(fields)}\n".encode())
            for name, values in fields.items():
                width = 1 if values.ndim == 1 else values.shape[1]
                file.write(f"{name} {width} {count} float\n".encode() + _big_endian(values, ">f4") + b"\n")


def _at_points(values: FloatArray, faces: IntArray, n_points: int) -> FloatArray:
    total, count = np.zeros(n_points), np.zeros(n_points)
    for corner in faces.T:
        np.add.at(total, corner, values)
        np.add.at(count, corner, 1.0)
    return total / count


def _big_endian(values: npt.NDArray[np.float64] | IntArray, kind: str) -> bytes:
    return np.ascontiguousarray(values, dtype=kind).tobytes()
