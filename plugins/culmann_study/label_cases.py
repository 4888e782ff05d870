"""Label maps of many cases, by case: from one file, a folder of files, or the table of a dataset."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from culmann.errors import InputError
from culmann.image_files import SUFFIXES

#: The table of a dataset.
_TABLE = "cases.csv"


def label_files(place: Path) -> dict[str, Path]:
    """{case: label file}.

    Parameters
    ----------
    place
        One label file (its case has no name); a folder of label files, whose cases are named as the files are; a table of cases
        (CSV) with the columns `case` and `labels`, or a folder with such a table as `cases.csv`.

    Raises
    ------
    InputError
        When there is nothing of that, or a table is wrong.
    """
    if place.is_dir():
        return _of_table(place / _TABLE) if (place / _TABLE).exists() else _of_folder(place)
    if place.suffix.lower() == ".csv":
        return _of_table(place)
    return {"": place}


def _of_folder(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.name.lower().endswith(SUFFIXES) and path.is_file():
            case = stem(path)
            if case in found:
                raise InputError(f"{folder} has two label maps of the case {case!r}: {found[case].name} and {path.name}")
            found[case] = path
    if not found:
        raise InputError(
            f"there is no label map in {folder}", hint=f"a label map ends in {', '.join(SUFFIXES)}; a dataset has a {_TABLE}"
        )
    return found


def _of_table(table: Path) -> dict[str, Path]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise InputError(f"the table {table} cannot be read: {problem}") from problem
    columns = list(rows[0]) if rows else []
    if not {"case", "labels"} <= set(columns):
        raise InputError(f"{table} has no columns `case` and `labels`; it has {', '.join(map(str, columns)) or 'no rows'}")
    found: dict[str, Path] = {}
    for line, row in enumerate(rows, start=2):
        case, labels = (row["case"] or "").strip(), (row["labels"] or "").strip()
        if not case or case in found:
            raise InputError(f"{table}, line {line}: the case {case!r} is {'there twice' if case else 'not named'}")
        if labels:
            found[case] = (table.parent / labels).resolve()
    return found


def stem(file: Path) -> str:
    """The name of an image file without its ending, and without the `.seg` of 3D Slicer."""
    return next((file.name[: -len(s)] for s in SUFFIXES if file.name.lower().endswith(s)), file.stem).removesuffix(".seg")


def in_both(reference: Mapping[str, Path], prediction: Mapping[str, Path]) -> tuple[dict[str, tuple[Path, Path]], list[str]]:
    """{case: its two files}, and what is said of cases that stand on one side only.

    A prediction is also found under the name that the reference's file has, as where a dataset names its cases otherwise.

    Raises
    ------
    InputError
        When no case is on both sides.
    """
    if set(reference) == {""} and set(prediction) == {""}:
        return {"": (reference[""], prediction[""])}, []
    found: dict[str, tuple[Path, Path]] = {}
    taken = set[str]()
    for case, file in reference.items():
        other = next((name for name in (case, stem(file)) if name in prediction), None)
        if other is not None:
            found[case] = (file, prediction[other])
            taken.add(other)
    if not found:
        raise InputError(
            "no case has both a reference and a prediction: "
            f"references are {_few(list(reference))}, predictions are {_few(list(prediction))}",
            hint="name the files of both folders alike, or give tables with the columns `case` and `labels`",
        )
    alone = [f"case {case}: there is no prediction" for case in reference if case not in found]
    return found, alone + [f"case {case}: there is no reference" for case in prediction if case not in taken]


def _few(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
