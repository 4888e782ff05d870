"""Who is told how a run goes: the command line draws it, a notebook may stay silent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class Listener(Protocol):
    """Told about every input and step of a run by its id. `use` is the name of the reader or step behind it."""

    def started(self, step: str, use: str) -> None:
        """The work begins."""

    def progress(self, step: str, text: str, done: float | None) -> None:
        """Where it stands; `done` runs from 0 to 1 where it is known."""

    def warned(self, step: str, text: str) -> None:
        """A caveat that stays with the result; also told when the result comes from the store."""

    def stored(self, step: str, use: str) -> None:
        """The result was in the store already: nothing is computed."""

    def finished(self, step: str, seconds: float) -> None:
        """The result is there and stored."""

    def failed(self, step: str, problem: BaseException) -> None:
        """The work ended in an error, which is then raised. KeyboardInterrupt counts."""


class Silent:
    """A listener that does nothing."""

    def started(self, step: str, use: str) -> None:
        """Nothing."""

    def progress(self, step: str, text: str, done: float | None) -> None:
        """Nothing."""

    def warned(self, step: str, text: str) -> None:
        """Nothing."""

    def stored(self, step: str, use: str) -> None:
        """Nothing."""

    def finished(self, step: str, seconds: float) -> None:
        """Nothing."""

    def failed(self, step: str, problem: BaseException) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class Prefixed:
    """A listener that passes everything on, with something put in front of the ids."""

    listener: Listener
    prefix: str

    def started(self, step: str, use: str) -> None:
        """Pass it on."""
        self.listener.started(self.prefix + step, use)

    def progress(self, step: str, text: str, done: float | None) -> None:
        """Pass it on."""
        self.listener.progress(self.prefix + step, text, done)

    def warned(self, step: str, text: str) -> None:
        """Pass it on."""
        self.listener.warned(self.prefix + step, text)

    def stored(self, step: str, use: str) -> None:
        """Pass it on."""
        self.listener.stored(self.prefix + step, use)

    def finished(self, step: str, seconds: float) -> None:
        """Pass it on."""
        self.listener.finished(self.prefix + step, seconds)

    def failed(self, step: str, problem: BaseException) -> None:
        """Pass it on."""
        self.listener.failed(self.prefix + step, problem)
