"""What a step may say while it works: progress, warnings that stay with the result, and pictures for the eye."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


class Journal(Protocol):
    """Handed to every step that has a parameter annotated `Journal`."""

    def progress(self, text: str, done: float | None = None) -> None:
        """Tell where the work stands; `done` runs from 0 to 1 where it is known."""

    def warn(self, text: str) -> None:
        """Record a caveat. It is kept with the result and reaches every strength that is computed from it."""

    def incomplete(self, text: str) -> None:
        """Record why the result is not what was asked for, as after Ctrl-C. It is a caveat like those of `warn`.

        The run goes on with such a result and writes it, but the store does not keep it, nor what is computed from it.
        """

    def attach(self, name: str, content: bytes) -> None:
        """Keep a file (a QC picture, a log) beside the result."""


@dataclass
class QuietJournal:
    """A journal that only collects: for tests, and for calling a step as a plain function."""

    warnings: list[str] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)

    def progress(self, text: str, done: float | None = None) -> None:
        """Progress is not kept."""

    def warn(self, text: str) -> None:
        """Keep it in `warnings`."""
        self.warnings.append(text)

    def incomplete(self, text: str) -> None:
        """Keep it in `warnings`."""
        self.warnings.append(text)

    def attach(self, name: str, content: bytes) -> None:
        """Keep it in `attachments`."""
        self.attachments[name] = content
