"""Label maps of many cases, by case: from one file, a folder of files, a table of cases, or a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from culmann.csv_tables import read_table
from culmann.dataset import read_dataset
from culmann.errors import InputError, PipelineError
from culmann.image_files import SUFFIXES
from culmann.pipeline.problems import Problems


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A label map, and the names that a dataset gives to its numbers."""

    path: Path
    names: Mapping[int, str] = field(default_factory=dict)


def label_files(place: Path) -> dict[str, LabelFile]:
    """{case: label file}.

    Parameters
    ----------
    place
        One label file, whose case is named as it is; a folder of label files, likewise; a dataset (a folder with
        `dataset.yaml`); or a table of cases (CSV) with the columns `case` and `labels`.

    Raises
    ------
    InputError
        When there is nothing of that, or a table is wrong.
    """
    if (place / "dataset.yaml").exists():
        dataset = read_dataset(place)
        return {case.case: LabelFile(case.labels, dataset.names) for case in dataset.cases}
    if place.is_dir():
        return _of_folder(place)
    return _of_table(place) if place.suffix.lower() == ".csv" else {stem(place): LabelFile(place)}


def _of_folder(folder: Path) -> dict[str, LabelFile]:
    found: dict[str, LabelFile] = {}
    for path in sorted(folder.iterdir()):
        if path.name.lower().endswith(SUFFIXES) and path.is_file():
            case = stem(path)
            if case in found:
                raise InputError(f"{folder} has two label maps of the case {case!r}: {found[case].path.name} and {path.name}")
            found[case] = LabelFile(path)
    if not found:
        raise InputError(
            f"there is no label map in {folder}",
            hint=f"a label map ends in {', '.join(SUFFIXES)}",
        )
    return found


def _of_table(path: Path) -> dict[str, LabelFile]:
    problems = Problems()
    table = read_table(path, problems, needed=("case", "labels"))
    found: dict[str, LabelFile] = {}
    for row in table.rows:
        if not ("case" in row and "labels" in row):
            break
        case, file = row["case"], path.parent / row["labels"].text
        if not case.text or case.text in found:
            again = f"the case {case.text!r} stands here for a second time"
            problems.add(case.mark, again if case.text else "a case needs a name")
        elif not row["labels"].text or not file.is_file():
            problems.add(row["labels"].mark, f"there is no file {file}", "relative paths start at the folder of the table")
        else:
            found[case.text] = LabelFile(file.resolve())
    try:
        problems.stop_if_any()
    except PipelineError as problem:
        raise InputError(problem.message) from None
    return found


def stem(file: Path) -> str:
    """The name of an image file without its ending, and without the `.seg` of 3D Slicer."""
    return next((file.name[: -len(s)] for s in SUFFIXES if file.name.lower().endswith(s)), file.stem).removesuffix(".seg")


def in_both(
    reference: Mapping[str, LabelFile], prediction: Mapping[str, LabelFile]
) -> tuple[dict[str, tuple[LabelFile, LabelFile]], list[str]]:
    """{case: its two files}, and what is said of cases that stand on one side only.

    A prediction is also found under the name that the reference's file has, as where a dataset names its cases otherwise.

    Raises
    ------
    InputError
        When no case is on both sides.
    """
    if len(reference) == len(prediction) == 1:  # two files, however they are called
        (ours,), ((case, theirs),) = reference.values(), prediction.items()
        return {case: (ours, theirs)}, []
    found: dict[str, tuple[LabelFile, LabelFile]] = {}
    taken = set[str]()
    for case, file in reference.items():
        other = next((name for name in (case, stem(file.path)) if name in prediction), None)
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
