"""Label maps of many scans by one segmenter: which scans are meant, and a file for each, whatever happens to the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from culmann.data import Labels, Scan
from culmann.dataset.reading import read_dataset
from culmann.errors import InputError, SolverError
from culmann.image_files import SUFFIXES, read_image_file, write_image_file
from culmann.journal import Journal, QuietJournal

#: From a scan to labels; it warns in the journal.
Segment = Callable[[Scan, Journal], Labels]


def scans_meant(path: Path, cases: Sequence[str] = ()) -> dict[str, Path]:
    """{name: file} of the scans that a path stands for: a dataset (all cases or some), a folder of image files, or one file.

    Raises
    ------
    InputError
        When there is none, cases are named and it is no dataset, or two files have one name but for the ending.
    """
    if (path / "dataset.yaml").is_file():
        dataset = read_dataset(path)
        return {entry.case: entry.scan for entry in ([dataset.case(name) for name in cases] or dataset.cases)}
    if cases:
        raise InputError(f"--case names cases of a dataset, and {path} is none")
    if not path.exists():
        raise InputError(f"there is no {path}", hint="give a dataset, a folder of image files, or one image file")
    files = [path] if path.is_file() else [file for file in sorted(path.glob("*")) if file.name.lower().endswith(SUFFIXES)]
    if not files:
        raise InputError(f"there is no image in {path}", hint=f"readable are {', '.join(SUFFIXES)}")
    found = dict[str, Path]()
    for file in files:
        name = _name(file)
        if name in found:
            raise InputError(f"{found[name]} and {file} would give one label map, {name}.nii.gz", hint="rename one of them")
        found[name] = file
    return found


def write_label_maps(scans: Mapping[str, Path], out: Path, segment: Segment, tell: Callable[[str], None]) -> int:
    """Write `NAME.nii.gz` into a folder for every scan, and what the segmenter attaches into a folder `NAME` beside it.

    A scan that cannot be read or segmented is told, and the next one is taken. A caution is told once. Gives back how many
    scans failed.
    """
    out.mkdir(parents=True, exist_ok=True)
    cautions, failed = set[str](), 0
    for number, (name, path) in enumerate(scans.items(), 1):
        journal = QuietJournal()
        try:
            file = read_image_file(path)
            labels = segment(Scan(file.grid, file.array.astype(np.float32)), journal)
            write_image_file(out / f"{name}.nii.gz", labels)
            for file_name, content in journal.attachments.items():
                (out / name).mkdir(exist_ok=True)
                (out / name / file_name).write_bytes(content)
            found = ", ".join(labels.present().values()) or "nothing"
        except (InputError, SolverError) as problem:
            failed += 1
            found = f"failed: {problem.message}" + (f" ({problem.hint})" if problem.hint else "")
        for text in journal.warnings:
            if text not in cautions:
                tell(f"caution: {name}: {text}")
        cautions.update(journal.warnings)
        tell(f"{number} of {len(scans)}: {name}: {found}")
    return failed


def _name(path: Path) -> str:
    suffix = next((s for s in SUFFIXES if path.name.lower().endswith(s)), path.suffix)
    return path.name[: -len(suffix)] if suffix else path.name
