"""Ansys through PyMAPDL, where it is licensed."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_solvers() -> Iterable[Step]:
    """Ansys."""
    yield Step(
        "mapdl",
        "culmann_mapdl.solver:mapdl",
        summary="Ansys Mechanical APDL, on a running server or a licensed installation, through PyMAPDL",
        extra='"culmann[mapdl]"',
        foresee="culmann_mapdl.foresight:foresee",
    )


@hookimpl
def culmann_reporters() -> Iterable[Step]:
    """The same model without Ansys at hand."""
    yield Step(
        "export-mapdl",
        "culmann_mapdl.export:export_mapdl",
        summary="The model as Ansys .cdb and APDL script, to be run elsewhere",
    )
