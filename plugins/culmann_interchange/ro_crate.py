"""A run as an RO-Crate: its files, and beside them `ro-crate-metadata.json`, which says what each is and how it came about."""

from __future__ import annotations

import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from culmann.errors import InputError
from culmann.pipeline.digests import file_digest, path_digest
from culmann.whole import new_file, new_folder
from culmann_interchange.crate_entities import (
    PROFILES,
    PROGRAM,
    WORKFLOW,
    Entity,
    named_by_content,
    plain,
    profiles,
    ref,
    settings,
    software,
    sources,
    workflow,
)
from culmann_interchange.file_kinds import media_type
from culmann_interchange.run_folder import RunFolder, read_run_folder

METADATA = "ro-crate-metadata.json"
#: What somebody who names it expects no folder to be.
_OTHER_ARCHIVES = {".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar"}
_CRATE = "https://w3id.org/ro/crate/1.1"
_CONTEXT = [f"{_CRATE}/context", "https://w3id.org/ro/terms/workflow-run/context"]


def write_crate(run: Path, out: Path, *, licence: str | None = None, with_inputs: bool = False) -> None:
    """Write a crate as a folder, or as a ZIP file when `out` ends with `.zip`.

    Parameters
    ----------
    run
        The folder of a run.
    out
        What to write; it must not be there yet.
    licence
        Under which the results may be used: an address, or an SPDX identifier.
    with_inputs
        Carry the input files along. Without it they are named by their SHA-256 only.

    Raises
    ------
    InputError
        When it is no run folder or not whole, or an input that is wanted has changed since the run.
    """
    if out.suffix.lower() in _OTHER_ARCHIVES:
        raise InputError(f"{out} cannot be written: a crate is a folder or a .zip file", hint=f"--out {out.stem}.zip")
    source = read_run_folder(run)
    if not source.parts:
        raise InputError(f"no variant of the run {run} has a result")
    if out.name.lower().endswith(".zip"):
        with new_file(out) as archive, tempfile.TemporaryDirectory(dir=archive.parent) as folder:
            _fill(source, Path(folder), licence, with_inputs)
            _zip(Path(folder), archive)
        return
    with new_folder(out) as folder:
        _fill(source, folder, licence, with_inputs)


def _fill(source: RunFolder, folder: Path, licence: str | None, with_inputs: bool) -> None:
    for name in source.files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.folder / name, folder / name)
    # A run with variants keeps the pipeline file in the folder of each of them.
    (folder / WORKFLOW).write_text(source.manifest["pipeline_text"], encoding="utf-8")
    inputs = _inputs(source, folder, with_inputs)
    graph = [*_entities(source, folder, inputs, licence)]
    text = json.dumps({"@context": _CONTEXT, "@graph": graph}, indent=2, ensure_ascii=False)
    (folder / METADATA).write_text(text + "\n", encoding="utf-8")


def _entities(source: RunFolder, folder: Path, inputs: Mapping[str, Entity], licence: str | None) -> Iterator[Entity]:
    manifest, parts = source.manifest, source.parts
    carried = [name for name in sorted({*source.files}) if name != WORKFLOW]
    runs = [_action(source, part, inputs) for part in parts]
    papers = sources(parts)
    parts_of_crate = [WORKFLOW, *carried, *(entry["@id"] for entry in inputs.values())]
    yield {
        "@id": METADATA,
        "@type": "CreativeWork",
        "conformsTo": [ref(_CRATE), ref("https://w3id.org/workflowhub/workflow-ro-crate/1.0")],
        "about": ref("./"),
    }
    yield {
        "@id": "./",
        "@type": "Dataset",
        "name": f"{manifest['pipeline']}: a run of culmann",
        "description": f"{manifest['about']}. Computed by culmann {manifest['culmann']}, which is no medical device.",
        "datePublished": manifest["when"],
        "conformsTo": [ref(address) for address in PROFILES],
        "hasPart": [ref(name) for name in dict.fromkeys(parts_of_crate)],
        "mainEntity": ref(WORKFLOW),
        "mentions": plain([ref(str(action["@id"])) for action, _ in runs]),
        "citation": [ref(identifier) for identifier in papers],
        **({"license": ref(_licence(licence)["@id"])} if licence else {}),
    }
    yield from profiles()
    yield from workflow(manifest, parts)
    yield from software(parts, manifest["culmann"])
    for action, values in runs:
        yield action
        yield from values
    yield from {entry["@id"]: entry for entry in inputs.values()}.values()
    for name in carried:
        yield _file(folder, name)
    yield from papers.values()
    licences = [_licence("Apache-2.0"), *([_licence(licence)] if licence else [])]
    yield from {entry["@id"]: entry for entry in licences}.values()


