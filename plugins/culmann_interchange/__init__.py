"""Runs handed to other programs: BIDS, RO-Crate, DICOM and 3D Slicer. Descriptors only."""

from __future__ import annotations

from collections.abc import Iterable

from culmann.commands import Command
from culmann.hookspecs import hookimpl

api = 1


@hookimpl
def culmann_commands() -> Iterable[Command]:
    """The group `culmann export`."""
    yield Command(
        "export bids",
        "culmann_interchange.commands:bids",
        summary="Runs as a folder laid out like a BIDS derivative",
    )
    yield Command(
        "export ro-crate",
        "culmann_interchange.commands:ro_crate",
        summary="A run as an RO-Crate: files, workflow, software, inputs and sources described for machines",
    )
    yield Command(
        "export slicer",
        "culmann_interchange.commands:slicer",
        summary="A run as a scene for 3D Slicer: scan, labels and the loaded surface together",
    )
    yield Command(
        "export dicom-seg",
        "culmann_interchange.dicom_commands:dicom_seg",
        summary="The labels of a run as a DICOM segmentation of the series that they belong to",
        extra="culmann[dicom]",
    )
    yield Command(
        "export dicom-pdf",
        "culmann_interchange.dicom_commands:dicom_pdf",
        summary="The report of a run as a PDF inside DICOM, in the study that it belongs to",
        extra="culmann[dicom]",
    )
