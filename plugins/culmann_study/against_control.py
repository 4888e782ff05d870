"""against-control: the failure loads of every variation compared with those of one, as in Table 3 and Fig. 2 of the paper."""

from __future__ import annotations

from pydantic import Field

from culmann.config import Config
from culmann.data import Outcomes, Report
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_study.box_plot import box_plot
from culmann_study.comparison_tables import agreement_csv, as_text, table_3_csv, tests_csv
from culmann_study.group_comparison import compare_groups


class AgainstControlConfig(Config):
    """Options of `against-control`."""

    control: str | None = Field(
        None, description="The variation that the others are compared with; null takes the one that the study names."
    )
    group_by: str = Field(
        "group", description="The fact of the cases by which they are grouped, each group compared by itself."
    )
    output: str | None = Field(None, description="The id of the failure load, where the pipeline has several.")


def against_control(outcomes: Outcomes, config: AgainstControlConfig, journal: Journal) -> Report:
    """Compare the failure loads of every variation with those of the control.

    Differences are told over all cases that have both; the tests (Friedman, then Dunn with both adjustments, Wilcoxon with
    Holm, Conover with Holm) take the cases that have a failure load for every variation.

    Raises
    ------
    InputError
        When there is no control, or nothing to compare it with.
    """
    control = config.control or str(outcomes.design.get("control", ""))
    if not control:
        raise InputError("which variation are the others compared with?", hint="name it: `control: manual`")
    groups = compare_groups(chosen_output(outcomes, config.output), control, config.group_by)
    for group in groups:
        left = [case for case in group.cases if case not in group.complete]
        if left:
            journal.warn(f"{group.name or 'all cases'}: {len(left)} of {len(group.cases)} cases have not every failure load")
    return Report(
        {
            "table_3.csv": table_3_csv(groups).encode(),
            "tests.csv": tests_csv(groups).encode(),
            "agreement.csv": agreement_csv(groups).encode(),
            "comparison.txt": as_text(groups).encode(),
            "failure_loads.png": box_plot(groups),
            "failure_loads.svg": box_plot(groups, "svg"),
        }
    )


def chosen_output(outcomes: Outcomes, output: str | None) -> Outcomes:
    """The rows of one failure load. Raises InputError when it is not there, or must be chosen."""
    there = outcomes.outputs
    if output is None and len(there) > 1:
        raise InputError(f"there are several failure loads: {', '.join(there)}", hint="choose one with `output`")
    if output is not None and output not in there:
        raise InputError(f"there is no failure load {output!r}; there is {', '.join(there) or 'none'}")
    return outcomes.only(output=output or (there[0] if there else None))
