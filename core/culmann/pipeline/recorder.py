"""The journal of a run: progress goes to the listener, warnings and attachments stay with the result."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from culmann.errors import PluginError
from culmann.pipeline.listener import Listener


@dataclass(slots=True)
class Recorder:
    """What one step says; a `culmann.Journal`."""

    step: str
    listener: Listener
    #: Warnings that the listener was told already.
    heard: Collection[str] = ()
    warnings: list[str] = field(default_factory=list)
    attachments: dict[str, bytes] = field(default_factory=dict)
    #: Why the result is not what was asked for; empty where it is.
    missing: str = ""

    def progress(self, text: str, done: float | None = None) -> None:
        """Pass it on."""
        self.listener.progress(self.step, text, done)

    def warn(self, text: str) -> None:
        """Keep a warning, once."""
        if text not in self.warnings:
            self.warnings.append(text)
            if text not in self.heard:
                self.listener.warned(self.step, text)

    def incomplete(self, text: str) -> None:
        """Keep a warning, and that the result must not be served to another run."""
        self.missing = self.missing or text
        self.warn(text)

    def attach(self, name: str, content: bytes) -> None:
        """Keep a file. Raises PluginError when its name is not a plain file name."""
        if PurePosixPath(name).name != name or "\\" in name or name in {"", ".", ".."}:
            raise PluginError(f"{name!r} is not a plain file name for an attachment")
        self.attachments[name] = bytes(content)
