"""A CSV file as rows of cells that know their place in the text, so that a wrong one can be pointed at."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from culmann.errors import InputError
from culmann.pipeline.problems import Mark, Source


@dataclass(frozen=True, slots=True)
class Cell:
    """The text of a cell without blanks around it, and its place."""

    text: str
    mark: Mark


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table: its header, and the rows below that are not empty."""

    source: Source
    header: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]


def read_sheet(path: Path) -> Sheet:
    """Read a CSV file in UTF-8 with a header; commas, semicolons or tabs stand between the cells, as the header has it.

    Raises
    ------
    InputError
        When it cannot be read or has no header.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"the table {path} does not exist") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; give the table (CSV) in it") from None
    except OSError as problem:
        raise InputError(f"the table {path} cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise InputError(
            f"the table {path} is not text in UTF-8 (byte {problem.start})", hint="in Excel: save as “CSV UTF-8”"
        ) from problem
    source = Source(str(path), text, path.parent.resolve())
    try:
        rows = list(_rows(source))
    except csv.Error as problem:
        raise InputError(f"the table {path} is no CSV: {problem}") from problem
    if not rows:
        raise InputError(f"the table {path} is empty", hint="its first line names the columns, for example `case,scan,labels`")
    return Sheet(source, rows[0], tuple(rows[1:]))


def _rows(source: Source) -> Iterator[tuple[Cell, ...]]:
    lines = source.text.splitlines()
    first = next((line for line in lines if line.strip()), "")
    between = max(",;\t", key=lambda sign: (first.count(sign), sign == ","))
    reader, before = csv.reader(io.StringIO(source.text, newline=""), delimiter=between, strict=True), 0
    for cells in reader:
        line, before = before + 1, reader.line_num
        if not any(cell.strip() for cell in cells):
            continue
        places = _places(lines[line - 1], between) if before == line else []  # a cell that goes over lines has no column
        if len(places) != len(cells):
            places = [(1, 1)] * len(cells)
        yield tuple(
            Cell(cell.strip(), Mark(source, line, column, width)) for cell, (column, width) in zip(cells, places, strict=True)
        )


def _places(line: str, between: str) -> list[tuple[int, int]]:
    """(column from 1, width) of every cell of a line."""
    pattern = re.compile(rf'(?:"(?:[^"]|"")*"|[^{re.escape(between)}]*)')
    found, at = list[tuple[int, int]](), 0
    while True:
        cell = pattern.match(line, at)
        assert cell is not None
        found.append((at + 1, max(1, cell.end() - at)))
        at = cell.end() + 1
        if at > len(line) or line[cell.end()] != between:
            return found
