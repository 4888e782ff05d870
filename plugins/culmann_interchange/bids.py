"""Runs as a folder laid out like a BIDS derivative: labels under `anat`, curve, fields and failure load under `fe`."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from culmann.data import Response, Scan, Strength
from culmann.data.records import read_json, write_json
from culmann.errors import InputError
from culmann.image_files import write_image_file
from culmann.whole import new_folder
from culmann_interchange.bids_names import Facts, Place, places
from culmann_interchange.bids_texts import FE_COLUMNS, LOAD_COLUMNS, description, participant_columns, readme
from culmann_interchange.cases import Case
from culmann_interchange.segments import colours

#: What BIDS has no word for: CT is an extension proposal (BEP024), finite elements are not even that.
_IGNORED = ("**/fe", "**/ct", "failure_loads.tsv", "failure_loads.json")
_SHOWN = (".png", ".svg", ".html", ".pdf")


def write_bids(
    cases: Sequence[Case],
    out: Path,
    *,
    name: str = "culmann",
    subject: str | None = None,
    session: str | None = None,
    facts: Facts | None = None,
    source_datasets: Sequence[str] = (),
    licence: str | None = None,
    with_scan: bool = False,
) -> None:
    """Write the dataset into a new folder.

    Parameters
    ----------
    cases
        Runs, each with its variants.
    out
        The folder.
    name
        Of the dataset.
    subject, session
        For all of the runs; by default as `bids_names.places` has them.
    facts
        {case: {column: text}} of a table of cases.
    source_datasets
        Addresses or DOIs of the data that the runs were computed from, beside BIDS datasets that their scans lie in.
    licence
        Of the dataset, as it is to be written.
    with_scan
        Copy the scans as well, under `ct`.

    Raises
    ------
    InputError
        When two runs would have the same names, or a value of a run is not to be had any more.
    """
    placed = places(cases, subject, session, facts or {})
    if not placed:
        raise InputError("there is no run to export")
    with new_folder(out) as folder:
        sources = [*map(_source, source_datasets), *_datasets_of(cases, out)]
        write_json(folder / "dataset_description.json", description(name, cases, sources, licence))
        (folder / "README.md").write_text(readme(name, cases), encoding="utf-8")
        (folder / ".bidsignore").write_text("\n".join(_IGNORED) + "\n", encoding="utf-8")
        rows = list[dict[str, Any]]()
        for place, case in placed:
            _labels(place, case, folder)
            if with_scan:
                _scan(place, case, folder)
            rows += _results(place, case, folder)
        _table(folder / "failure_loads.tsv", list(LOAD_COLUMNS), rows)
        write_json(folder / "failure_loads.json", LOAD_COLUMNS)
        _participants(folder, [place for place, _ in placed])


def _labels(place: Place, case: Case, folder: Path) -> None:
    """The label map of the mesh where the patient has it, its names as a lookup table, and how it came about."""
    if not case.has_labels():
        return
    labels, home = case.labels_in_patient(), folder / place.folder / "anat"
    home.mkdir(parents=True, exist_ok=True)
    stem = home / place.file("dseg", "space-orig")
    write_image_file(stem.with_name(f"{stem.name}.nii.gz"), labels)
    shade = {label: "#" + "".join(f"{round(255 * part):02x}" for part in colour) for label, colour in colours(labels).items()}
    rows = [{"index": label, "name": name, "color": shade[label]} for label, name in labels.present().items()]
    _table(stem.with_name(f"{stem.name}.tsv"), ["index", "name", "color"], rows)
    facts = {
        "Description": f"Labels that the mesh was built from: {case.labels_id()!r} of the pipeline {case.manifest['pipeline']}",
        "SpatialReference": "orig",
        "History": list(labels.history),
        **_origin(case),
    }
    write_json(stem.with_name(f"{stem.name}.json"), facts)


def _scan(place: Place, case: Case, folder: Path) -> None:
    scan_id = case.scan_id()
    if scan_id is None:
        raise InputError(f"the run {case.title} did not begin with a scan", hint="leave --with-scan out")
    home, sha256 = folder / place.folder / "ct", case.manifest["inputs"][scan_id]["sha256"]
    stem = f"{place.folder.replace('/', '_')}_ct"
    if (home / f"{stem}.json").exists():
        if read_json(home / f"{stem}.json")["SHA256"] != sha256:
            raise InputError(
                f"the scan of {case.title} is not that of the other runs of {place.folder}",
                hint="give it another session, with --table, or leave --with-scan out",
            )
        return
    scan: Scan = case.run.value(scan_id)
    home.mkdir(parents=True, exist_ok=True)
    write_image_file(home / f"{stem}.nii.gz", scan)
    facts = {"Modality": "CT", "Units": "HU", "Acquisition": dict(scan.acquisition), "SHA256": sha256}
    write_json(home / f"{stem}.json", facts)


def _results(place: Place, case: Case, folder: Path) -> list[dict[str, Any]]:
    """Failure load, curve, fields and pictures; gives back the rows of the table of failure loads."""
    home = folder / place.folder / "fe"
    home.mkdir(parents=True, exist_ok=True)
    rows = list[dict[str, Any]]()
    for value in case.strength_ids():
        strength: Strength = case.run.value(value)
        facts = {name: getattr(strength, name) for name in LOAD_COLUMNS if hasattr(strength, name)}
        rows.append(
            {
                "participant_id": f"sub-{place.subject}",
                "session_id": f"ses-{place.session}" if place.session else None,
                "desc": place.description,
                "value": value,
                **facts,
                "cautions": " | ".join(strength.caveats),
            }
        )
        write_json(
            home / f"{place.file('strength', *_named(case, value))}.json",
            {**facts, "Cautions": list(strength.caveats), **_origin(case)},
        )
    response_id = case.response_id()
    if response_id is not None:
        response: Response = case.run.value(response_id)
        curve = zip(response.displacement_mm.tolist(), response.force_n.tolist(), strict=True)
        stem = home / place.file("curve")
        _table(stem.with_name(f"{stem.name}.tsv"), list(FE_COLUMNS), [dict(zip(FE_COLUMNS, row, strict=True)) for row in curve])
        write_json(stem.with_name(f"{stem.name}.json"), FE_COLUMNS)
        _fields(response, home, place.file("fields"))
    for file in case.manifest["files"]:
        if file.lower().endswith(_SHOWN):
            at = home / "figures" / f"{place.file(file.replace('/', '-'))}"
            at.parent.mkdir(exist_ok=True)
            shutil.copyfile(case.run.out / file, at)
    (home / f"{place.file('pipeline')}.yaml").write_text(case.manifest["pipeline_text"], encoding="utf-8")
    return rows


def _fields(response: Response, home: Path, stem: str) -> None:
    """The fields as VTU, as the run folder has them."""
    with new_folder(home / ".response") as folder:
        response.save(folder)
        (folder / "fields.vtu").rename(home / f"{stem}.vtu")
        (folder / "fields.json").rename(home / f"{stem}.json")
    shutil.rmtree(home / ".response")


def _named(case: Case, value: str) -> tuple[str, ...]:
    """Where a run has several failure loads, the name of each."""
    return () if len(case.strength_ids()) == 1 else (f"label-{''.join(c for c in value if c.isalnum())}",)


def _origin(case: Case) -> dict[str, Any]:
    """What stands in every JSON file: the pipeline, its steps, and the inputs by name and SHA-256 without their folders."""
    manifest = case.manifest
    return {
        "Pipeline": manifest["pipeline"],
        "PipelineSHA256": manifest["pipeline_sha256"],
        "Settings": manifest["settings"],
        "Steps": {name: step["use"] for name, step in manifest["steps"].items()},
        "Inputs": {name: {"File": Path(f["path"]).name, "SHA256": f["sha256"]} for name, f in manifest["inputs"].items()},
        "Computed": manifest["when"],
    }


def _participants(folder: Path, placed: Iterable[Place]) -> None:
    """One row a subject, with the facts that all of its cases agree on."""
    rows: dict[str, dict[str, Any]] = {}
    for place in placed:
        told = {name: text for name, text in participant_columns(place.facts).items() if text}
        row = rows.setdefault(f"sub-{place.subject}", {"participant_id": f"sub-{place.subject}", **told})
        for name in [name for name in row if name != "participant_id" and row[name] != told.get(name, row[name])]:
            del row[name]
    columns = list(dict.fromkeys(["participant_id", *(name for row in rows.values() for name in row)]))
    _table(folder / "participants.tsv", columns, list(rows.values()))
    more = {name: {"Description": f"{name}, as the table of cases has it"} for name in columns[1:]}
    write_json(folder / "participants.json", {"participant_id": {"Description": "the subject"}, **more})


def _source(text: str) -> dict[str, str]:
    return {"DOI": text} if text.lower().startswith(("doi:", "10.")) else {"URL": text}


def _datasets_of(cases: Sequence[Case], out: Path) -> Iterator[dict[str, str]]:
    """The BIDS datasets that the scans lie in."""
    roots = dict.fromkeys(
        parent
        for case in cases
        for facts in case.manifest["inputs"].values()
        for parent in Path(facts["path"]).parents
        if (parent / "dataset_description.json").is_file()
    )
    for root in roots:
        told = json.loads((root / "dataset_description.json").read_text(encoding="utf-8"))
        doi = {"DOI": told["DatasetDOI"]} if told.get("DatasetDOI") else {}
        yield {"URL": Path(os.path.relpath(root, out.absolute())).as_posix(), **doi}


def _table(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """A table as BIDS has it: tabs between cells, n/a where there is nothing."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, delimiter="\t", lineterminator="\n", quoting=csv.QUOTE_NONE, escapechar=None, quotechar=None)
        table.writerow(columns)
        for row in rows:
            table.writerow([_cell(row.get(column)) for column in columns])


def _cell(value: Any) -> str:
    text = "n/a" if value is None or value == "" else f"{value:.9g}" if isinstance(value, float) else str(value)
    return " ".join(text.split())
