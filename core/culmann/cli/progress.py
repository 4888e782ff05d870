"""How a run is shown while it works: one live line in a terminal, plain lines in a log."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from culmann.pipeline import Listener

#: A log gets a line of progress no more often than this.
LOG_EVERY_S = 10.0
#: What spinner, time and gaps take of the live line; rich would make room by cutting the name of the step.
_TAKEN = 13


@contextmanager
def shown_progress() -> Iterator[Listener]:
    """A listener that shows the run on standard error."""
    if not sys.stderr.isatty():
        yield LogLines()
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), TextColumn("{task.fields[text]}"))
    with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as progress:
        yield LiveLine(progress)


@dataclass(slots=True)
class LogLines:
    """A line when a step begins and ends, and now and then in between."""

    last_s: float = 0.0

    def started(self, step: str, use: str) -> None:
        """The step and what is behind it."""
        self.last_s = time.monotonic()
        self._say(f"{step}: {use} starts")

    def progress(self, step: str, text: str, done: float | None) -> None:
        """What the step says, unless it spoke a moment ago."""
        if time.monotonic() - self.last_s >= LOG_EVERY_S:
            self.last_s = time.monotonic()
            self._say(f"{step}: {_with_share(text, done)}")

    def warned(self, step: str, text: str) -> None:
        """The caveat."""
        self._say(f"{step}: warning: {text}")

    def stored(self, step: str, use: str) -> None:
        """That there was nothing to do."""
        self._say(f"{step}: {use} from the store")

    def finished(self, step: str, seconds: float) -> None:
        """The time that it took."""
        self._say(f"{step}: done in {seconds:.1f} s")

    def failed(self, step: str, problem: BaseException) -> None:
        """The step that failed or was stopped; the error itself is told at the end."""
        self._say(f"{step}: {'interrupted' if isinstance(problem, KeyboardInterrupt) else 'failed'}")

    def _say(self, text: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # that nobody listens any more is no reason to stop computing
            typer.echo(text, err=True)


@dataclass(slots=True)
class LiveLine:
    """The running step with its elapsed time and what it says, below the steps that are done."""

    bar: Progress
    use: str = ""
    task: TaskID | None = None

    def started(self, step: str, use: str) -> None:
        """Put the step into the live line."""
        self.use = use
        self._clear()
        self.task = self.bar.add_task(f"{step} ({use})", total=None, text="")

    def progress(self, step: str, text: str, done: float | None) -> None:
        """Put what the step says behind its time."""
        if self.task is not None:
            told, room = _with_share(text, done), self.bar.console.width - len(f"{step} ({self.use})") - _TAKEN
            self.bar.update(self.task, text=told if len(told) <= room else told[: max(0, room - 1)] + "…")

    def warned(self, step: str, text: str) -> None:
        """Print the caveat above the live line."""
        self._print("!", f"{step}: {text}", "yellow")

    def stored(self, step: str, use: str) -> None:
        """Print that there was nothing to do."""
        self._print("=", f"{step} ({use}): from the store", "green")

    def finished(self, step: str, seconds: float) -> None:
        """Move the step from the live line to those that are done."""
        self._clear()
        self._print("✓", f"{step} ({self.use}): {seconds:.1f} s", "green")

    def failed(self, step: str, problem: BaseException) -> None:
        """Move the step from the live line to those that are done, as failed or interrupted."""
        self._clear()
        how = "interrupted" if isinstance(problem, KeyboardInterrupt) else "failed"
        self._print("✗", f"{step} ({self.use}): {how}", "red")

    def _print(self, sign: str, text: str, colour: str) -> None:
        from rich.text import Text

        self.bar.console.print(Text.assemble((sign, colour), " ", text))

    def _clear(self) -> None:
        if self.task is not None:
            self.bar.remove_task(self.task)
            self.task = None


def _with_share(text: str, done: float | None) -> str:
    return text if done is None or "%" in text else f"{text} ({100 * done:.0f} %)"
