"""Datasets: made from the layouts that others use, checked, split and exported. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.commands import Command
from culmann.hookspecs import hookimpl
from culmann.steps import Step

api = 1


@hookimpl
def culmann_readers() -> Iterable[Step]:
    """Segmentations of other programs into labels."""
    yield Step(
        "read-segmentation",
        "culmann_datasets.readers:read_segmentation_file",
        summary="Segmentation of 3D Slicer, with the names of its segments, also where they overlap",
        suffixes=(".seg.nrrd",),
    )
    yield Step(
        "read-dicom-seg",
        "culmann_datasets.readers:read_dicom_seg",
        summary="DICOM segmentation object, with the names of its segments",
        cite=("doi:10.1007/s10278-022-00683-y",),
        extra="culmann[dicom]",
        suffixes=(".dcm",),
    )


@hookimpl
def culmann_commands() -> Iterable[Command]:
    """What is done with datasets."""
    yield Command("dataset", "culmann_datasets.commands:dataset", summary="Make, check, split and export datasets of cases.")
