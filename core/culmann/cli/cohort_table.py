"""What is told of a cohort before and after it runs: its plan, its summary, its status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from culmann.cohort.folder import CohortFolder
    from culmann.cohort.plan import Planned
    from culmann.cohort.record import Record

#: A status lists all cases when there are no more of them.
_MANY = 40
_COLOURS = {"done": "green", "failed": "red", "died": "red", "refused": "yellow", "interrupted": "yellow", "running": "cyan"}
_SIGNS = {"done": "✓", "failed": "✗", "died": "✗", "refused": "!", "interrupted": "…", "running": "▸", "waiting": "·"}


def tell_plan(folder: CohortFolder, planned: Sequence[Planned], notes: Sequence[str], *, retry: bool, dry_run: bool) -> None:
    """Say what is wrong with which case, what will be done, and what is run again, and why."""
    tell_refused(planned, notes)
    wanted = [entry for entry in planned if entry.wanted(retry=retry)]
    for text, count in Counter(entry.why for entry in wanted if entry.why).items():
        names = [entry.id for entry in wanted if entry.why == text]
        shown = ", ".join(names[:5]) + (f" and {count - 5} more" if count > 5 else "")
        typer.echo(f"to be run again, as {text}: {shown}", err=True)
    done = sum(entry.todo == "done" for entry in planned)
    refused = sum(entry.todo == "refused" for entry in planned)
    failed = sum(entry.todo == "failed" for entry in planned)
    left = sum(entry.todo == "run" and entry not in wanted for entry in planned)
    parts = [f"{len(planned)} case{'' if len(planned) == 1 else 's'}: {len(wanted)} to run"]
    parts += [f"{done} done before"] if done else []
    parts += [f"{failed} failed before (`culmann cohort retry {folder.path}` runs them again)"] if failed and not retry else []
    parts += [f"{left} waiting or out of date (`culmann cohort resume {folder.path}` runs them)"] if left else []
    parts += [f"{refused} cannot be run"] if refused else []
    typer.secho(", ".join(parts), bold=True, err=True)
    if dry_run:
        for entry in planned:
            told = {"refused": "cannot be run", "run": "waiting or out of date"}.get(entry.todo, entry.todo)
            typer.echo(f"  {entry.id}  {'to run' if entry in wanted else told}")


def tell_refused(planned: Sequence[Planned], notes: Sequence[str]) -> None:
    """Say what the reader of the table should know, and what is wrong with which case."""
    for note in notes:
        typer.secho("note: ", fg="yellow", nl=False, err=True)
        typer.echo(note, err=True)
    for entry in planned:
        for problem in entry.problems:
            typer.secho(f"{entry.id}: ", fg="yellow", bold=True, nl=False, err=True)
            typer.echo(problem.render() if problem.mark.source.text else problem.message, err=True)


def tell_summary(folder: CohortFolder) -> int:
    """Say what became of all cases, and where the results are; gives back the exit status of the program."""
    records = folder.by_case()
    count = Counter(record.outcome for record in records.values())
    waiting = len(folder.cases) - len(records)
    for record in records.values():
        if record.outcome in {"failed", "died"}:
            typer.secho(f"{record.case} {record.outcome}: ", fg="red", bold=True, nl=False, err=True)
            typer.echo(" ".join(record.error.split()), err=True)
            if record.log:
                typer.echo(f"  what it printed: {folder.path / record.log}", err=True)
    told = [f"{n} {outcome}" for outcome, n in count.items()] + ([f"{waiting} waiting"] if waiting else [])
    typer.secho(f"\n{len(folder.cases)} cases: {', '.join(told)}", bold=True)
    for name in ("cohort.html", "results.csv"):
        if (folder.path / name).is_file():
            typer.echo(f"  to look at  {folder.path / name}")
    if count["failed"] or count["died"]:
        typer.echo(f"  again       culmann cohort retry {folder.path}")
        return 3
    return 2 if count["refused"] else 0


def tell_status(folder: CohortFolder, *, everything: bool) -> None:
    """Say what became of every case."""
    from rich.console import Console

    from culmann.cohort.folder import running_in

    console, records = Console(highlight=False), folder.by_case()
    holder = running_in(folder.records.folder)
    now = {at.case: at for at in folder.records.now()} if holder else {}
    outcome = {
        case.id: records[case.id].outcome if case.id in records else "running" if case.id in now else "waiting"
        for case in folder.cases
    }
    width = max((len(case.id) for case in folder.cases), default=0)
    table = grid([case.id for case in folder.cases])
    for case in folder.cases:
        if not everything and len(folder.cases) > _MANY and outcome[case.id] in {"done", "waiting"}:
            continue
        at = now.get(case.id)
        text = in_words(records[case.id], short=True) if case.id in records else f"{at.step}  {at.seconds:.0f} s" if at else ""
        if console.is_terminal:
            add_case(table, case.id, outcome[case.id], text)
        else:
            typer.echo(f"{case.id:<{width}}  {outcome[case.id]:<11}  {text}".rstrip())
    if console.is_terminal:
        console.print(table)
    told = [f"{n} {what}" for what, n in Counter(outcome.values()).items()]
    left = sum(what in {"waiting", "interrupted"} for what in outcome.values())
    state = f"run by {holder}" if holder else "not running" if left else "over"
    typer.secho(f"{len(folder.cases)} cases: {', '.join(told)}; {state}", bold=True)
    if left and not holder:
        typer.echo(f"  go on       culmann cohort resume {folder.path}")
    if any(what in {"failed", "died"} for what in outcome.values()):
        typer.echo(f"  again       culmann cohort retry {folder.path}")


def grid(names: Sequence[str]) -> Table:
    """A table of cases; what does not fit into the line is cut from their texts, not from their names."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2), expand=True)
    table.add_column(no_wrap=True, min_width=2 + min(40, max(map(len, names), default=0)))
    table.add_column(no_wrap=True, min_width=max(map(len, _SIGNS)))
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    return table


def add_case(table: Table, case: str, outcome: str, text: str) -> None:
    """A row of such a table."""
    from rich.text import Text

    colour = _COLOURS.get(outcome, "")
    table.add_row(Text(f"{_SIGNS.get(outcome, ' ')} {case}", style=colour), Text(outcome, style=colour), Text(text))


def in_words(record: Record, *, short: bool = False) -> str:
    """What became of a case in one line."""
    loads = [row for row in record.results if row.failure_load_n is not None]
    shown = [f"{row.variant + ' ' if row.variant else ''}{row.failure_load_n:.0f} N" for row in loads]
    parts = [", ".join(shown)] if shown else []
    parts += [" ".join(record.error.split())] if record.error else []
    parts += [f"{record.seconds:.1f} s"] if record.seconds else []
    if record.outcome == "done" and not record.steps_computed and record.results:
        parts.append("from the store")
    return "  ".join(parts) if short else f"{record.outcome}  {'  '.join(parts)}"
