"""Folders of 3D Slicer: which scan a `.seg.nrrd` belongs to."""

from __future__ import annotations

from pathlib import Path

from culmann.errors import InputError
from culmann.image_files import SUFFIXES
from culmann_datasets.laying import Found

_SEG = ".seg.nrrd"
_TAGS = ("-segmentation", "_segmentation", " segmentation", "-seg", "_seg")


def find_segmentations(folder: Path) -> list[Found]:
    """Every `.seg.nrrd` in a folder with its scan: the image of the same name, or else the only other image beside it.

    Raises
    ------
    InputError
        When there is none, or it cannot be told which scan one belongs to.
    """
    files = sorted(folder.rglob(f"*{_SEG}"))
    if not files:
        raise InputError(f"there is no {_SEG} file in {folder}")
    alone = {path.parent for path in files if sum(other.parent == path.parent for other in files) == 1}
    return [_found(path, folder, alone=path.parent in alone) for path in files]


def _found(path: Path, folder: Path, *, alone: bool) -> Found:
    name = path.name.removesuffix(_SEG)
    for tag in _TAGS:
        if name.lower().endswith(tag):
            name = name[: -len(tag)]
    images = {
        other: other.name.removesuffix(suffix)
        for other in sorted(path.parent.iterdir())
        if not other.name.endswith(_SEG) and (suffix := next((s for s in SUFFIXES if other.name.endswith(s)), ""))
    }
    same = [other for other, stem in images.items() if stem == name]
    if len(same) == 1:
        return Found(name, same[0], path)
    if alone and len(images) == 1 and path.parent != folder:
        return Found(path.parent.name, next(iter(images)), path)
    series = [other for other in sorted(path.parent.iterdir()) if other.is_dir()]
    if alone and not images and len(series) == 1 and path.parent != folder:
        return Found(path.parent.name, series[0], path)
    raise InputError(
        f"it cannot be told which scan {path} belongs to; beside it are {', '.join(p.name for p in images) or 'no images'}",
        hint="name both alike (a.nrrd, a.seg.nrrd), or say where they are with --scans and --labels",
    )
