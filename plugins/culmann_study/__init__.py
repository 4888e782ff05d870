"""Studies: label maps compared, statistics of failure loads, and pipelines run over cases and variations. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.commands import Command
from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_readers() -> Iterable[Step]:
    """Failure loads that were computed elsewhere."""
    yield Step(
        "read-outcomes",
        "culmann_study.outcomes_file:read_outcomes",
        summary="A CSV table of failure loads: case, variation, failure_load_n, and what else is known",
        suffixes=(".csv",),
    )


@hookimpl
def culmann_analyses() -> Iterable[Step]:
    """Questions asked of label maps, and of the failure loads of many runs."""
    yield Step(
        "compare-labels",
        "culmann_study.compare_labels:compare_labels",
        summary="Dice, Hausdorff and surface distances of two label maps, as a table and a picture of the distance",
        cite=("doi:10.1186/s12880-015-0068-x", "doi:10.1038/s41598-024-66934-w"),
    )
    yield Step(
        "against-control",
        "culmann_study.against_control:against_control",
        summary="Failure loads of every variation against those of one: Table 3, Fig. 2 and the tests of the paper, and others",
        cite=("doi:10.1038/s41598-024-66934-w", "doi:10.1080/00401706.1964.10490181"),
    )
    yield Step(
        "sensitivity",
        "culmann_study.sensitivity:sensitivity",
        summary="How much each factor moves the failure load: one at a time, Morris' mu* and sigma, or Sobol's indices",
        cite=("doi:10.1080/00401706.1991.10484804", "doi:10.1016/j.cpc.2009.09.018", "doi:10.21105/joss.00097"),
    )
    yield Step(
        "uncertainty",
        "culmann_study.uncertainty:uncertainty",
        summary="What the errors of the inputs leave open of each failure load, as an interval",
    )
    yield Step(
        "operators",
        "culmann_study.operators:operators",
        summary="How far failure loads lie apart when several people segmented the same bones: ICC, SD, limits of agreement",
        cite=("doi:10.1037/0033-2909.86.2.420", "doi:10.1016/S0140-6736(86)90837-8"),
    )


@hookimpl
def culmann_commands() -> Iterable[Command]:
    """What is asked of the results of others."""
    yield Command(
        "evaluate",
        "culmann_study.evaluate_command:evaluate",
        summary="Compare label maps with their references: Dice, Hausdorff, surface distances, volumes",
    )
    yield Command(
        "study",
        "culmann_study.study_command:study",
        summary="Run a pipeline on many cases with many variations, and compare the failure loads",
    )
    yield Command(
        "study-schema",
        "culmann_study.schema_command:write_schema",
        summary="Write a JSON Schema of study files, for editors that check files",
    )
