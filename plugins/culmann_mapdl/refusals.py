"""What cannot be said in Ansys' words, and is refused before anything is written."""

from __future__ import annotations

import numpy as np

from culmann.data import Materials, Mesh
from culmann.errors import InputError
from culmann_mapdl.options import DeckConfig

_NATIVE = "use `native-solver`"


def scheme_of(materials: Materials, config: DeckConfig) -> str:
    """The scheme that `auto` stands for."""
    if materials.is_linear:
        return "linear"
    if config.scheme != "auto":
        return config.scheme
    return "secant-lagged" if materials.unloading == "secant" else "plastic"


def refuse_unsupported(mesh: Mesh, materials: Materials, config: DeckConfig) -> None:
    """Raise InputError when Ansys' elements and materials cannot take the model."""
    if materials.n_cells != mesh.n_cells:
        raise InputError(
            f"the materials describe {materials.n_cells} cells and the mesh has {mesh.n_cells}",
            hint="the law and the solver must take the same mesh",
        )
    if mesh.cell_type == "tet4":
        raise InputError("linear tetrahedra are not written for Ansys: they are too stiff", hint="mesh with `gmsh-tet10`")
    if materials.stress_update is not None:
        raise InputError(
            f"law {materials.law!r} brings a stress update of its own, which Ansys would need as a compiled UserMat",
            hint=_NATIVE,
        )
    scheme = scheme_of(materials, config)
    if scheme == "linear":
        return
    if materials.criterion != "von-mises":
        raise InputError(
            f"law {materials.law!r} yields after {materials.criterion}; what is written for Ansys is von Mises",
            hint=f"{_NATIVE}, or `scheme: linear`",
        )
    if scheme == "plastic" and materials.unloading == "secant":
        raise InputError(
            f"law {materials.law!r} loses stiffness as it yields, and Ansys' plasticity keeps it",
            hint="take `scheme: secant-lagged`",
        )
    falling = np.flatnonzero((np.diff(materials.stress_mpa, axis=1) < 0).any(axis=1))
    if scheme == "plastic" and len(falling):
        raise InputError(
            f"the stress of law {materials.law!r} falls after yield in {len(falling)} cells (cell {falling[0]} first), and "
            "Ansys' isotropic hardening (TB,PLASTIC) takes no falling curve",
            hint="take `scheme: secant-lagged`, or a law that is perfectly plastic",
        )
    if scheme == "secant-lagged" and materials.orthotropy is not None:
        raise InputError("`scheme: secant-lagged` is written for isotropic bone only", hint=_NATIVE)
