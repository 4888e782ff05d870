"""`culmann cohort`: a pipeline on many cases, what became of them, and going on where it stopped."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from culmann.cli.arguments import PIPELINE, SETTINGS, VARIANTS
from culmann.cli.cohort_export import export_snakemake
from culmann.cli.cohort_live import shown_cohort
from culmann.cli.cohort_options import (
    DRY_RUN,
    EXECUTOR,
    EXECUTOR_OPTIONS,
    FACTS,
    FOLDER,
    NO_LOOK,
    NO_REPORT,
    OUT,
    TABLE,
    WORKERS,
    setup_of,
)
from culmann.cli.cohort_table import tell_plan, tell_status, tell_summary
from culmann.cli.listing import PluginFiles
from culmann.cli.plugged import PluggedGroup
from culmann.cli.running import STORE

if TYPE_CHECKING:
    from culmann.cohort.choosing import Wish
    from culmann.cohort.folder import CohortFolder, Setup
    from culmann.cohort.table import Row


class _RunIsDefault(PluggedGroup):
    """`culmann cohort TABLE PIPELINE` is `culmann cohort run TABLE PIPELINE`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put `run` in front of what is no command."""
        known = set(self.commands)
        help_is_meant = not args or args[0] in {"-h", "--help"}
        given: list[str] = super().parse_args(ctx, args if help_is_meant or args[0] in known else ["run", *args])
        return given

    def offers(self) -> list[Any]:
        """No plugin adds a command here."""
        return []


cohort = typer.Typer(
    cls=_RunIsDefault,
    help="Run a pipeline on many cases: `culmann cohort TABLE PIPELINE`.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@cohort.callback()
def _cohort() -> None:
    """Run a pipeline on many cases: `culmann cohort TABLE PIPELINE`."""


@cohort.command("run")
def run(
    table: TABLE,
    pipeline: PIPELINE,
    out: OUT = None,
    executor: EXECUTOR = None,
    workers: WORKERS = None,
    options: EXECUTOR_OPTIONS = None,
    settings: SETTINGS = None,
    variants: VARIANTS = None,
    facts: FACTS = None,
    store: STORE = None,
    plugin: PluginFiles = None,
    dry_run: DRY_RUN = False,
    no_look: NO_LOOK = False,
    no_report: NO_REPORT = False,
) -> None:
    """Run a pipeline on every case of a table; cases that are done and have not changed are not run again."""
    setup = setup_of(table, pipeline, settings, variants, facts, store, plugin, not no_report)
    wanted = _wish(executor, workers, options, _section(setup.pipeline))
    _carry_out(setup, out or Path("cohorts") / setup.pipeline.stem, wanted, dry_run=dry_run, look=not no_look)


@cohort.command("status")
def status(
    out: FOLDER,
    everything: Annotated[bool, typer.Option("--all", help="Every case, also where there are many.")] = False,
) -> None:
    """Tell what became of every case, also while the cohort runs in another terminal or on a cluster."""
    from culmann.cohort.folder import CohortFolder

    tell_status(CohortFolder.open(out), everything=everything)


@cohort.command("resume")
def resume(
    out: FOLDER,
    executor: EXECUTOR = None,
    workers: WORKERS = None,
    options: EXECUTOR_OPTIONS = None,
    dry_run: DRY_RUN = False,
    no_look: NO_LOOK = False,
) -> None:
    """Go on with a cohort that was stopped or killed, with the table and the pipeline as they are now."""
    _again(out, executor, workers, options, dry_run=dry_run, look=not no_look, retry=False)


@cohort.command("retry")
def retry(
    out: FOLDER,
    executor: EXECUTOR = None,
    workers: WORKERS = None,
    options: EXECUTOR_OPTIONS = None,
    dry_run: DRY_RUN = False,
) -> None:
    """Run the cases that failed or died once more, and no others."""
    _again(out, executor, workers, options, dry_run=dry_run, look=True, retry=True)


cohort.command("export-snakemake")(export_snakemake)


def _again(
    out: Path,
    executor: str | None,
    workers: int | None,
    options: list[str] | None,
    *,
    dry_run: bool,
    look: bool,
    retry: bool,
) -> None:
    from culmann.cohort.choosing import wish
    from culmann.cohort.folder import CohortFolder

    folder = CohortFolder.open(out)
    last = wish(folder.executor["use"], folder.executor["with"]) if folder.executor else None
    _carry_out(
        folder.setup,
        folder.path,
        _wish(executor, workers, options, last),
        dry_run=dry_run,
        look=look,
        retry=retry,
        known=folder,
    )


def _carry_out(
    setup: Setup,
    out: Path,
    wanted: Wish,
    *,
    dry_run: bool,
    look: bool,
    retry: bool = False,
    known: CohortFolder | None = None,
) -> None:
    from culmann.cohort.choosing import choose
    from culmann.cohort.plan import plan
    from culmann.cohort.running import carry_out, prepare
    from culmann.pipeline import read_pipeline
    from culmann.plugins import load_catalogue

    catalogue = load_catalogue(list(setup.plugins))
    how = choose(catalogue, wanted)
    graph = read_pipeline(setup.pipeline, catalogue, setup.settings, list(setup.variants))
    rows, notes = _rows(setup, graph, known)
    folder = prepare(rows, setup, catalogue, out, how)
    with shown_cohort() as listener:
        planned = plan(rows, setup, graph.catalogue, folder.path, look=look, each=listener.checked)
        listener.checked(0, 0)
        tell_plan(folder, planned, notes, retry=retry, dry_run=dry_run)
        if dry_run:
            raise typer.Exit(2 if any(entry.todo == "refused" for entry in planned) else 0)
        try:
            carry_out(folder, planned, how, retry=retry, listener=listener)
        except KeyboardInterrupt as stopped:
            stopped.add_note(f"`culmann cohort resume {out}` goes on from here")
            raise
    raise typer.Exit(tell_summary(folder))


def _rows(setup: Setup, graph: Any, known: CohortFolder | None) -> tuple[Sequence[Row], Sequence[str]]:
    """The cases of the table as it is now; those of a cohort that a program made come from its folder."""
    from culmann.cohort.table import Row, read_table

    if setup.table is not None:
        table = read_table(setup.table, graph, setup.facts)
        return table.rows, table.notes
    assert known is not None
    return [Row(case) for case in known.cases], ()


def _section(pipeline: Path) -> Wish | None:
    from culmann.cohort.choosing import wish_in_file

    return wish_in_file(pipeline)


def _wish(said: str | None, workers: int | None, options: list[str] | None, otherwise: Wish | None) -> Wish:
    from culmann.cohort.choosing import wish_in_words

    words = [*(options or []), *([f"workers={workers}"] if workers else [])]
    return wish_in_words(said or "", words, otherwise)
