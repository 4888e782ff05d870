"""How a training is shown while it runs: one live line in a terminal, a plain line an epoch in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from culmann_networks.checkpoint import Standing
    from culmann_networks.listener import Listener

#: A log gets a line no more often than this.
LOG_EVERY_S = 10.0


@contextmanager
def shown_training() -> Iterator[tuple[Listener, Callable[[str], None]]]:
    """A listener, and what to call with each case that is read; both show it on standard error."""
    if not sys.stderr.isatty():
        yield LogLines(), lambda case: typer.echo(f"reading {case}", err=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[text]}"),
    )
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as progress:
        line = LiveLine(progress, progress.add_task("reading the cases", total=None, text=""))
        yield line, line.reading


def told(standing: Standing) -> str:
    """Loss and validation Dice of the last epoch, and the best so far."""
    row = standing.rows[-1]
    text = f"loss {row['loss']:.4f}"
    if row["validation_dice"] is not None:
        text += f"  validation Dice {row['validation_dice']:.4f}"
    if standing.best_dice is not None:
        text += f"  best {standing.best_dice:.4f} (epoch {standing.best_epoch})"
    return text


@dataclass(slots=True)
class LogLines:
    """A line an epoch, not more often than every ten seconds."""

    epochs: int = 0
    last_s: float = 0.0

    def began(self, member: str, epochs: int, standing: Standing) -> None:
        """Where it begins."""
        self.epochs = epochs
        where = f" goes on from epoch {standing.epoch}" if standing.epoch else ""
        typer.echo(f"{member}: {epochs} epochs{where}", err=True)

    def step(self, member: str, epoch: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, member: str, standing: Standing) -> None:
        """The numbers of the epoch."""
        if time.monotonic() - self.last_s >= LOG_EVERY_S or standing.done:
            self.last_s = time.monotonic()
            typer.echo(f"{member}: epoch {standing.epoch} of {self.epochs}  {told(standing)}", err=True)

    def ended(self, member: str, standing: Standing) -> None:
        """Why it ended."""
        typer.echo(f"{member}: done after {standing.done}", err=True)


@dataclass(slots=True)
class LiveLine:
    """The epoch, the time left, the loss and the validation Dice in one line that is written over."""

    bar: Progress
    task: TaskID
    numbers: str = ""

    def reading(self, case: str) -> None:
        """Show which case is read."""
        self.bar.update(self.task, text=case)

    def began(self, member: str, epochs: int, standing: Standing) -> None:
        """A line for the network."""
        self.bar.remove_task(self.task)
        self.numbers = told(standing) if standing.rows else ""
        self.task = self.bar.add_task(member, total=epochs, completed=standing.epoch, text=self.numbers)

    def step(self, member: str, epoch: int, loss: float) -> None:  # noqa: ARG002 - the listener's
        """The loss of the batch, behind the numbers of the last epoch."""
        self.bar.update(self.task, text=self.numbers or f"loss {loss:.4f}")

    def epoch(self, member: str, standing: Standing) -> None:  # noqa: ARG002 - the listener's
        """The numbers of the epoch."""
        self.numbers = told(standing)
        self.bar.update(self.task, completed=standing.epoch, text=self.numbers)

    def ended(self, member: str, standing: Standing) -> None:
        """Print the result above the live line."""
        numbers = f": {told(standing)}" if standing.rows else ""
        self.bar.console.print(f"[green]✓[/green] {member}{numbers}; ended after {standing.done}")
