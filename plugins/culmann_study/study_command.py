"""`culmann study`: a study file run, or looked over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from culmann.errors import InputError
from culmann.home import from_home

if TYPE_CHECKING:
    from culmann.cohort import CohortFolder, Record
    from culmann.cohort.plan import Planned
    from culmann_study.study_file import Study
    from culmann_study.study_folder import Studied


def study(
    study: Annotated[str, typer.Argument(metavar="STUDY", help="A study file, or the name of one that ships.")],
    out: Annotated[Path | None, typer.Option(help="The folder for everything; default studies/<name of the study>.")] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE.yaml",
            help="Where the runs run, as of `culmann cohort`; default the section `executor` of the study file, else local.",
        ),
    ] = None,
    executor_option: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="An option of the executor, as in YAML. May be repeated.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="How many runs at a time; the same as --executor-option workers=N.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="STEP.OPTION=VALUE", help="Change an option in every run. May be repeated."),
    ] = None,
    store: Annotated[
        Path | None, typer.Option(help="Where results of steps are kept; default $CULMANN_STORE, else .culmann here.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List the runs and what is wrong with them; compute nothing.")
    ] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Run those that failed once more.")] = False,
    reports: Annotated[bool, typer.Option("--reports", help="Write the page of every run as well.")] = False,
    plugin: Annotated[
        list[Path] | None,
        typer.Option("--plugin", metavar="FILE.py", help="A one-file plugin to use as well; may be repeated."),
    ] = None,
) -> None:
    """Run a study: every case under every variation, the failure loads compared."""
    from culmann.cohort.choosing import choose, wish_in_file, wish_in_words
    from culmann.plugins import load_catalogue
    from culmann.shipped import find_study
    from culmann_study.study_file import read_study
    from culmann_study.study_run import planned, run_study

    catalogue = load_catalogue(plugin or [])
    file = find_study(study)
    found = read_study(file, catalogue, settings or [])
    words = [*(executor_option or []), *([f"workers={workers}"] if workers else [])]
    wanted = wish_in_words(executor or "", words, wish_in_file(file))
    choose(catalogue, wanted)  # before anything is written
    place = from_home(out or Path("studies") / found.name).resolve()
    if dry_run:
        _list(found, [entry for _, entry in planned(found, catalogue, place, store, plugin or [])])
        return
    listener = Told()
    try:
        done = run_study(
            found,
            out=place,
            store=store,
            plugins=plugin or [],
            executor=wanted.name,
            options=wanted.options.plain(),
            retry=retry,
            reports=reports,
            listener=listener,
        )
    except KeyboardInterrupt as stopped:
        stopped.add_note("runs that were finished are kept: the same command goes on from there")
        raise
    _tell(done)


class Told:
    """Says a line for each run that is over."""

    def __init__(self) -> None:
        self.total = self.over = 0

    def checked(self, done: int, total: int) -> None:
        """Nothing."""

    def begins(self, folder: CohortFolder, planned: object, running: object) -> None:
        """How many there are."""
        from collections.abc import Sized

        assert isinstance(running, Sized)
        assert isinstance(planned, Sized)
        self.total, self.over = len(running), 0
        typer.echo(f"{folder.about.get('pipeline', '')}: {len(planned)} runs, {len(running)} to do", err=True)

    def ended(self, record: Record) -> None:
        """What became of it."""
        self.over += 1
        loads = ", ".join(
            f"{f'{result.variant} ' if result.variant else ''}{result.failure_load_n:.0f} N"
            for result in record.results
            if result.failure_load_n is not None
        )
        text = loads or f"{record.outcome}: {' '.join(record.error.split())[:160]}"
        typer.echo(f"  {self.over}/{self.total}  {record.case}  {text}  ({record.seconds:.0f} s)", err=True)


def _list(study: Study, entries: list[Planned]) -> None:
    told = set[str]()
    for entry in entries:
        what = {"run": "to run", "done": "done", "failed": "failed before", "refused": "refused"}[entry.todo]
        typer.secho(f"{entry.id:<40}  {what}", fg="red" if entry.todo == "refused" else None, nl=False)
        typer.echo(f"  {entry.why}" if entry.why else "")
        for text in [problem.render() for problem in entry.problems]:
            if text not in told:  # the variations of a case share most of what is wrong with it
                told.add(text)
                typer.echo("  " + text.replace("\n", "\n  "))
    count = {what: sum(entry.todo == what for entry in entries) for what in ("run", "done", "failed", "refused")}
    typer.echo(
        f"\n{study.name}: {len(entries)} runs; {count['run']} to run, {count['done']} done, {count['failed']} failed, "
        f"{count['refused']} refused"
    )
    if count["refused"]:
        raise typer.Exit(2)


def _tell(done: Studied) -> None:
    for answered in done.answers:
        typer.secho(f"\n{answered.asked.name}", bold=True)
        for text in answered.warnings:
            typer.secho(f"  caution  {text}", fg="yellow")
        if answered.report is None:
            typer.secho(f"  no answer: {answered.problem}", fg="red")
            continue
        for name, content in answered.report.files.items():
            if name.endswith(".txt"):
                typer.echo(content.decode())
    for name, why in done.problems.items():
        typer.secho(f"{name}: {' '.join(why.split())}", fg="red", err=True)
    typer.echo(f"Results in {done.out}: study.html, outcomes.csv")
    if all(answered.report is None for answered in done.answers):
        raise InputError("no analysis of the study has an answer", hint="the outcomes are in outcomes.csv")
    if done.problems or any(answered.report is None for answered in done.answers):
        raise typer.Exit(3)
