"""Reports: results as pictures."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_reporters() -> Iterable[Step]:
    """The pictures that ship."""
    yield Step(
        "figures",
        "culmann_report.figures:figures",
        summary="The curve with the failure load, and the bone coloured by plastic strain over a CT slice",
    )
