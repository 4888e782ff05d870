"""A folder of DICOM files into one scan."""

from __future__ import annotations

from pathlib import Path

from culmann.data import Scan
from culmann.errors import InputError


def read_series(folder: Path, series_uid: str | None) -> Scan:
    """Read a DICOM series."""
    raise InputError(f"not yet {folder} {series_uid}")
