"""Which scheme a law is solved with, which kernels will do for it, and what the native solver does not do."""

from __future__ import annotations

from culmann.data import Materials, Mesh
from culmann.errors import InputError


def scheme_for(materials: Materials, asked: str) -> str:
    """The scheme that is meant by what was asked for, which may be `auto`."""
    if materials.is_linear:
        return "linear"
    if asked != "auto":
        return asked
    if materials.stress_update is not None:
        return "plastic"
    return "plastic" if materials.unloading == "plastic" else "secant-converged"


def is_plain(materials: Materials) -> bool:
    """Whether the faster kernels for von Mises's criterion with Hooke's law will do."""
    return materials.criterion == "von-mises" and materials.orthotropy is None


def refuse_unsupported(mesh: Mesh, materials: Materials, scheme: str) -> None:
    """What cannot be solved.

    Raises
    ------
    InputError
        When materials and mesh do not belong together, or the law needs what this solver does not do with the scheme.
    """
    if materials.n_cells != mesh.n_cells:
        raise InputError(
            f"the materials describe {materials.n_cells} cells and the mesh has {mesh.n_cells}",
            hint="the law and the solver must take the same mesh",
        )
    if materials.stress_update is not None and scheme.startswith("secant"):
        raise InputError(
            f"law {materials.law!r} brings its own stress update, and `scheme: {scheme}` would not use it",
            hint="leave `scheme` at `auto`",
        )
    if materials.orthotropy is not None and materials.criterion == "tresca" and scheme == "plastic":
        raise InputError(
            f"law {materials.law!r} wants Tresca plasticity with orthotropic elasticity, whose principal axes need not agree: "
            "the native solver does not do that",
            hint="take the von Mises criterion with it, or Tresca with isotropic elasticity, or a secant scheme",
        )
