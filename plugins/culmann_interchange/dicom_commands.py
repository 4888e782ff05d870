"""`culmann export dicom-seg` and `dicom-pdf`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culmann_interchange.arguments import LABELS, NEW_FILE, RUN, SOURCE, STORE, VARIANT
from culmann_interchange.cases import one_case
from culmann_interchange.dicom_pdf import write_dicom_pdf
from culmann_interchange.dicom_seg import expect_source, write_dicom_seg
from culmann_interchange.dicom_source import read_series
from culmann_interchange.printing import print_report, read_pdf

SERIES = Annotated[
    str | None, typer.Option("--series", metavar="UID", help="Which series of the folder, by its UID or the end of it.")
]
TRUST = Annotated[
    bool,
    typer.Option("--trust-source", help="Take a series that cannot be shown to be of this patient, in the same coordinates."),
]


def dicom_seg(
    run: RUN,
    source: SOURCE,
    out: NEW_FILE,
    variant: VARIANT = None,
    labels: LABELS = None,
    series: SERIES = None,
    trust_source: TRUST = False,
    store: STORE = None,
) -> None:
    """Write the labels of a run as a DICOM segmentation of its series."""
    case = one_case(run, variant, store)
    _tell(write_dicom_seg(case, read_series(source, series), out, labels, trust=trust_source))
    typer.echo(f"DICOM segmentation in {out}")


def dicom_pdf(
    run: RUN,
    source: SOURCE,
    out: NEW_FILE,
    variant: VARIANT = None,
    pdf: Annotated[
        Path | None, typer.Option(help="A PDF file; default: report.html of the run, printed by the Chromium of this machine.")
    ] = None,
    series: SERIES = None,
    trust_source: TRUST = False,
    store: STORE = None,
) -> None:
    """Write the report of a run as a PDF inside DICOM."""
    case, chosen = one_case(run, variant, store), read_series(source, series)
    cautions = expect_source(case, chosen, trust=trust_source)
    content = read_pdf(pdf) if pdf else print_report(case.run.out)
    write_dicom_pdf(case, chosen, content, out)
    _tell(cautions)
    typer.echo(f"DICOM encapsulated PDF in {out}")


def _tell(cautions: tuple[str, ...]) -> None:
    for caution in cautions:
        typer.secho("  caution     ", fg="yellow", nl=False)
        typer.echo(caution)
