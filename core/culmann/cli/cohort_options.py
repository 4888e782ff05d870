"""Arguments and options of the commands of `culmann cohort`, and what several of them make of these."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from culmann.cohort.folder import Setup

TABLE = Annotated[
    Path, typer.Argument(metavar="TABLE", help="A CSV with a column `case`, or the folder of a dataset.", show_default=False)
]
FOLDER = Annotated[Path, typer.Argument(metavar="OUT", help="The folder of a cohort.", show_default=False)]
OUT = Annotated[Path | None, typer.Option(help="The folder for the results; default cohorts/<name of the pipeline>.")]
FACTS = Annotated[
    list[str] | None,
    typer.Option("--facts", metavar="A,B", help="Columns to carry along that are no file and no setting; may be repeated."),
]
EXECUTOR = Annotated[
    str | None,
    typer.Option(
        "--executor",
        metavar="NAME|FILE.yaml",
        help="Where the cases run: local, slurm, dask or one of a plugin, or a file with a section `executor`; default the "
        "section of the pipeline file, else local.",
    ),
]
EXECUTOR_OPTIONS = Annotated[
    list[str] | None,
    typer.Option("--executor-option", metavar="NAME=VALUE", help="An option of the executor, as in YAML. May be repeated."),
]
WORKERS = Annotated[int | None, typer.Option(min=1, help="How many cases at a time; the same as --executor-option workers=N.")]
DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Check everything, tell what would be done, and run nothing.")]
NO_LOOK = Annotated[bool, typer.Option("--no-look", help="Do not read the files beforehand: a broken one is told by its run.")]
NO_REPORT = Annotated[bool, typer.Option("--no-report", help="Write no report.html for the cases.")]


def setup_of(
    table: Path,
    pipeline: str,
    settings: list[str] | None,
    variants: list[str] | None,
    facts: list[str] | None,
    store: Path | None,
    plugin: list[Path] | None,
    reports: bool = True,
) -> Setup:
    """What is run on every case."""
    from culmann.cohort.folder import Setup
    from culmann.home import from_home
    from culmann.pipeline.store import store_folder
    from culmann.shipped import find_pipeline

    return Setup(
        find_pipeline(pipeline).resolve(),
        store_folder(store),
        tuple(settings or []),
        tuple(variants or []),
        tuple(from_home(path).resolve() for path in plugin or []),
        from_home(table).resolve(),
        tuple(name.strip() for text in facts or [] for name in text.split(",") if name.strip()),
        reports,
    )
