"""Exports: the same model for the solvers of other labs, as a file each."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_reporters() -> Iterable[Step]:
    """One step for each format; those in keywords (CalculiX, Abaqus) come with the plugin that runs CalculiX."""
    yield Step(
        "export-febio",
        "culmann_export.febio:export_febio",
        summary="The model as a FEBio 4 input file (.feb): elastic materials and prescribed displacements.",
        cite=("doi:10.1115/1.4005694",),
    )
    yield Step(
        "export-vtu",
        "culmann_export.vtu_model:export_vtu",
        summary="The model as VTU for ParaView: moduli, strengths, densities, regions, node sets, prescribed displacements.",
    )
    yield Step(
        "export-parosol",
        "culmann_export.parosol:export_parosol",
        summary="A voxel model as HDF5 for ParOSol: linear elastic.",
        cite=("doi:10.1016/j.cam.2011.05.020",),
        extra="culmann[parosol]",
    )
