"""A dataset into a folder, whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import yaml

from culmann.csv_tables import write_table
from culmann.data import Labels, Scan
from culmann.data.images import to_image
from culmann.dataset.model import COLUMNS, DESCRIPTION, TABLE, Dataset
from culmann.dataset.reading import CASE_NAME, read_dataset
from culmann.errors import InputError
from culmann.home import from_home
from culmann.image_files import SUFFIXES
from culmann.whole import new_folder


@dataclass(frozen=True, slots=True)
class NewCase:
    """A case to be written.

    Parameters
    ----------
    case
        Its name: letters, digits, hyphens, dots, underscores.
    scan, labels
        The data, or files that are copied as they are.
    patient
        Whom it shows; the name of the case where that is not known.
    side
        `left`, `right`, or empty.
    facts
        More columns of the table, {column: text}.
    """

    case: str
    scan: Scan | Path
    labels: Labels | Path
    patient: str = ""
    side: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


def write_dataset(
    folder: Path,
    cases: Iterable[NewCase],
    *,
    name: str,
    labels: Mapping[str, int],
    about: str = "",
    modality: str = "CT",
    licence: str = "",
    refer: bool = False,
) -> Dataset:
    """Write a dataset; the cases are taken one after the other, so that a generator of them needs the memory of one.

    Parameters
    ----------
    folder
        Where it is made. It appears whole when every case is written; a folder with something in it is refused.
    cases
        What it holds.
    name, labels, about, modality, licence
        As in `Dataset`. `labels` may be filled while the cases are taken: it is read after the last one.
    refer
        Leave files where they are, and write their paths into the table, instead of copying them.

    Raises
    ------
    InputError
        When the folder cannot be used, there is no case, or what is written would be no dataset.
    """
    folder = from_home(folder).resolve()
    with new_folder(folder) as part:
        (part / "scans").mkdir()
        (part / "labels").mkdir()
        rows = list[tuple[NewCase, str, str]]()
        for case in cases:
            if not CASE_NAME.fullmatch(case.case):
                hint = "use letters, digits, hyphens, dots and underscores"
                raise InputError(f"{case.case!r} cannot name a case", hint=hint)
            if any(case.case == earlier.case for earlier, _, _ in rows):
                raise InputError(f"there are two cases {case.case!r}", hint="a case needs a name of its own")
            rows.append((case, _put(case, "scan", part, folder, refer), _put(case, "labels", part, folder, refer)))
        if not rows:
            raise InputError("there is no case to write", hint="a dataset has at least one scan with labels")
        for empty in (part / "scans", part / "labels"):
            if not any(empty.iterdir()):
                empty.rmdir()
        facts = list(dict.fromkeys(fact for case, _, _ in rows for fact in case.facts))
        table = [
            (case.case, case.patient or case.case, case.side, scan, label, *(case.facts.get(fact, "") for fact in facts))
            for case, scan, label in rows
        ]
        write_table(part / TABLE, (*COLUMNS, *facts), table)
        numbers = dict(sorted(labels.items(), key=lambda pair: pair[1]))
        described = {"name": name, "about": about, "labels": numbers, "modality": modality, "licence": licence}
        text = yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=120)
        (part / DESCRIPTION).write_text(text, encoding="utf-8")
        read_dataset(part)
    return read_dataset(folder)


def _put(case: NewCase, what: str, part: Path, folder: Path, refer: bool) -> str:
    """Write or copy one file of a case; gives back its path for the table."""
    data = case.scan if what == "scan" else case.labels
    home = part / ("scans" if what == "scan" else "labels")
    if isinstance(data, Path):
        if refer:
            return os.path.relpath(data.resolve(), folder)
        suffix = next((s for s in SUFFIXES if data.name.lower().endswith(s)), None)
        if suffix is None or suffix in {".nhdr", ".mhd"}:
            raise InputError(f"case {case.case!r}: {data} cannot be copied", hint="use .nii.gz, .nii, .nrrd or .mha")
        target = home / f"{case.case}{suffix}"
        shutil.copyfile(data, target)
    else:
        target = home / f"{case.case}.nii.gz"
        _write(target, data)
    return target.relative_to(part).as_posix()


def _write(path: Path, data: Scan | Labels) -> None:
    """Write voxels in the smallest type that holds them exactly: 16 bits for what a scanner gave, 8 for few labels."""
    if isinstance(data, Scan):
        data.expect_hu("a dataset")
        whole = np.round(data.hu)
        fits = bool((whole == data.hu).all() and whole.min() >= -32768 and whole.max() <= 32767)
        array = data.hu.astype(np.int16 if fits else np.float32)
    else:
        if not data.foreground.any():
            raise InputError(f"{path.name}: no voxel is labelled")
        array = data.label.astype(np.uint8 if data.label.max() <= 255 else np.int32)
    try:
        sitk.WriteImage(to_image(array, data.grid), str(path), True)
    except RuntimeError as problem:
        raise InputError(f"{path} cannot be written", hint="is there room?") from problem
