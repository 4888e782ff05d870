"""CalculiX: the open referee, run as a separate program, and its keyword files, which Abaqus reads as well."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1

#: Dhondt G. The Finite Element Method for Three-Dimensional Thermomechanical Applications. Wiley 2004.
_CALCULIX = "doi:10.1002/0470021217"


@hookimpl
def culmann_solvers() -> Iterable[Step]:
    """The engine of others."""
    yield Step(
        "calculix",
        "culmann_calculix.solver:calculix",
        summary="CalculiX (ccx) as a separate program: linear and von Mises plastic, hexahedra and tetrahedra.",
        cite=(_CALCULIX,),
        foresee="culmann_calculix.foresight:foresee",
    )


@hookimpl
def culmann_reporters() -> Iterable[Step]:
    """The model as a file, without a run."""
    yield Step(
        "export-calculix",
        "culmann_calculix.export:export_calculix",
        summary="The model as a CalculiX deck (.inp), to be run with `ccx`.",
        cite=(_CALCULIX,),
    )
    yield Step(
        "export-abaqus",
        "culmann_calculix.export:export_abaqus",
        summary="The model as an Abaqus input file (.inp).",
    )
