"""Executors: where the cases of a cohort are run. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_executors() -> Iterable[Step]:
    """This machine."""
    yield Step("local", "culmann_executors.local:local", summary="On this machine, so many cases at a time")
