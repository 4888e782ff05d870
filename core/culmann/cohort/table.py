"""A table of cases (CSV): which column is a file, a setting or a fact, and what is wrong in which row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from culmann.cohort.case import Case, wrong_id
from culmann.cohort.results import OWN_COLUMNS
from culmann.csv_tables import Row as CellRow
from culmann.csv_tables import Table as Sheet
from culmann.csv_tables import read_table as read_sheet
from culmann.errors import InputError
from culmann.home import from_home
from culmann.pipeline.graph import Graph
from culmann.pipeline.problems import Mark, Problem, Problems, Source, did_you_mean

#: Columns that are carried along without being declared.
FACTS = ("patient", "side", "group", "sex", "age")
#: Inputs that a dataset of culmann may name and a pipeline need not have: carried along, and said.
_DATASET_INPUTS = ("scan", "labels")


@dataclass(frozen=True, slots=True)
class Row:
    """A case, and the marks of its cells: `marks["scan"]` is where its scan is named, `marks[""]` the row."""

    case: Case
    marks: Mapping[str, Mark] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def problem(self, column: str, message: str, hint: str = "") -> Problem:
        """Something that is wrong with a cell, with the row, or with a case that a program made."""
        nowhere = Mark(Source(f"case {self.case.id!r}", "", Path(), one_line=True), 1, 1)
        return Problem(self.marks.get(column) or self.marks.get("") or nowhere, message, hint)


@dataclass(frozen=True, slots=True)
class Table:
    """A table that was read.

    Parameters
    ----------
    path
        The CSV file.
    rows
        Every row, those with problems as well.
    facts
        Its columns that are carried along.
    notes
        What the reader of the table should know, in sentences.
    """

    path: Path
    rows: tuple[Row, ...]
    facts: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_table(path: Path, graph: Graph, facts: Collection[str] = ()) -> Table:
    """Read a table of cases for a pipeline.

    Parameters
    ----------
    path
        A CSV file, or the folder of a dataset, whose `cases.csv` is taken.
    graph
        The pipeline: a column with the name of one of its inputs holds files, relative to the table, and a column
        `step.option` holds settings (an empty cell leaves the option alone). The column `variant` names the variants to run.
    facts
        Further columns that are carried along; `FACTS` are without being named.

    Raises
    ------
    InputError
        When it cannot be read, has no column `case` or no rows, or has a column that is none of the above: nobody knows then
        what was meant for any case. What is wrong with one row is told in that row.
    """
    path = from_home(path).resolve()
    if path.is_dir():
        path /= "cases.csv"
        if not path.is_file():
            raise InputError(f"{path.parent} is a folder without a table cases.csv", hint="give the table (CSV) itself")
    problems = Problems()
    sheet = read_sheet(path, problems)
    top = min((mark.line for mark in sheet.header.values()), default=1)
    wrong = [problem for problem in problems.found if problem.mark.line <= top]
    notes, carried, more = _check_header(sheet, graph, [*FACTS, *facts])
    if wrong or more:
        raise InputError("\n".join(problem.render() for problem in [*wrong, *more]))
    broken = [_broken_row(problem) for problem in problems.found if problem.mark.line > top]
    rows = sorted([*_without_twins([_row(cells, carried, graph, sheet) for cells in sheet.rows]), *broken], key=_line)
    if not rows:
        raise InputError(f"the table {path} has no cases below its header")
    return Table(Path(sheet.source.name), tuple(rows), tuple(carried), tuple(notes))


def _check_header(sheet: Sheet, graph: Graph, facts: Sequence[str]) -> tuple[list[str], list[str], list[Problem]]:
    """Notes, the columns that are carried along, and every column that is wrong."""
    wrong, notes, carried = list[Problem](), list[str](), list[str]()
    top = next(iter(sheet.header.values()), Mark(sheet.source, 1, 1))
    for name, mark in sheet.header.items():
        if name in OWN_COLUMNS and name not in {"case", "variant"}:
            wrong.append(Problem(mark, f"the column {name!r} has the name of a column of the results", "rename it"))
        elif name == "variant" and not graph.variants:
            wrong.append(Problem(mark, "the pipeline has no variants", "rename the column, or leave it out"))
        elif name in {"case", "variant"} or name in graph.inputs:
            continue
        elif name in facts:
            carried.append(name)
        elif name in _DATASET_INPUTS:
            carried.append(name)
            notes.append(f"the pipeline has no input {name!r}: the column is carried along and not used")
        elif name and (problem := _wrong_setting(name, graph, facts)):
            files = ", ".join(graph.inputs)
            carry = "" if "." in name else f"a fact is carried along with --facts {name}; "
            hint = f"{carry}files are {files or 'none'}; a setting is step.option"
            wrong.append(Problem(mark, problem, hint))
    for name in facts[len(FACTS) :]:
        if name not in sheet.header:
            wrong.append(Problem(top, f"there is no column {name!r} to carry along"))
    if "case" not in sheet.header and sheet.header:
        wrong.append(Problem(top, "there is no column 'case'", "every case needs a name of its own: `case,scan,labels`"))
    if any(name in sheet.header for name in graph.inputs):
        notes += [
            f"every case takes {entry.id!r} from {entry.path}, as the pipeline file says"
            for entry in graph.inputs.values()
            if entry.id not in sheet.header and entry.path is not None
        ]
    return notes, carried, wrong


def _broken_row(problem: Problem) -> Row:
    return Row(Case(f"line {problem.mark.line}"), {"": problem.mark}, (problem,))


def _line(row: Row) -> int:
    return row.marks[""].line


def _wrong_setting(name: str, graph: Graph, facts: Sequence[str]) -> str:
    """Why a column is no setting; empty when it is one, as far as its step and option go."""
    owner, *option = name.split(".")
    if not option:
        known = [*graph.inputs, *facts, "case", "variant", *_options(graph)]
        return f"unknown column {name!r}{did_you_mean(name, known)}"
    if owner not in graph.steps and owner not in graph.inputs:
        return f"column {name!r}: there is no step or input {owner!r}{did_you_mean(owner, [*graph.inputs, *graph.steps])}"
    if owner in graph.inputs:
        return ""  # its reader is known when its file is
    config = graph.steps[owner].config
    if config is None:
        return f"column {name!r}: step {owner!r} takes no options"
    options = type(config).model_fields
    if option[0] in options:
        return ""
    return f"column {name!r}: step {owner!r} has no option {option[0]!r}{did_you_mean(option[0], options)}"


def _options(graph: Graph) -> list[str]:
    return [f"{s.id}.{option}" for s in graph.steps.values() if s.config is not None for option in type(s.config).model_fields]


def _row(cells: CellRow, carried: Sequence[str], graph: Graph, sheet: Sheet) -> Row:
    values = {name: cell.text for name, cell in cells.items()}
    marks = {name: cell.mark for name, cell in cells.items()}
    marks[""] = next(iter(marks.values()))
    problems, name = list[Problem](), values["case"]
    complaint = wrong_id(name)
    if complaint:
        problems.append(Problem(marks["case"], complaint))
        name = f"line {marks[''].line}"
    inputs = dict[str, Path]()
    for column in [column for column in values if column in graph.inputs]:
        if values[column]:
            inputs[column] = sheet.source.folder / from_home(values[column])
        else:
            problems.append(Problem(marks[column], f"the file of {column!r} is not named"))
    settings = [column for column in values if "." in column and column not in carried and values[column]]
    wanted = values.get("variant", "").replace(";", " ").split() if "variant" in values else []
    for variant in wanted:
        if variant not in graph.variants:
            problems.append(
                Problem(marks["variant"], f"there is no variant {variant!r}{did_you_mean(variant, graph.variants)}")
            )
    case = Case(
        name,
        inputs,
        tuple(f"{column}={values[column]}" for column in settings),
        {column: values[column] for column in carried},
        tuple(wanted),
    )
    return Row(case, marks, tuple(problems))


def _without_twins(rows: Sequence[Row]) -> list[Row]:
    """One row for each id: where several have it, nobody knows which was meant, and none is run."""
    count = Counter(row.case.id.lower() for row in rows)
    found = dict[str, Row]()
    for row in rows:
        key = row.case.id.lower()  # folders of the same name in other letters are one folder on some systems
        if count[key] == 1:
            found[key] = row
            continue
        first = found.get(key)
        place = row.problem("case", f"the case {row.case.id!r} is there {count[key]} times")
        found[key] = Row((first or row).case, (first or row).marks, (*(first.problems if first else ()), *row.problems, place))
    return list(found.values())
