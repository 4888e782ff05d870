"""`culmann export bids`, `ro-crate` and `slicer`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from culmann_interchange.arguments import LABELS, NEW_FOLDER, RUN, STORE, VARIANT


def bids(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN…", help="Folders of runs, or of cohorts.")],
    out: NEW_FOLDER,
    name: Annotated[str, typer.Option(help="The name of the dataset.")] = "culmann",
    subject: Annotated[str | None, typer.Option(help="The subject of all the runs, letters and digits.")] = None,
    session: Annotated[str | None, typer.Option(help="The session of all the runs, letters and digits.")] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            help="A table of cases: `case` is the name of a run's folder; `patient`, `session` and `side` name its files."
        ),
    ] = None,
    source_datasets: Annotated[
        list[str] | None,
        typer.Option("--source-dataset", metavar="URL|DOI", help="Where the scans come from. May be repeated."),
    ] = None,
    licence: Annotated[str | None, typer.Option(help="The licence of the dataset, for example CC-BY-4.0.")] = None,
    with_scan: Annotated[bool, typer.Option("--with-scan", help="Copy the scans as well.")] = False,
    store: STORE = None,
) -> None:
    """Write runs as a folder laid out like a BIDS derivative."""
    from culmann_interchange.bids import write_bids
    from culmann_interchange.bids_names import read_facts
    from culmann_interchange.cases import cases_of

    write_bids(
        cases_of(runs, store),
        out,
        name=name,
        subject=subject,
        session=session,
        facts=read_facts(table) if table else None,
        source_datasets=source_datasets or [],
        licence=licence,
        with_scan=with_scan,
    )
    typer.echo(f"BIDS derivative in {out}")


def ro_crate(
    run: RUN,
    out: Annotated[Path, typer.Option("--out", help="The folder or `.zip` file to write; it must not be there yet.")],
    licence: Annotated[
        str | None, typer.Option(help="The licence of the results: an SPDX identifier such as CC-BY-4.0, or an address.")
    ] = None,
    with_inputs: Annotated[
        bool, typer.Option("--with-inputs", help="Carry the input files along; otherwise they are named by their SHA-256.")
    ] = False,
) -> None:
    """Write a run as an RO-Crate."""
    from culmann_interchange.ro_crate import write_crate

    write_crate(run, out, licence=licence, with_inputs=with_inputs)
    typer.echo(f"RO-Crate in {out}")


def slicer(run: RUN, out: NEW_FOLDER, variant: VARIANT = None, labels: LABELS = None, store: STORE = None) -> None:
    """Write a run as a scene for 3D Slicer: open `scene.mrml` there."""
    from culmann_interchange.cases import one_case
    from culmann_interchange.slicer import write_scene

    for missing in write_scene(one_case(run, variant, store), out, labels):
        typer.secho("  caution     ", fg="yellow", nl=False)
        typer.echo(missing)
    typer.echo(f"Scene for 3D Slicer: {out / 'scene.mrml'}")
