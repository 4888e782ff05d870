"""How a cohort is shown: a live table in a terminal, plain lines in a log, and what is told before and after."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live
    from rich.table import Table

    from culmann.cohort.folder import CohortFolder
    from culmann.cohort.plan import Planned
    from culmann.cohort.record import Record
    from culmann.cohort.running import CohortListener

#: A log is told no more often than this how the checks go.
_LOG_EVERY_S = 10.0
#: A status lists all cases when there are no more of them.
_MANY = 40
_COLOURS = {"done": "green", "failed": "red", "died": "red", "refused": "yellow", "interrupted": "yellow", "running": "cyan"}
_SIGNS = {"done": "✓", "failed": "✗", "died": "✗", "refused": "!", "interrupted": "…", "running": "▸", "waiting": "·"}


@contextmanager
def shown_cohort() -> Iterator[CohortListener]:
    """A listener that shows the cohort on standard error."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    from rich.console import Console
    from rich.live import Live

    console = Console(stderr=True, highlight=False)
    shown = LiveTable(console)
    try:
        with Live(shown, console=console, refresh_per_second=2, transient=True) as live:
            shown.live = live
            yield shown
    finally:
        shown.live = None


@dataclass(slots=True)
class Lines:
    """A line for every case that is over."""

    total: int = 0
    over: int = 0
    last_s: float = field(default_factory=time.monotonic)

    def checked(self, done: int, total: int) -> None:
        """Say now and then how the checks go."""
        if time.monotonic() - self.last_s >= _LOG_EVERY_S and total:
            self.last_s = time.monotonic()
            typer.echo(f"looked at {done} of {total} files", err=True)

    def begins(self, folder: CohortFolder, planned: Sequence[Planned], running: Sequence[str]) -> None:  # noqa: ARG002
        """Remember how many there are."""
        self.total = len(running)

    def ended(self, record: Record) -> None:
        """Say what became of it."""
        self.over += 1
        typer.echo(f"[{self.over}/{self.total}] {record.case}: {_in_words(record)}", err=True)