def _action(source: RunFolder, variant: str, inputs: Mapping[str, Entity]) -> tuple[Entity, list[Entity]]:
    """One run of the pipeline, and the numbers that came out of it."""
    part = source.parts[variant]
    before = f"{variant}/" if variant else ""
    files = [f"{before}{name}" for name in part["files"] if name != WORKFLOW]
    values = list(_numbers(source.folder, before, files))
    options: list[Entity] = [
        {
            "@id": f"#set-{option}",
            "@type": "PropertyValue",
            "name": option,
            "value": value,
            "exampleOfWork": ref(f"#option-{option}"),
        }
        for option, value in settings(source.manifest)
    ]
    early = {name: step["incomplete"] for name, step in part["steps"].items() if "incomplete" in step}
    action = {
        "@id": f"#run-{variant}" if variant else "#run",
        "@type": "CreateAction",
        "name": f"{part['pipeline']}{f', variant {variant}' if variant else ''}",
        "description": part["about"] or f"a run of {part['pipeline']}",
        "instrument": ref(WORKFLOW),
        "agent": ref(PROGRAM),
        "endTime": part["when"],
        "object": [ref(entity["@id"]) for entity in [*(inputs[key] for key in _input_keys(part, inputs)), *options]],
        "result": [*map(ref, files), *(ref(value["@id"]) for value in values)],
        "actionStatus": "http://schema.org/FailedActionStatus" if early else "http://schema.org/CompletedActionStatus",
        **({"error": "; ".join(dict.fromkeys(early.values()))} if early else {}),
    }
    return action, [*values, *options]


def _numbers(folder: Path, before: str, files: list[str]) -> Iterator[Entity]:
    for name in files:
        if Path(name).name == "strength.json":
            facts = json.loads((folder / name).read_text(encoding="utf-8"))
            yield {
                "@id": f"#failure-load-{name.removesuffix('/strength.json') if '/' in name else 'n'}",
                "@type": "PropertyValue",
                "name": f"{before}failure load",
                "description": "; ".join([facts["criterion"], *(f"caution: {text}" for text in facts["caveats"])]),
                "value": f"{facts['failure_load_n']:.6g}",
                "unitText": "N",
            }


def _inputs(source: RunFolder, folder: Path, with_inputs: bool) -> dict[str, Entity]:
    """{name/SHA-256: entity} of all inputs of all variants."""
    found: dict[str, Entity] = {}
    for part in source.parts.values():
        for name, facts in part["inputs"].items():
            path, sha256 = Path(facts["path"]), facts["sha256"]
            if f"{name}/{sha256}" in found:
                continue
            entity: Entity = {"name": f"input {name}", "description": f"read by {facts['reader']}", "sha256": sha256}
            if not with_inputs:
                entity |= {"@id": named_by_content(sha256), "@type": "File", "encodingFormat": media_type(path.name)}
            else:
                entity |= _carry(name, path, sha256, folder)
            found[f"{name}/{sha256}"] = {**entity, "exampleOfWork": ref(f"#input-{name}")}
    return found


def _input_keys(part: Mapping[str, Any], inputs: Mapping[str, Entity]) -> list[str]:
    return [key for key in (f"{name}/{facts['sha256']}" for name, facts in part["inputs"].items()) if key in inputs]


def _carry(name: str, path: Path, sha256: str, folder: Path) -> Entity:
    if not path.exists():
        raise InputError(
            f"input {name!r} is no longer at {path}", hint="leave --with-inputs out: it is then named by its SHA-256"
        )
    if path_digest(path) != sha256:
        raise InputError(
            f"input {name!r} has changed since the run: {path} has another SHA-256",
            hint="run the pipeline again, or leave --with-inputs out",
        )
    place = folder / "inputs" / name
    place.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, place / path.name, copy_function=shutil.copyfile)
        return {"@id": f"inputs/{name}/{path.name}/", "@type": "Dataset"}
    shutil.copyfile(path, place / path.name)
    size = str(path.stat().st_size)
    return {"@id": f"inputs/{name}/{path.name}", "@type": "File", "contentSize": size, "encodingFormat": media_type(path.name)}


def _file(folder: Path, name: str) -> Entity:
    return {
        "@id": name,
        "@type": "File",
        "name": name,
        "encodingFormat": media_type(name),
        "contentSize": str((folder / name).stat().st_size),
        "sha256": file_digest(folder / name),
    }


def _licence(text: str) -> Entity:
    address = text if "://" in text else f"https://spdx.org/licenses/{text}"
    return {"@id": address, "@type": "CreativeWork", "name": text, "url": address}


def _zip(folder: Path, archive: Path) -> None:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            packed.write(path, path.relative_to(folder).as_posix())
