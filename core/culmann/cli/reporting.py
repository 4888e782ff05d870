"""`culmann report`: the reports of a run made again, from what the run left."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culmann.cli.progress import shown_progress

RUN = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run, or of one variant of it.")]
STORE = Annotated[Path | None, typer.Option(help="The store of that run; default the one that its manifest names.")]


def report(run: RUN, store: STORE = None) -> None:
    """Write the report of a run anew: of one that was made without, or by another version."""
    from culmann.pipeline import reopen
    from culmann.pipeline.run_reports import with_reports

    opened = reopen(run, store)
    with shown_progress() as listener:
        done = with_reports(opened, listener)
    told = done.manifest.get("run_reports", {})
    for name in sorted({file for made in told.values() for file in made.get("files", ())}):
        typer.secho(f"Report  {run / name}", bold=True)
    if not told or any("problem" in made for made in told.values()):
        raise typer.Exit(3)
