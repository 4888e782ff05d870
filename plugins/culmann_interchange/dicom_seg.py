"""The labels of a run as a DICOM segmentation of the series that they belong to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import numpy.typing as npt
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from culmann.data import Labels
from culmann.errors import InputError
from culmann.regridding import inside, labels_onto
from culmann.whole import new_file
from culmann_interchange.anatomy import any_structure, side, structure
from culmann_interchange.cases import Case
from culmann_interchange.dicom_belonging import expect_belonging
from culmann_interchange.dicom_source import Series
from culmann_interchange.segments import colours

#: Of labels, this share may lie outside the series unsaid.
_OUTSIDE = 1e-3


@dataclass(frozen=True, slots=True)
class Laid:
    """Labels on the grid of a series, and what to be careful about."""

    labels: Labels
    cautions: tuple[str, ...]


def write_dicom_seg(
    case: Case, series: Series, out: Path, labels_id: str | None = None, *, trust: bool = False
) -> tuple[str, ...]:
    """Write a DICOM SEG file (binary segments, one for each label that occurs).

    Parameters
    ----------
    case
        The run.
    series
        The series that the segmentation refers to, and on whose slices it lies.
    out
        The file.
    labels_id
        Which labels; default those that the mesh was built from.
    trust
        Take a series that cannot be shown to belong to the run.

    Returns
    -------
    tuple of str
        What to be careful about: resampling, parts outside of the series, a series that was judged by its grey values.

    Raises
    ------
    InputError
        When the series is not that of the run, or no label lies in it.
    """
    laid = laid_onto(case, series, labels_id, trust=trust)
    with new_file(out) as file:
        _segmentation(case, series, laid.labels, labels_id).save_as(file)
    return laid.cautions


def expect_source(case: Case, series: Series, *, trust: bool) -> tuple[str, ...]:
    """Cautions; raises InputError when a series is not that of the run. Without labels the whole scan is compared."""
    labels = case.labels_in_patient() if case.has_labels() else None
    return (*series.cautions, *expect_belonging(case, labels, series, trust=trust))


def laid_onto(case: Case, series: Series, labels_id: str | None, *, trust: bool) -> Laid:
    """The labels on the voxels of the series."""
    labels = case.labels_in_patient(labels_id)
    if not labels.foreground.any():
        raise InputError(f"the labels of {case.title} are empty")
    cautions = [*series.cautions, *expect_belonging(case, labels, series, trust=trust)]
    laid = labels_onto(labels, series.grid, "nearest")
    if not laid.foreground.any():
        raise InputError(
            f"no label of {case.title} lies in the series in {series.folder}: labels {labels.grid.describe()}; series "
            f"{series.grid.describe()}",
            hint="is it another series of this patient, or were the axes of the label map changed on the way?",
        )
    if not labels.grid.same_as(series.grid):
        cautions.append(
            f"the labels lay on another grid ({labels.grid.describe()}): each voxel of the series has that of the nearest"
        )
    outside = float((labels.foreground & ~inside(series.grid, labels.grid)).sum() / labels.foreground.sum())
    if outside > _OUTSIDE:
        cautions.append(f"{100 * outside:.1f} % of the labelled volume lies outside the series and is left out")
    lost = [name for label, name in labels.present().items() if label not in laid.present()]
    if lost:
        cautions.append(f"not in the series, and left out: {', '.join(lost)}")
    return Laid(laid, tuple(cautions))


def _segmentation(case: Case, series: Series, labels: Labels, labels_id: str | None) -> hd.seg.Segmentation:
    present = labels.present()
    shade = colours(labels)
    algorithm = _algorithm(case, labels_id)
    described = [_segment(number, name, shade[label], algorithm) for number, (label, name) in enumerate(present.items(), 1)]
    number_of = np.zeros(max(present) + 1, dtype=np.uint8 if len(present) < 256 else np.uint16)
    number_of[list(present)] = np.arange(1, len(present) + 1)
    pixels: npt.NDArray[Any] = number_of[labels.label]
    version = case.manifest["culmann"]
    return hd.seg.Segmentation(
        source_images=series.headers,
        pixel_array=pixels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=described,
        series_instance_uid=hd.UID(),
        series_number=900,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="culmann",
        manufacturer_model_name="culmann export dicom-seg",
        software_versions=version,
        device_serial_number="none",
        content_description=f"Labels of {case.manifest['pipeline']}"[:64],
        content_label="CULMANN",
        series_description=f"culmann: {case.manifest['pipeline']}"[:64],
    )


def _segment(
    number: int, name: str, colour: tuple[float, float, float], algorithm: hd.AlgorithmIdentificationSequence
) -> hd.seg.SegmentDescription:
    known = structure(name)
    described = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=name[:64],
        segmented_property_category=Code(*codes.SCT.AnatomicalStructure),
        segmented_property_type=known or any_structure(),
        algorithm_type=hd.seg.SegmentAlgorithmTypeValues.SEMIAUTOMATIC,
        algorithm_identification=algorithm,
        tracking_uid=hd.UID(),
        tracking_id=name[:64],
        display_color=hd.color.CIELabColor.from_rgb(*(round(255 * part) for part in colour)),
    )
    of_side = side(name)
    if known is not None and of_side is not None:
        described.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
            hd.sr.CodedConcept.from_code(of_side)
        ]
    return described


def _algorithm(case: Case, labels_id: str | None) -> hd.AlgorithmIdentificationSequence:
    """What made the labels. DICOM asks for a family of algorithms; that of cleaning and cutting masks is the widest."""
    value = case.labels_id(labels_id)
    step = case.manifest["steps"].get(value.partition(".")[0])
    told = f"{step['use']} of {step['distribution']}" if step else "label map given to culmann"
    return hd.AlgorithmIdentificationSequence(
        name=told[:64],
        family=Code(*codes.DCM.MorphologicalOperations),
        version=step["version"] if step else "unknown",
        source="culmann",
    )
