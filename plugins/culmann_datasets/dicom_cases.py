"""Folders of DICOM: which series a segmentation object was drawn on."""

from __future__ import annotations

import hashlib
from pathlib import Path

from culmann.errors import InputError
from culmann_datasets.dicom_segments import expect_highdicom, is_segmentation_object, referenced_series
from culmann_datasets.laying import Found, Tell


def find_dicom(folder: Path, tell: Tell) -> list[Found]:
    """Every segmentation object in a folder with the folder of the series that it refers to.

    Where that series is not there, the only one beside the object is taken, which is told: files that were made anonymous often
    lost their UIDs. Labels that do not lie in it are refused later.

    A patient is told by a digest of the PatientID, so that no identity reaches the table.

    Raises
    ------
    InputError
        When there is none, or it cannot be told which series one belongs to.
    """
    expect_highdicom()
    import pydicom
    from pydicom.errors import InvalidDicomError

    objects, series, patient = list[Path](), dict[str, set[Path]](), dict[str, str]()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        try:
            tags = ["SeriesInstanceUID", "PatientID", "Modality"]
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=tags)
        except (InvalidDicomError, OSError):
            continue
        if is_segmentation_object(path):
            objects.append(path)
            continue
        uid = str(header.get("SeriesInstanceUID", ""))
        series.setdefault(uid, set()).add(path.parent)
        patient[uid] = str(header.get("PatientID", ""))
    if not objects:
        raise InputError(f"there is no DICOM segmentation object in {folder}")
    found = list[Found]()
    for path in objects:
        uid = referenced_series(path)
        folders = series.get(uid, set())
        if not folders:
            beside = [(other, home) for other, homes in series.items() for home in homes if home.is_relative_to(path.parent)]
            if len(beside) == 1:
                uid, folders = beside[0][0], {beside[0][1]}
                tell(f"{path.name}: the series that it was drawn on is not there; {beside[0][1].name}, beside it, is taken")
        if len(folders) != 1:
            what = "is not there" if not folders else f"lies in several folders: {', '.join(map(str, sorted(folders)))}"
            raise InputError(f"the series {uid or '(unnamed)'} that {path} was drawn on {what}")
        digest = hashlib.sha256(patient[uid].encode()).hexdigest()[:12]
        case = "-".join(path.relative_to(folder).with_suffix("").parts).replace(" ", "_")
        found.append(Found(case, next(iter(folders)), path, f"p-{digest}" if patient[uid] else ""))
    return found
