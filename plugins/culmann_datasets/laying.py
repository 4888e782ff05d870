"""A case from two files: its labels laid onto the grid of its scan where they are on another one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from culmann.catalogue import find
from culmann.data import Grid, Labels, Scan
from culmann.dataset import NewCase
from culmann.errors import InputError
from culmann.image_files import SUFFIXES, read_image_file, read_image_grid
from culmann.journal import QuietJournal
from culmann.plugins import load_catalogue, load_target
from culmann.ports import ports_of
from culmann.regridding import labels_onto

#: Takes one sentence about what may be meant so.
Tell = Callable[[str], None]

#: Labels that lose more of their volume than this when they are laid onto the scan reach out of it.
_LOST_SHARE = 0.01


@dataclass(frozen=True, slots=True)
class Found:
    """A case as its files give it."""

    case: str
    scan: Path
    labels: Path
    patient: str = ""
    side: str = ""
    part: str = ""

    def facts(self) -> dict[str, str]:
        """More columns of the table."""
        return {"part": self.part} if self.part else {}


def case_of(found: Found, labels: Labels, tell: Tell, *, unchanged: bool) -> NewCase:
    """The case, with files that are kept as they are where they can be.

    Parameters
    ----------
    labels
        What the file of the labels holds, after any renumbering.
    unchanged
        Whether they are exactly what the file holds.

    Raises
    ------
    InputError
        When the scan cannot be read, or nothing labelled lies in it.
    """
    scan: Scan | Path
    if found.scan.is_dir():
        scan = read_series(found.scan)
        grid = scan.grid
    else:
        read_image_file(found.scan)  # all of it: a file that is cut off is told now, not after hours of training
        scan, grid = found.scan, read_image_grid(found.scan)
    same = labels.grid.same_as(grid)
    placed = labels if same else _laid(found, labels, grid, tell)
    plain = found.labels.name.lower().endswith(SUFFIXES) and not found.labels.name.lower().endswith(".seg.nrrd")
    keep = unchanged and same and plain
    return NewCase(found.case, scan, found.labels if keep else placed, found.patient, found.side, found.facts())


def _laid(found: Found, labels: Labels, grid: Grid, tell: Tell) -> Labels:
    placed = replace(labels_onto(labels, grid, "nearest", labels.placement), names=labels.names)
    before = labels.foreground.sum() * labels.grid.voxel_volume_mm3
    after = placed.foreground.sum() * grid.voxel_volume_mm3
    if not after:
        raise InputError(
            f"case {found.case!r}: nothing labelled lies in the scan: the labels have {labels.grid.describe()}; "
            f"the scan has {grid.describe()}",
            hint="are both of the same patient and scan?",
        )
    if after < (1 - _LOST_SHARE) * before:
        tell(f"case {found.case}: {100 * (1 - after / before):.3g} % of what is labelled lies outside of the scan, and is lost")
    return placed


def read_series(folder: Path) -> Scan:
    """The scan in a folder with a DICOM series, by the reader of scans that is installed."""
    offer = find(load_catalogue(), "read-scan")
    ports = ports_of(offer)
    given: dict[str, Any] = {}
    if ports.path is not None:
        given[ports.path] = folder
    if ports.config is not None:
        given["config"] = ports.config()
    if ports.journal is not None:
        given[ports.journal] = QuietJournal()
    scan = load_target(offer)(**given)
    assert isinstance(scan, Scan)
    return scan
