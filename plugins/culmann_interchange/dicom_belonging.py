"""Whether a DICOM series shows the patient of a run, in the same coordinates: by identifiers, else by the images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from culmann.data import Labels, Scan
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann_interchange.cases import Case
from culmann_interchange.dicom_source import Series, read_series

#: Images that agree less than this, as a coefficient of correlation, are not taken for the same body.
_ALIKE = 0.9
#: Slices and voxels that are compared at most.
_SLICES, _VOXELS = 12, 40_000
_ANYWAY = "say --trust-source when you know that the coordinates are the same"


def expect_belonging(case: Case, labels: Labels | None, series: Series, *, trust: bool) -> list[str]:
    """Cautions; raises InputError when the series is another patient's, or lies in other coordinates.

    The series that the run was computed from is taken as it is. Another one of the same frame of reference is, with a caution.
    Of a scan without identifiers (NIfTI, NRRD) the grey values around the labels are compared.

    Parameters
    ----------
    case
        The run.
    labels
        What is to be laid onto the series, where the patient has it; None to compare the whole scan.
    series
        The series.
    trust
        Take a series that cannot be shown to belong, and say so.
    """
    scan_id = case.scan_id()
    if scan_id is None:
        return _or_refuse(
            f"the run {case.title} did not begin with a scan, so that nothing says that {series.folder} is its series", trust
        )
    path = Path(case.manifest["inputs"][scan_id]["path"])
    own = _own_series(path)
    if own is not None and own.uid == series.uid:
        return []
    if own is not None:
        return _compare_identifiers(own, series, trust)
    scan: Scan = case.run.value(scan_id)
    alike = _likeness(scan, labels, series)
    if alike is None:
        return _or_refuse(
            f"too little of the scan of {case.title} lies within the series in {series.folder} to compare them", trust
        )
    if alike < _ALIKE:
        told = f"the scan of {case.title} and the series in {series.folder} show different images (correlation {alike:.2f})"
        return _or_refuse(told, trust)
    return [f"the scan of the run has no DICOM identifiers: the series was judged by its grey values (correlation {alike:.3f})"]


def _own_series(path: Path) -> Series | None:
    if not path.is_dir():
        return None
    try:
        return read_series(path)
    except InputError:  # several series: the run chose one by an option
        return None


def _compare_identifiers(own: Series, series: Series, trust: bool) -> list[str]:
    for name in ("PatientID", "PatientName", "PatientBirthDate"):
        if own.fact(name) and series.fact(name) and own.fact(name) != series.fact(name):
            raise InputError(f"the series in {series.folder} is of another patient than the scan of the run: {name} differs")
    frame = "FrameOfReferenceUID"
    if own.fact(frame) and own.fact(frame) == series.fact(frame):
        return ["the run was computed from another series of the same frame of reference"]
    told = f"the series in {series.folder} lies in another frame of reference than the scan of the run"
    return _or_refuse(told, trust)


def _or_refuse(told: str, trust: bool) -> list[str]:
    if not trust:
        raise InputError(told, hint=_ANYWAY)
    return [told]


def _likeness(scan: Scan, labels: Labels | None, series: Series) -> float | None:
    """Correlation of grey values in the box around the labels; None where the two hardly overlap."""
    corners = series.grid.to_index(_corners(scan, labels))
    first = np.clip(np.floor(corners.min(axis=0)).astype(int), 0, None)
    stop = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, series.grid.size)
    if (stop - first < 2).any():
        return None
    k = np.unique(np.linspace(first[2], stop[2] - 1, _SLICES).round().astype(int))
    stride = max(1, int(np.sqrt(len(k) * (stop[0] - first[0]) * (stop[1] - first[1]) / _VOXELS)))
    i, j = np.arange(first[0], stop[0], stride), np.arange(first[1], stop[1], stride)
    theirs = series.hu(k.tolist())[:, j[:, None], i[None, :]].ravel()
    kk, jj, ii = np.meshgrid(k, j, i, indexing="ij")
    at = series.grid.to_world(np.column_stack([ii.ravel(), jj.ravel(), kk.ravel()]))
    index = scan.grid.to_index(scan.placement.point_from_patient(at))
    inside = ((index >= 0) & (index <= np.asarray(scan.grid.size) - 1)).all(axis=1)
    if inside.sum() < 500:
        return None
    ours = ndimage.map_coordinates(scan.hu, index[inside][:, ::-1].T, order=1)
    if min(ours.std(), theirs[inside].std()) < 1:
        return None
    return float(np.corrcoef(ours, theirs[inside])[0, 1])


def _corners(scan: Scan, labels: Labels | None) -> FloatArray:
    """(8, 3): the corners of the box that is compared, in the patient."""
    if labels is None:
        low, high = np.zeros(3), np.asarray(scan.grid.size) - 1
        return scan.placement.point_to_patient(scan.grid.to_world(_box(low, high)))
    index = np.argwhere(labels.foreground)[:, ::-1]
    return labels.grid.to_world(_box(index.min(axis=0), index.max(axis=0)))


def _box(low: FloatArray | IntArray, high: FloatArray | IntArray) -> FloatArray:
    return np.array([[x, y, z] for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])], dtype=float)
