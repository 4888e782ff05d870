"""What a run and an export have in common: their options, what cannot be said in a deck, and the remarks at its head."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.boundary import refuse_loose_nodes
from culmann.config import Config
from culmann.data import LoadCase, Materials, Mesh
from culmann.data.arrays import IntArray
from culmann.errors import InputError
from culmann.material_bins import material_bins
from culmann_calculix.deck import ELEMENT


class ModelConfig(Config):
    """Options of the model in a deck."""

    scheme: Literal["auto", "linear", "plastic"] = Field(
        "auto", description="`linear` ignores yielding; `plastic` follows the curves of the law. `auto` is what the law says."
    )
    bin_width_mpa: float = Field(
        0.0,
        ge=0,
        description="Cells whose Young's moduli lie in one bin of this width share a material. 0 gives each material that "
        "differs its own, which is exact. The time that CalculiX reads them grows with the square of their number: 5 s for "
        "27 000.",
    )
    large_displacement: bool = Field(
        False, description="Whether the geometry follows the displacement (NLGEOM). Everything else in culmann is small-strain."
    )


def refuse_unsupported(mesh: Mesh, materials: Materials, load: LoadCase, scheme: str) -> None:
    """Say what of a model cannot be said to CalculiX.

    Raises
    ------
    InputError
        For a criterion, a way of unloading or a curve that it does not have.
    SolverError
        When a set of the load holds nodes that no cell touches.
    """
    refuse_loose_nodes(mesh, load)
    if not is_plastic(materials, scheme):
        return
    linear = "or `scheme: linear`"
    if materials.stress_update is not None:
        raise InputError(
            f"the law {materials.law!r} brings its own stress update, which CalculiX cannot call",
            hint=f"use the solver `native-solver`, {linear}",
        )
    if materials.criterion != "von-mises":
        raise InputError(
            f"CalculiX yields after von Mises, and the law {materials.law!r} asks for {materials.criterion}",
            hint=f"use the solver `native-solver` if it takes the law, a law with the von Mises criterion, {linear}",
        )
    if materials.unloading == "secant":
        raise InputError(
            f"CalculiX unloads along the elastic slope, and the law {materials.law!r} asks for a secant modulus that falls",
            hint=f"use the solver `native-solver`, which has the secant schemes, {linear}",
        )
    if materials.orthotropy is not None and materials.stress_mpa.shape[1] > 1:
        # Seen with ccx 2.20: it goes on along the first piece of the curve for ever, and says nothing.
        raise InputError(
            "CalculiX takes the first slope of a hardening curve for all of it where elasticity is orthotropic",
            hint=f"use the solver `native-solver`, a perfectly plastic law, {linear}",
        )
    rise, run = np.diff(materials.stress_mpa, axis=1), np.diff(materials.plastic_strain, axis=1)
    too_steep = (rise != 0) & (rise <= -materials.youngs_modulus_mpa[:, None] * run) | (rise != 0) & (run == 0)
    if too_steep.any():
        cell = int(np.argwhere(too_steep)[0][0])
        raise InputError(
            f"the curve of {int(too_steep.any(axis=1).sum())} cells falls faster than the elastic slope, first of cell {cell}: "
            "Newton's method of CalculiX finds no way along it",
            hint=f"use the solver `native-solver` with a secant scheme, {linear}",
        )


def is_plastic(materials: Materials, scheme: str) -> bool:
    """Whether the curves of the law are followed."""
    return scheme != "linear" and not materials.is_linear


def bins_of(mesh: Mesh, materials: Materials, config: ModelConfig) -> tuple[IntArray, Materials]:
    """The bin of every cell, and the materials of the bins.

    Raises
    ------
    InputError
        When mesh and materials do not belong together.
    """
    if materials.n_cells != mesh.n_cells:
        raise InputError(
            f"the materials describe {materials.n_cells} cells and the mesh has {mesh.n_cells}",
            hint="the law and the solver must take the same mesh",
        )
    told = replace(materials, stress_update=None)
    if not is_plastic(materials, config.scheme):
        nothing = np.zeros((mesh.n_cells, 0))
        told = replace(told, stress_mpa=nothing, plastic_strain=nothing)
    return material_bins(mesh, told, config.bin_width_mpa)


def element_of(mesh: Mesh, hexahedra: str) -> str:
    """The element type in keyword files."""
    return hexahedra if mesh.cell_type == "hex8" else ELEMENT[mesh.cell_type]


def remarks(mesh: Mesh, bins: Materials, load: LoadCase, left_out: tuple[str, ...]) -> tuple[str, ...]:
    """Lines for the head of a file: what the model is, in which units, and what of it the file does not have."""
    return (
        "Units: mm, N, MPa. Coordinates: LPS (x to the left, y to the back, z to the head of the patient).",
        *([f"These coordinates were moved: {mesh.placement.describe()}."] if mesh.placement.history else []),
        f"{mesh.n_cells} cells of type {mesh.cell_type}, {mesh.n_points} nodes, {bins.n_cells} materials, law {bins.law!r}.",
        f"Load: the reaction of set {load.loaded!r} along {', '.join(f'{c:.6g}' for c in load.direction)}.",
        "Time is the share of the full displacement.",
        *(f"Not carried over: {what}" for what in left_out),
    )
