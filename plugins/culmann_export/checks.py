"""The one check that all exports share."""

from __future__ import annotations

from culmann.data import Materials, Mesh
from culmann.errors import InputError


def refuse_mismatch(mesh: Mesh, materials: Materials) -> None:
    """Raise InputError when the materials are not those of the mesh."""
    if materials.n_cells != mesh.n_cells:
        raise InputError(
            f"the materials describe {materials.n_cells} cells and the mesh has {mesh.n_cells}",
            hint="the law and the export must take the same mesh",
        )