@dataclass(slots=True)
class LiveTable:
    """A table of what failed, what runs and what was done last, as many cases as the terminal has lines for."""

    console: Console
    live: Live | None = None
    folder: CohortFolder | None = None
    running: tuple[str, ...] = ()
    records: dict[str, Record] = field(default_factory=dict)
    text: str = "looking at the files"
    began_s: float = field(default_factory=time.monotonic)

    def checked(self, done: int, total: int) -> None:
        """Show how the checks go."""
        self.text = f"looking at the files: {done} of {total}" if total else ""
        if self.live is not None and not total:
            self.live.refresh()

    def begins(self, folder: CohortFolder, planned: Sequence[Planned], running: Sequence[str]) -> None:  # noqa: ARG002
        """Show the table from now on."""
        self.folder, self.running, self.began_s = folder, tuple(running), time.monotonic()

    def ended(self, record: Record) -> None:
        """Put it into the table."""
        self.records[record.case] = record

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What is drawn twice a second."""
        from rich.text import Text

        if self.folder is None:
            yield Text(self.text)
            return
        now = [at for at in self.folder.records.now() if at.case in self.running and at.case not in self.records]
        yield self._head(len(now))
        yield self._table(now)

    def _head(self, running: int) -> Any:
        from rich.text import Text

        count = Counter(record.outcome for record in self.records.values())
        minutes, seconds = divmod(int(time.monotonic() - self.began_s), 60)
        waiting = max(0, len(self.running) - len(self.records) - running)
        parts = [f"{len(self.records)} of {len(self.running)} cases", f"{minutes}:{seconds:02d}"]
        parts += [f"{n} {outcome}" for outcome, n in count.items()] + [f"{running} running", f"{waiting} waiting"]
        return Text("  ".join(parts), style="bold")

    def _table(self, now: Sequence[Any]) -> Table:
        room = max(4, self.console.height - 5)
        bad = [record for record in self.records.values() if record.outcome != "done"][-max(2, room // 2) :]
        good = [record for record in self.records.values() if record.outcome == "done"]
        table = _grid([*self.records, *self.running[:room]])
        for record in bad:
            _add(table, record.case, record.outcome, _in_words(record, short=True))
        for at in now[: max(2, room - len(bad))]:
            _add(table, at.case, "running", f"{at.step}  {at.seconds:.0f} s")
        left = room - len(bad) - len(now)
        for record in good[-left:] if left > 0 else []:
            _add(table, record.case, record.outcome, _in_words(record, short=True))
        return table


def tell_plan(folder: CohortFolder, planned: Sequence[Planned], notes: Sequence[str], *, retry: bool, dry_run: bool) -> None:
    """Say what is wrong with which case, what will be done, and what is run again, and why."""
    for note in notes:
        typer.secho("note: ", fg="yellow", nl=False, err=True)
        typer.echo(note, err=True)
    for entry in planned:
        for problem in entry.problems:
            typer.secho(f"{entry.id}: ", fg="yellow", bold=True, nl=False, err=True)
            typer.echo(problem.render() if problem.mark.source.text else problem.message, err=True)
    why = Counter(entry.why for entry in planned if entry.todo == "run" and entry.why)
    for text, count in why.items():
        names = [entry.id for entry in planned if entry.todo == "run" and entry.why == text]
        shown = ", ".join(names[:5]) + (f" and {count - 5} more" if count > 5 else "")
        typer.echo(f"to be run again, as {text}: {shown}", err=True)
    run = sum(entry.todo == ("failed" if retry else "run") for entry in planned)
    done = sum(entry.todo == "done" for entry in planned)
    refused = sum(entry.todo == "refused" for entry in planned)
    failed = sum(entry.todo == "failed" for entry in planned)
    parts = [f"{len(planned)} case{'' if len(planned) == 1 else 's'}: {run} to run"]
    parts += [f"{done} done before"] if done else []
    parts += [f"{failed} failed before (`culmann cohort retry {folder.path}` runs them again)"] if failed and not retry else []
    parts += [f"{refused} cannot be run"] if refused else []
    typer.secho(", ".join(parts), bold=True, err=True)
    if dry_run:
        for entry in planned:
            wanted = entry.todo == ("failed" if retry else "run")
            typer.echo(f"  {entry.id}  {'to run' if wanted else 'cannot be run' if entry.todo == 'refused' else entry.todo}")


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

    console, records = Console(highlight=False, soft_wrap=True), folder.by_case()
    holder = running_in(folder.records.folder)
    now = {at.case: at for at in folder.records.now()} if holder else {}
    outcome = {
        case.id: records[case.id].outcome if case.id in records else "running" if case.id in now else "waiting"
        for case in folder.cases
    }
    table = _grid([case.id for case in folder.cases])
    for case in folder.cases:
        if not everything and len(folder.cases) > _MANY and outcome[case.id] in {"done", "waiting"}:
            continue
        if case.id in records:
            _add(table, case.id, outcome[case.id], _in_words(records[case.id], short=True))
        else:
            _add(
                table, case.id, outcome[case.id], f"{now[case.id].step}  {now[case.id].seconds:.0f} s" if case.id in now else ""
            )
    console.print(table)
    told = [f"{n} {what}" for what, n in Counter(outcome.values()).items()]
    left = sum(what in {"waiting", "interrupted"} for what in outcome.values())
    state = f"run by {holder}" if holder else "not running" if left else "over"
    typer.secho(f"{len(folder.cases)} cases: {', '.join(told)}; {state}", bold=True)
    if left and not holder:
        typer.echo(f"  go on       culmann cohort resume {folder.path}")
    if any(what in {"failed", "died"} for what in outcome.values()):
        typer.echo(f"  again       culmann cohort retry {folder.path}")


def _grid(names: Sequence[str]) -> Table:
    """A table of cases; what does not fit into the line is cut from their texts, not from their names."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=2 + min(40, max(map(len, names), default=0)))
    table.add_column(no_wrap=True, min_width=max(map(len, _SIGNS)))
    table.add_column(no_wrap=True, overflow="ellipsis")
    return table


def _add(table: Table, case: str, outcome: str, text: str) -> None:
    from rich.text import Text

    colour = _COLOURS.get(outcome, "")
    table.add_row(Text(f"{_SIGNS.get(outcome, ' ')} {case}", style=colour), Text(outcome, style=colour), Text(text))


def _in_words(record: Record, *, short: bool = False) -> str:
    """What became of a case in one line."""
    loads = [row for row in record.results if row.failure_load_n is not None]
    shown = [f"{row.variant + ' ' if row.variant else ''}{row.failure_load_n:.0f} N" for row in loads]
    parts = [", ".join(shown)] if shown else []
    parts += [" ".join(record.error.split())] if record.error else []
    parts += [f"{record.seconds:.1f} s"] if record.seconds else []
    if record.outcome == "done" and not record.steps_computed and record.results:
        parts.append("from the store")
    return "  ".join(parts) if short else f"{record.outcome}  {'  '.join(parts)}"
