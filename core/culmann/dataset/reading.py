"""A dataset from its folder: the description and the table checked together, every mistake with its line and column."""

from __future__ import annotations

import re
from pathlib import Path

from culmann.csv_tables import Cell, Row, Table, read_table
from culmann.dataset.model import COLUMNS, DESCRIPTION, TABLE, Dataset, DatasetCase
from culmann.errors import InputError, PipelineError
from culmann.home import from_home
from culmann.pipeline.problems import Mark, Problems, Source, did_you_mean
from culmann.pipeline.source import MAX_BYTES, Node, parse

_KEYS = ("name", "about", "labels", "modality", "licence")
#: What may name a case: it becomes the name of a file.
CASE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_SIDES = ("", "left", "right")


def read_dataset(folder: Path) -> Dataset:
    """Read what stands in `dataset.yaml` and `cases.csv` of a folder. No image is opened: `check_dataset` does that.

    Raises
    ------
    InputError
        When one of the files is missing, and for all mistakes in them at once, each with line and column: a key or column that
        is missing, unknown or doubled, a label number that is no number from 1 up, a case twice, files that do not exist.
    """
    folder = from_home(folder).resolve()
    if not folder.is_dir():
        raise InputError(f"there is no folder {folder}", hint=f"a dataset is a folder with {DESCRIPTION} and {TABLE}")
    for name in (DESCRIPTION, TABLE):
        if not (folder / name).is_file():
            raise InputError(
                f"{folder} is no dataset: there is no {name} in it",
                hint="`culmann dataset import` makes one from other layouts",
            )
    problems = Problems()
    description = _description(folder / DESCRIPTION, problems)
    table = read_table(folder / TABLE, problems, needed=COLUMNS)
    cases = _cases(table, folder, problems)
    told(problems)
    return Dataset(
        folder,
        str(description["name"].value),
        _labels(description["labels"], problems),
        cases,
        *(str(description[key].value or "") if key in description else default for key, default in _DEFAULTS),
    )


_DEFAULTS = (("about", ""), ("modality", "CT"), ("licence", ""))


def told(problems: Problems) -> None:
    """Raise one InputError that tells all problems, if there are any."""
    try:
        problems.stop_if_any()
    except PipelineError as error:
        raise InputError(error.message) from None


def _description(path: Path, problems: Problems) -> dict[str, Node]:
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} is longer than {MAX_BYTES // 1_000_000} MB")
    try:
        source = Source(str(path), path.read_text(encoding="utf-8"), path.parent)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}") from error
    node = parse(source, problems)
    if node is None:
        return {}
    if not isinstance(node.value, dict):
        problems.add(node.mark, f"a mapping with {', '.join(_KEYS)} is wanted, and this is {node.kind}")
        return {}
    for key, mark in node.keys.items():
        if key not in _KEYS:
            problems.add(mark, f"there is no key {key!r} in the description of a dataset{did_you_mean(key, _KEYS)}")
        elif key != "labels" and not isinstance(node.items[key].value, str | None):
            problems.add(node.items[key].mark, f"`{key}` is a text, and this is {node.items[key].kind}", "put it in quotes")
    for key in ("name", "labels"):
        if node.items.get(key) is None or node.items[key].value is None:
            problems.add(node.mark, f"`{key}` is missing")
    if "labels" in node.items:
        _labels(node.items["labels"], problems)
    return node.items


def _labels(node: Node, problems: Problems) -> dict[str, int]:
    """{name: number} in ascending order of the numbers."""
    if not isinstance(node.value, dict) or not node.value:
        problems.add(node.mark, "`labels` says which number stands for what", "as in `labels: {L2: 21, L3: 22}`")
        return {}
    found = dict[str, int]()
    for name, entry in node.items.items():
        number = entry.value
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            problems.add(entry.mark, f"the label {name!r} needs a whole number from 1 up, and this is {entry.kind}")
        elif number in found.values():
            problems.add(entry.mark, f"the number {number} stands for two labels")
        else:
            found[name] = number
    return dict(sorted(found.items(), key=lambda pair: pair[1]))


def _cases(table: Table, folder: Path, problems: Problems) -> tuple[DatasetCase, ...]:
    if not table.rows and table.header:
        problems.add(Mark(table.source, 1, 1), "there is no case in it, only a header")
    first = dict[str, int]()
    cases = list[DatasetCase]()
    for row in table.rows:
        if not all(name in row for name in COLUMNS):
            return ()
        case = row["case"]
        if not CASE_NAME.fullmatch(case.text):
            problems.add(case.mark, f"{case.text!r} cannot name a case", "use letters, digits, hyphens, dots and underscores")
        elif case.text in first:
            problems.add(
                case.mark, f"the case {case.text!r} stands here for a second time; the first is in line {first[case.text]}"
            )
        first.setdefault(case.text, case.mark.line)
        if row["side"].text not in _SIDES:
            problems.add(row["side"].mark, f"the side is left, right or empty, and this is {row['side'].text!r}")
        cases.append(_case(row, folder, problems))
    return tuple(cases)


def _case(row: Row, folder: Path, problems: Problems) -> DatasetCase:
    scan, labels = (_file(row[name], name, folder, problems) for name in ("scan", "labels"))
    facts = {name: cell.text for name, cell in row.items() if name not in COLUMNS}
    return DatasetCase(row["case"].text, row["patient"].text or row["case"].text, row["side"].text, scan, labels, facts)


def _file(cell: Cell, what: str, folder: Path, problems: Problems) -> Path:
    path = folder / cell.text
    if not cell.text:
        problems.add(cell.mark, f"the file of the {what} is missing")
    elif not path.is_file():
        problems.add(cell.mark, f"there is no file {path}", "relative paths start at the folder of the table")
    return path.resolve()
