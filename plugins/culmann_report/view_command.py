"""`culmann view`: the bone of a run in a window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culmann.errors import InputError
from culmann.pipeline import Run, reopen
from culmann_report.window import Field, show


def view(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or of one variant of it.")],
    colour: Annotated[Field, typer.Option(help="What the bone is coloured by.")] = Field.strain,
    variant: Annotated[str | None, typer.Option(metavar="NAME", help="Which variant of a run that has several.")] = None,
    nodes: Annotated[bool, typer.Option("--nodes/--no-nodes", help="Whether loaded and held nodes are drawn.")] = True,
    screenshot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Write a picture and open no window, as on a machine without a screen."),
    ] = None,
    store: Annotated[Path | None, typer.Option(help="The store of that run; default the one that its manifest names.")] = None,
) -> None:
    """Show the bone of a run in a window: turned with the mouse, coloured by density, strain or phase."""
    if screenshot is not None and screenshot.suffix.lower() != ".png":
        raise InputError(f"--screenshot {screenshot} does not end in .png")
    if screenshot is not None and not screenshot.absolute().parent.is_dir():
        raise InputError(f"--screenshot {screenshot}: there is no folder {screenshot.parent}")
    show(_part(reopen(run, store), variant), colour, with_nodes=nodes, screenshot=screenshot)
    if screenshot is not None:
        typer.echo(f"Picture  {screenshot}")


def _part(run: Run, variant: str | None) -> Run:
    if not run.variants:
        if variant is not None:
            raise InputError(f"the run in {run.out} has no variants", hint="leave --variant out")
        return run
    if variant is None and len(run.variants) == 1:
        return next(iter(run.variants.values()))
    if variant is None:
        raise InputError(
            f"the run in {run.out} has several variants", hint=f"say --variant with one of {', '.join(run.variants)}"
        )
    if variant not in run.variants:
        raise InputError(f"the run in {run.out} has no variant {variant!r}; it has {', '.join(run.variants)}")
    return run.variants[variant]
