"""Synthetic CT with labels, to train networks with. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.commands import Command
from culmann.hookspecs import hookimpl

api = 1


@hookimpl
def culmann_commands() -> Iterable[Command]:
    """What makes data sets."""
    yield Command(
        "synthesize",
        "culmann_synthesis.synthesize_command:synthesize",
        summary="Make CT scans with labels from anatomies, warped and painted at random, to train networks with",
    )
