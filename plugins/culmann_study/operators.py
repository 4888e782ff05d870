"""operators: how far the failure loads of one bone lie apart when several people, or programs, have segmented it."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict
from itertools import combinations

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Outcomes, Report
from culmann.drawing import png
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_study.against_control import chosen_output
from culmann_study.agreement import agreement, operators_agreement
from culmann_study.group_comparison import LOAD


class OperatorsConfig(Config):
    """Options of `operators`."""

    output: str | None = Field(None, description="The id of the failure load, where the pipeline has several.")
    leave_out: list[str] = Field(default_factory=list, description="Variations that are no operators.")


def operators(outcomes: Outcomes, config: OperatorsConfig, journal: Journal) -> Report:
    """Compare the failure loads of several segmentations of the same cases: every variation is an operator.

    The ICC and the deviations within cases take the cases that all operators have segmented; pairs take those of both.

    Raises
    ------
    InputError
        When there are fewer than two operators, or no case that two of them have.
    """
    outcomes = chosen_output(outcomes, config.output)
    names = [name for name in outcomes.variations if name not in config.leave_out]
    unknown = [name for name in config.leave_out if name not in outcomes.variations]
    if unknown:
        raise InputError(f"there is no variation {unknown[0]!r} to leave out; there is {', '.join(outcomes.variations)}")
    load = outcomes.table(LOAD, outcomes.cases, names)
    whole = np.asarray(np.isfinite(load).all(axis=1))
    if not whole.all():
        journal.warn(f"{int((~whole).sum())} of {len(whole)} cases have not a failure load of every operator")
    found = operators_agreement(load[whole])
    if found.cases < 10:
        journal.warn(f"an ICC of {found.cases} cases is rough" if found.cases > 1 else "one case has no ICC")
    told = [
        f"{found.cases} cases, {found.operators} operators: {', '.join(names)}",
        f"ICC(2,1), one operator, agreement    {found.icc_agreement:.3f}",
        f"ICC(3,1), one operator, consistency  {found.icc_consistency:.3f}",
        f"SD within a case                     {found.within_case_sd:.0f} N ({found.within_case_cv_percent:.1f} %)",
        f"repeatability (1.96 root 2 SD)       {found.repeatability:.0f} N",
        "",
    ]
    summary = {name: "" if value != value else value for name, value in asdict(found).items()}
    rows = [_pair(load, names, one, two) for one, two in combinations(range(len(names)), 2)]
    return Report(
        {
            "operators.txt": "\n".join(told).encode(),
            "operators.csv": _csv([summary]).encode(),
            "pairs.csv": _csv(rows).encode(),
            "operators.png": _picture(outcomes, names),
        }
    )


def _pair(load: np.ndarray[tuple[int, ...], np.dtype[np.float64]], names: list[str], one: int, two: int) -> dict[str, object]:
    both = np.isfinite(load[:, one]) & np.isfinite(load[:, two])
    found = asdict(agreement(load[both, one], load[both, two]))
    found["lower_limit_n"], found["upper_limit_n"] = found.pop("limits_n")
    numbers = {name: "" if value != value else value for name, value in found.items()}
    return {"operator": names[one], "other": names[two], **numbers}


def _csv(rows: list[dict[str, object]]) -> str:
    text = io.StringIO()
    table = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _picture(outcomes: Outcomes, names: list[str]) -> bytes:
    """A PNG: a column for each case, a point for each operator."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(5.0, 1.5 + 0.7 * len(outcomes.cases)), 3.8), layout="constrained")
    axes = figure.subplots()
    load_kn = outcomes.table(LOAD, outcomes.cases, names) / 1000
    for n, row in enumerate(load_kn):
        if np.isfinite(row).any():
            axes.plot([n, n], [np.nanmin(row), np.nanmax(row)], color="#8d949d", linewidth=1)
    for name, column in zip(names, load_kn.T, strict=True):
        axes.plot(range(len(column)), column, "o", markersize=6, label=name)
    axes.set_xticks(range(len(outcomes.cases)), outcomes.cases, rotation=30, ha="right")
    axes.set_ylim(bottom=0)
    axes.set_ylabel("failure load (kN)")
    axes.legend(frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return png(figure)
