"""Studies: label maps compared, statistics of failure loads, and pipelines run over cases and variations. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.commands import Command
from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_analyses() -> Iterable[Step]:
    """The analysis that takes a place in a pipeline; those over many runs are in `culmann_study.analyses`."""
    yield Step(
        "compare-labels",
        "culmann_study.compare_labels:compare_labels",
        summary="Dice, Hausdorff and surface distances of two label maps, as a table and a picture of the distance",
        cite=("doi:10.1186/s12880-015-0068-x", "doi:10.1038/s41598-024-66934-w"),
    )


@hookimpl
def culmann_commands() -> Iterable[Command]:
    """What is asked of the results of others."""
    yield Command(
        "evaluate",
        "culmann_study.evaluate_command:evaluate",
        summary="Compare label maps with their references: Dice, Hausdorff, surface distances, volumes",
    )
