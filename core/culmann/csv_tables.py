"""CSV tables whose cells know their line and column, so that a mistake in a table of cases is told with its place."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from culmann.errors import InputError
from culmann.pipeline.problems import Mark, Problems, Source, did_you_mean

MAX_BYTES = 50_000_000

#: What may stand between cells; spreadsheets write semicolons where a comma is in numbers.
_BETWEEN = (",", ";", "\t")
_CELLS = {sign: re.compile(rf'(?P<cell>[ ]*"(?:[^"]|"")*"[^{sign}]*|[^{sign}]*)(?:{sign}|$)') for sign in _BETWEEN}


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of a cell, without blanks around it, and its place."""

    text: str
    mark: Mark


Row = Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a header.

    Parameters
    ----------
    source
        The text.
    header
        {column: its place}.
    rows
        For each line that is not empty, {column: cell}; every row has all columns.
    """

    source: Source
    header: Mapping[str, Mark]
    rows: Sequence[Row]


def read_table(path: Path, problems: Problems, *, needed: Sequence[str] = (), known: Sequence[str] | None = None) -> Table:
    """Read a CSV file in UTF-8 with commas (or semicolons, or tabs) between cells; notes what is wrong in `problems`.

    Parameters
    ----------
    needed
        Columns that must be there.
    known
        Columns that may be there; None allows all.

    Raises
    ------
    InputError
        When the file cannot be read.
    """
    source = Source(str(path), _text(path), path.parent)
    written = [(n, line) for n, line in enumerate(source.text.splitlines(), 1) if line.strip(",; \t")]
    between = max(_BETWEEN, key=written[0][1].count) if written else ","
    lines = [(n, list(_cells(line, n, source, between))) for n, line in written]
    if not lines:
        hint = f"its first line names the columns{': ' if needed else ''}{','.join(needed)}"
        problems.add(Mark(source, 1, 1), "there is nothing in it", hint)
        return Table(source, {}, ())
    header = dict[str, Mark]()
    for cell in lines[0][1]:
        if not cell.text:
            problems.add(cell.mark, "a column without a name")
        elif cell.text in header:
            problems.add(cell.mark, f"the column {cell.text!r} stands here for a second time")
        elif known is not None and cell.text not in known:
            problems.add(cell.mark, f"there is no column {cell.text!r} in such a table{did_you_mean(cell.text, known)}")
        header.setdefault(cell.text, cell.mark)
    for name in needed:
        if name not in header:
            problems.add(Mark(source, lines[0][0], 1), f"the column {name!r} is missing", f"a header needs {', '.join(needed)}")
    rows = list[Row]()
    names = [cell.text for cell in lines[0][1]]
    for number, cells in lines[1:]:
        if len(cells) != len(names):
            what = f"this row has {len(cells)} cells and the header {len(names)}"
            problems.add(Mark(source, number, 1), what, "is there a comma in a text? put the text in double quotes")
        else:
            rows.append(dict(zip(names, cells, strict=True)))
    return Table(source, header, rows)


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a CSV file as `read_table` reads it."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([header, *rows])


def _text(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"there is no file {path}", hint="check the path; relative paths start at the folder you are in")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} is longer than {MAX_BYTES // 1_000_000} MB: it is no table of cases")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as problem:
        raise InputError(f"{path} is no text in UTF-8", hint="save the table as CSV in UTF-8") from problem
    except OSError as problem:
        raise InputError(f"{path} cannot be read: {problem.strerror}") from problem


def _cells(line: str, number: int, source: Source, between: str) -> Iterator[Cell]:
    for match in _CELLS[between].finditer(line):
        raw = match["cell"]
        text = raw.strip()
        start = match.start("cell") + len(raw) - len(raw.lstrip())
        if len(text) > 1 and text[0] == text[-1] == '"':
            text = text[1:-1].replace('""', '"')
        yield Cell(text, Mark(source, number, start + 1, max(1, len(raw.strip()))))
        if not match[0].endswith(between):
            return
