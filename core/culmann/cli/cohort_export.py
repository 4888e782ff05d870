"""`culmann cohort export-snakemake`: a cohort for laboratories that live in Snakemake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culmann.cli.arguments import PIPELINE, SETTINGS, VARIANTS
from culmann.cli.cohort_options import FACTS, TABLE, setup_of
from culmann.cli.cohort_table import tell_refused
from culmann.cli.listing import PluginFiles
from culmann.cli.running import STORE


def export_snakemake(
    table: TABLE,
    pipeline: PIPELINE,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("Snakefile"),
    settings: SETTINGS = None,
    variants: VARIANTS = None,
    facts: FACTS = None,
    store: STORE = None,
    plugin: PluginFiles = None,
) -> None:
    """Write a Snakemake file that runs the cases with `culmann run`, and gathers them into a table and a page."""
    from culmann.cohort.plan import plan
    from culmann.cohort.snakemake import snakefile
    from culmann.cohort.table import read_table
    from culmann.errors import InputError
    from culmann.pipeline import read_pipeline
    from culmann.plugins import load_catalogue

    setup = setup_of(table, pipeline, settings, variants, facts, store, plugin)
    graph = read_pipeline(setup.pipeline, load_catalogue(list(setup.plugins)), setup.settings, list(setup.variants))
    read = read_table(table, graph, setup.facts)
    planned = plan(read.rows, setup, graph.catalogue, out.resolve().parent / "cohort")
    tell_refused(planned, read.notes)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(snakefile(planned, setup), encoding="utf-8")
    except OSError as problem:
        raise InputError(f"{out} cannot be written: {problem.strerror}") from problem
    good = sum(entry.job is not None for entry in planned)
    typer.echo(f"{out} runs {good} case{'' if good == 1 else 's'}: snakemake --snakefile {out} --cores 4 --keep-going")
    raise typer.Exit(0 if good == len(planned) else 2)
