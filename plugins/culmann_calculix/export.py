"""export-calculix and export-abaqus: the model as a keyword file, for those who run it themselves."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from culmann.data import LoadCase, Materials, Mesh, Report
from culmann.journal import Journal
from culmann_calculix.deck import DeckOptions, deck
from culmann_calculix.model import ModelConfig, bins_of, element_of, is_plastic, refuse_unsupported, remarks


class ExportCalculixConfig(ModelConfig):
    """Options of the CalculiX deck."""

    hexahedra: Literal["C3D8", "C3D8I", "C3D8R"] = Field("C3D8I", description="The brick, see the solver `calculix`.")


class ExportAbaqusConfig(ModelConfig):
    """Options of the Abaqus input file."""

    hexahedra: Literal["C3D8", "C3D8I", "C3D8R"] = Field(
        "C3D8",
        description="The brick. That of Abaqus called C3D8 averages the volume strain (B-bar), as the native solver does.",
    )


def export_calculix(mesh: Mesh, materials: Materials, load: LoadCase, config: ExportCalculixConfig, journal: Journal) -> Report:
    """`calculix.inp`, the deck that the solver `calculix` would run: `ccx calculix`.

    Raises
    ------
    InputError
        When the materials need what CalculiX does not have.
    SolverError
        When a set of the load holds nodes that no cell touches.
    """
    refuse_unsupported(mesh, materials, load, config.scheme)
    bin_of_cell, bins = bins_of(mesh, materials, config)
    left_out = ("the densities of the cells.", *_placed(mesh))
    options = DeckOptions(
        element=element_of(mesh, config.hexahedra),
        plastic=is_plastic(materials, config.scheme),
        large_displacement=config.large_displacement,
        remarks=("CalculiX deck, run it with: ccx calculix", *remarks(mesh, bins, load, left_out)),
        fields_for_viewers=True,
    )
    journal.progress(f"{mesh.n_cells} {options.element}, {bins.n_cells} materials")
    return Report({"calculix.inp": deck(mesh, bin_of_cell, bins, load, options).encode("ascii")})


def export_abaqus(mesh: Mesh, materials: Materials, load: LoadCase, config: ExportAbaqusConfig, journal: Journal) -> Report:
    """`abaqus.inp`: mesh, sets, elastic and plastic materials, prescribed displacements and requests for output.

    It was read back by programs that read the format; no Abaqus has run it.

    Raises
    ------
    InputError
        When mesh and materials do not belong together.
    """
    bin_of_cell, bins = bins_of(mesh, materials, config)
    plastic = is_plastic(materials, config.scheme)
    left_out = ["the densities of the cells.", *_placed(mesh)]
    untold = []
    if materials.stress_update is not None:
        untold.append(
            "the law's own stress update; the curve stands in its place."
            if materials.stress_mpa.size
            else "the law's own stress update."
        )
    if plastic and materials.orthotropy is not None:
        untold.append("yielding: *PLASTIC of Abaqus wants isotropic elasticity, and the bone is orthotropic.")
    elif plastic and materials.unloading == "secant":
        untold.append("unloading along a secant modulus: *PLASTIC unloads along the elastic slope.")
    if plastic and materials.orthotropy is None and materials.criterion != "von-mises":
        untold.append(f"the criterion {materials.criterion}: *PLASTIC yields after von Mises.")
    for what in untold:
        journal.warn(f"not carried over into abaqus.inp: {what}")
    options = DeckOptions(
        element=element_of(mesh, config.hexahedra),
        plastic=plastic and materials.orthotropy is None,
        large_displacement=config.large_displacement,
        remarks=("Abaqus/Standard input file", *remarks(mesh, bins, load, (*left_out, *untold))),
    )
    journal.progress(f"{mesh.n_cells} {options.element}, {bins.n_cells} materials")
    return Report({"abaqus.inp": deck(mesh, bin_of_cell, bins, load, options, "abaqus").encode("ascii")})


def _placed(mesh: Mesh) -> tuple[str, ...]:
    return () if mesh.lattice is None else ("the lattice that the cells lie on.",)
