"""Reports: results as pictures, and every run as a page."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.commands import Command
from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_reporters() -> Iterable[Step]:
    """The pictures that ship."""
    yield Step(
        "figures",
        "culmann_report.figures:figures",
        summary="The curve with the failure load, and the bone coloured by plastic strain over a CT slice",
    )


@hookimpl
def culmann_run_reports() -> Iterable[Step]:
    """The page that every run ends with."""
    yield Step(
        "html-report",
        "culmann_report.page:page",
        summary="The page report.html of a run: failure load, curve, bone in 3-D, slices, methods in words",
    )


@hookimpl
def culmann_commands() -> Iterable[Command]:
    """The window beside the page."""
    yield Command(
        "view",
        "culmann_report.view_command:view",
        summary="Show the bone of a run in a window, or write a picture of it",
        extra="culmann[view]",
    )
