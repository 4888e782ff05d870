"""How a cohort is shown while it runs: a live table in a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import typer

from culmann.cli.cohort_table import add_case, grid, in_words

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
        typer.echo(f"[{self.over}/{self.total}] {record.case}: {in_words(record)}", err=True)


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
        table = grid([*self.records, *self.running[:room]])
        for record in bad:
            add_case(table, record.case, record.outcome, in_words(record, short=True))
        for at in now[: max(2, room - len(bad))]:
            add_case(table, at.case, "running", f"{at.step}  {at.seconds:.0f} s")
        left = room - len(bad) - len(now)
        for record in good[-left:] if left > 0 else []:
            add_case(table, record.case, record.outcome, in_words(record, short=True))
        return table
