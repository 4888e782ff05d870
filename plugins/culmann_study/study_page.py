"""The page of a study: what was run, what it says, and every table and picture in one file."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from culmann.pages import picture_uri, render, rounded
from culmann_study.comparison_tables import table_3
from culmann_study.group_comparison import LOAD, Group, compare_groups

if TYPE_CHECKING:
    from culmann_study.study_folder import Answer, Studied

#: Tables with more columns or rows than that are folded away at first.
_WIDE, _LONG = 9, 14


@dataclass(frozen=True, slots=True)
class Shown:
    """A file of an answer, as the page shows it: a picture, a table or a text."""

    name: str
    picture: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[tuple[str, str]]] = ()
    text: str = ""

    @property
    def large(self) -> bool:
        """Whether it is folded away at first."""
        return len(self.head) > _WIDE or len(self.rows) > _LONG


def study_page(studied: Studied) -> bytes:
    """The page as a file."""
    study, outcomes = studied.study, studied.outcomes
    rows = [
        (
            row.case,
            row.facts.get("group", ""),
            row.variation,
            row.numbers.get(LOAD),
            row.numbers.get("dice"),
            row.outcome,
            row.problem,
        )
        for row in outcomes.rows
    ]
    return render(
        "culmann_study",
        "study.html",
        name=study.name,
        about=study.about,
        cases=outcomes.cases,
        variations=[variation.name for variation in study.design.variations],
        control=study.control,
        design=study.design.facts.get("use", ""),
        pipelines=[(cohort.graph.name, cohort.graph.about, len(cohort.table.rows)) for cohort in study.cohorts],
        settings=study.settings,
        answers=[_answer(answered) for answered in studied.answers],
        table=_table(studied),
        runs=rows,
        has_dice=any(row[4] is not None for row in rows),
        problems=studied.problems,
        done=sum(row[3] is not None for row in rows),
        source=study.source.text,
    )


def _table(studied: Studied) -> tuple[Sequence[str], list[list[str]]] | None:
    """Table 3, where an answer has it."""
    for answered in studied.answers:
        if answered.report is not None and answered.asked.offer.step.name == "against-control":
            config = answered.asked.config
            control = getattr(config, "control", None) or studied.study.control
            outcomes = studied.outcomes.only(output=getattr(config, "output", None) or studied.outcomes.outputs[0])
            groups: list[Group] = compare_groups(outcomes, control, getattr(config, "group_by", "group"))
            variants = groups[0].variants
            return variants, table_3(groups)
    return None


def _answer(answered: Answer) -> dict[str, object]:
    files = {} if answered.report is None else dict(answered.report.files)
    pictures = [Shown(name, picture=picture_uri(content)) for name, content in files.items() if name.endswith(".png")]
    tables = [_csv(name, content.decode()) for name, content in files.items() if name.endswith(".csv")]
    texts = [Shown(name, text=content.decode()) for name, content in files.items() if name.endswith(".txt")]
    return {
        "name": answered.asked.name,
        "summary": answered.asked.offer.step.summary,
        "cite": answered.asked.offer.step.cite,
        "problem": answered.problem,
        "warnings": answered.warnings,
        "pictures": pictures,
        "tables": [table for table in tables if table.rows and table.name != "table_3.csv"],
        "texts": texts,
    }


def _csv(name: str, text: str) -> Shown:
    head, *rows = list(csv.reader(io.StringIO(text))) or [[]]
    return Shown(name, head=head, rows=[[_cell(cell) for cell in row] for row in rows])


def _cell(text: str) -> tuple[str, str]:
    """What is shown, and `n` for a number."""
    try:
        return rounded(float(text)), "n"
    except ValueError:
        return text, ""
