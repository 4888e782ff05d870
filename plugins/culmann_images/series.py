"""The DICOM files of a folder by series: their headers, the choice of one series, and what is kept of its acquisition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from culmann.data.arrays import FloatArray
from culmann.data.scan import Fact
from culmann.errors import InputError

UID, DESCRIPTION, MODALITY = "0020|000e", "0008|103e", "0008|0060"
POSITION, ORIENTATION, PIXEL_SPACING = "0020|0032", "0020|0037", "0028|0030"
ROWS, COLUMNS, SAMPLES, FRAMES = "0028|0010", "0028|0011", "0028|0002", "0028|0008"
GANTRY_TILT = "0018|1120"

#: What is kept of the acquisition; numbers where the name has a unit.
_ACQUISITION = {
    "series_uid": UID,
    "series_description": DESCRIPTION,
    "manufacturer": "0008|0070",
    "model": "0008|1090",
    "kvp": "0018|0060",
    "kernel": "0018|1210",
    "tube_current_ma": "0018|1151",
    "slice_thickness_mm": "0018|0050",
    "table_height_mm": "0018|1130",
    "reconstruction_diameter_mm": "0018|1100",
    "gantry_tilt_deg": GANTRY_TILT,
    "patient_position": "0018|5100",
}


@dataclass(frozen=True, slots=True)
class Slice:
    """A file of a series.

    Parameters
    ----------
    path
        The file.
    tag
        What its header says, as text.
    """

    path: Path
    tag: Mapping[str, str]

    def numbers(self, key: str, count: int) -> FloatArray:
        """The numbers of a tag; raises InputError unless there are `count` of them."""
        try:
            values = np.array([float(part) for part in self.tag.get(key, "").split("\\")])
        except ValueError:
            values = np.zeros(0)
        if len(values) != count or not np.isfinite(values).all():
            raise InputError(
                f"{self.path} does not say where it lies: tag ({key.replace('|', ',')}) is {self.tag.get(key, 'missing')!r}",
                hint="leave scouts, secondary captures and reports out of the folder, or choose a series with `series_uid`",
            )
        return values


def choose_series(folder: Path, wanted: str | None) -> tuple[str, list[Slice]]:
    """The UID and the slices of the only series of a folder, or of the wanted one.

    Raises
    ------
    InputError
        When there is none, or several of them.
    """
    series: dict[str, list[Slice]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and (one := _header(path)) is not None:
            series.setdefault(one.tag.get(UID, ""), []).append(one)
    if not series:
        inner = [p.name for p in sorted(folder.iterdir()) if p.is_dir()]
        hint = f"folders in it are not searched; give one of them: {', '.join(inner[:8])}" if inner else ""
        raise InputError(f"no DICOM image in {folder}", hint=hint or "give the folder that holds the slices")
    chosen = [uid for uid in series if wanted is None or uid == wanted] or [u for u in series if wanted and u.endswith(wanted)]
    if len(chosen) == 1:
        return chosen[0], series[chosen[0]]
    listed = "".join(
        f"\n    {uid or '(without UID)'}: {slices[0].tag.get(DESCRIPTION) or 'no description'}, {len(slices)} slices"
        for uid, slices in series.items()
    )
    if chosen:
        which = str(len(series)) if wanted is None else f"{len(chosen)} of the wanted"
        raise InputError(f"{folder} holds {which} DICOM series:{listed}", hint="choose one with `series_uid`")
    raise InputError(f"{folder} holds no DICOM series {wanted}; it holds{listed}", hint="choose one of these with `series_uid`")


def _header(path: Path) -> Slice | None:
    """The header of a DICOM image, None for any other file; raises InputError for a CT image that is damaged."""
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError as problem:
        if _is_ct(path):
            raise InputError(f"{path} is a CT slice that cannot be read", hint="is it cut off? copy it again") from problem
        return None
    tags = {key: reader.GetMetaData(key).strip(" \0") for key in reader.GetMetaDataKeys()}
    return Slice(path, tags) if ROWS in tags else None


def _is_ct(path: Path) -> bool:
    """Whether a file begins like a DICOM file and names the class of CT images (enhanced ones included)."""
    with path.open("rb") as file:
        start = file.read(2048)
    return start[128:132] == b"DICM" and b"1.2.840.10008.5.1.4.1.1.2" in start


def acquisition(one: Slice) -> dict[str, Fact]:
    """What the header says of how the scan was taken."""
    facts: dict[str, Fact] = {}
    for name, key in _ACQUISITION.items():
        text = one.tag.get(key, "")
        if not text:
            continue
        if name == "kvp" or name.endswith(("_mm", "_ma", "_deg")):
            try:
                facts[name] = float(text)
            except ValueError:
                continue
        else:
            facts[name] = text
    return facts
