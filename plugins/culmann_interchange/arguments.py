"""Arguments that several exports share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RUN = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")]
STORE = Annotated[Path | None, typer.Option(help="The store that the run used; default $CULMANN_STORE, else .culmann here.")]
VARIANT = Annotated[str | None, typer.Option(metavar="NAME", help="Which variant, where the run has several.")]
LABELS = Annotated[
    str | None,
    typer.Option(metavar="ID", help="Which labels of the run, by the id of their step or input; default those of the mesh."),
]
NEW_FOLDER = Annotated[Path, typer.Option("--out", help="The folder to write; it must not be there yet.")]
NEW_FILE = Annotated[Path, typer.Option("--out", help="The file to write; it must not be there yet.")]
SOURCE = Annotated[
    Path, typer.Option("--source", metavar="FOLDER", help="The folder with the DICOM series that the run belongs to.")
]
