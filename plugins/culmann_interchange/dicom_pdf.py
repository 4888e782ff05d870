"""A PDF inside DICOM (Encapsulated PDF), in the study of the series that a run belongs to."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import highdicom as hd
from pydicom.uid import EncapsulatedPDFStorage, ExplicitVRLittleEndian

from culmann.whole import new_file
from culmann_interchange.cases import Case
from culmann_interchange.dicom_source import Series


def write_dicom_pdf(case: Case, series: Series, pdf: bytes, out: Path) -> None:
    """Write the file. Patient and study are those of the series; the document is marked as not verified by anybody.

    Raises
    ------
    InputError
        When it cannot be written.
    """
    first, now = series.headers[0], datetime.now()
    told = hd.SOPClass(
        study_instance_uid=first.StudyInstanceUID,
        series_instance_uid=hd.UID(),
        series_number=901,
        sop_instance_uid=hd.UID(),
        sop_class_uid=EncapsulatedPDFStorage,
        instance_number=1,
        modality="DOC",
        manufacturer="culmann",
        manufacturer_model_name="culmann export dicom-pdf",
        software_versions=case.manifest["culmann"],
        transfer_syntax_uid=ExplicitVRLittleEndian,
        series_description=f"culmann report: {case.manifest['pipeline']}"[:64],
        content_date=now.date(),
        content_time=now.time(),
        specific_character_set="ISO_IR 192",
    )
    told.copy_patient_and_study_information(first)
    told.ConversionType = "WSD"
    told.AcquisitionDateTime = ""
    told.BurnedInAnnotation = "YES"
    told.DocumentTitle = f"Failure load by culmann: {case.title}"
    told.ConceptNameCodeSequence = []
    told.VerificationFlag = "UNVERIFIED"
    told.MIMETypeOfEncapsulatedDocument = "application/pdf"
    told.EncapsulatedDocumentLength = len(pdf)
    told.EncapsulatedDocument = pdf + b"\0" * (len(pdf) % 2)
    with new_file(out) as file:
        told.save_as(file, enforce_file_format=True)
