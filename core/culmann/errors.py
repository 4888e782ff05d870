"""The errors that culmann raises on purpose: each says what is wrong, where, and what to do next."""

from __future__ import annotations


class CulmannError(Exception):
    """A problem told in words that its reader can act on.

    `hint` says what to do next; `exit_code` is what the command line ends with.
    """

    exit_code = 2

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  hint: {self.hint}" if self.hint else self.message


class InputError(CulmannError):
    """Data given by the user cannot be used: a file, an image, a label, a density."""


class PipelineError(CulmannError):
    """A pipeline file is wrong: its syntax, a name, an option, a connection."""


class PluginError(CulmannError):
    """A plugin cannot be loaded or used, or breaks the contract."""


class SolverError(CulmannError):
    """The mechanics have no answer: a mechanism, no stiffness, no convergence."""

    exit_code = 3


class EngineError(CulmannError):
    """A program that a step hands its work to is not here, cannot be started, or has no licence."""
