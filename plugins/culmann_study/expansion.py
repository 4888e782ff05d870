"""A study expanded into runs: every case under every variation, each a case of a cohort with a run folder of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from culmann.cohort import Case
from culmann.cohort.table import Row
from culmann.home import from_home
from culmann.pipeline import Graph
from culmann_study.study_file import Study, StudyCohort
from culmann_study.variations import Variation


@dataclass(frozen=True, slots=True)
class StudyRun:
    """One case under one variation.

    Parameters
    ----------
    case, variation
        Their names in the study.
    facts
        Of the case.
    row
        The case of the cohort, with what is wrong with it.
    """

    case: str
    variation: Variation
    facts: Mapping[str, str]
    row: Row


def expand(study: Study, cohort: StudyCohort, graph: Graph) -> list[StudyRun]:
    """The runs of one cohort of a study, case by case: what the variations of one share is there when the next one wants it."""
    found = []
    for row in cohort.table.rows:
        facts = {**({"group": cohort.group} if cohort.group else {}), **_plain(row.case.facts, study)}
        for variation in study.design.variations:
            inputs, problems = dict(row.case.inputs), list(row.problems)
            for name, column in variation.columns.items():
                text = row.case.facts.get(column, "")
                if column in row.case.inputs:
                    inputs[name] = row.case.inputs[column]
                elif text:
                    inputs[name] = (cohort.table.path.parent / from_home(text)).resolve()
                else:
                    told = f"variation {variation.name!r} takes the input {name!r} from the column {column!r}, which is empty"
                    problems.append(row.problem(column, told))
            # A column of the table that is a fact here may be an input of the pipeline that no variation sets.
            case = Case(f"{row.case.id}+{variation.folder}", inputs, (*row.case.settings, *variation.settings()), facts)
            case = Case(case.id, case.inputs, case.settings, case.facts, row.case.variants)
            found.append(StudyRun(row.case.id, variation, facts, Row(case, row.marks, tuple(problems))))
    missing = [name for name, entry in graph.inputs.items() if entry.path is None]
    return [_without_input(run, missing) for run in found]


def _without_input(run: StudyRun, needed: Sequence[str]) -> StudyRun:
    """A run with a problem for each input that it has no file for."""
    absent = [name for name in needed if name not in run.row.case.inputs and not run.row.problems]
    problems = [run.row.problem("", f"no file for the input {name!r} (variation {run.variation.name!r})") for name in absent]
    row = Row(run.row.case, run.row.marks, (*run.row.problems, *problems))
    return StudyRun(run.case, run.variation, run.facts, row)


def _plain(facts: Mapping[str, str], study: Study) -> dict[str, str]:
    """Facts without the columns that hold files."""
    files = {column for variation in study.design.variations for column in variation.columns.values()}
    return {name: text for name, text in facts.items() if name not in files and text}
