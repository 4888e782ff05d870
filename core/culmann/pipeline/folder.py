"""The run folder: files of the outputs, pictures for checking, and a manifest; written whole, readable without culmann."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import secrets
import shutil
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from culmann.errors import InputError
from culmann.pipeline.again import runnable_text
from culmann.pipeline.digests import config_facts
from culmann.pipeline.graph import Graph
from culmann.pipeline.place import KIND
from culmann.pipeline.work import Work, culmann_version
from culmann.whole import in_one_step

_LIBRARIES = ("numpy", "scipy", "SimpleITK", "numba")


@contextlib.contextmanager
def staged(out: Path) -> Iterator[Path]:
    """A folder beside the run folder, to be filled and put in its place; what is left of it in the end goes."""
    folder = out.parent / f".{out.name}.{os.getpid()}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True)
        yield folder
    except OSError as problem:
        raise InputError(f"the run folder {out} cannot be written: {problem.strerror}") from problem
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def fill(work: Work, folder: Path) -> dict[str, Any]:
    """Write the files of a run into a folder; gives back its manifest."""
    for output in work.graph.outputs:
        _export(work, output.value, folder / output.folder)
    for owner in [*work.graph.inputs, *work.graph.steps]:
        if any(name.startswith("attachments/") for name in work.entry(owner).manifest["files"]):
            _copy(work, owner, Path("attachments"), folder / ".staged")
            (folder / "qc").mkdir(exist_ok=True)
            for path in (folder / ".staged").iterdir():
                path.rename(folder / "qc" / f"{owner}-{path.name}")
            (folder / ".staged").rmdir()
    text = runnable_text(work.graph, {name: bound.path for name, bound in work.bound.items()})
    (folder / "pipeline.yaml").write_text(text, encoding="utf-8")
    return write_manifest(folder, _manifest(work))


def write_manifest(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Write `manifest.json` with the facts and a list of all files there; gives back what it holds."""
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    manifest = {**facts, "files": sorted(there - {"manifest.json"})}
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    with in_one_step(folder / "manifest.json") as part:
        part.write_text(text + "\n", encoding="utf-8")
    return manifest


def _export(work: Work, value_id: str, folder: Path) -> None:
    """The files of a value: copied from the store without being understood, or saved when the value is an input."""
    owner, _, output = value_id.partition(".")
    folder.mkdir(parents=True, exist_ok=True)
    if owner in work.bound:
        work.value(value_id).save(folder)
        return
    if not work.entry(owner).intact():
        work.discard(owner)
    staged = folder / f".{owner}-{output}"
    _copy(work, owner, Path("value") / output, staged)
    for path in sorted(p for p in staged.rglob("*") if p.is_file()):
        target = folder / path.relative_to(staged)
        if target.exists():  # two reports with a file of the same name
            target = target.with_name(f"{owner}-{target.name}")
        target.parent.mkdir(parents=True, exist_ok=True)
        path.rename(target)
    shutil.rmtree(staged)


def _copy(work: Work, owner: str, part: Path, to: Path) -> None:
    """Copy a part of a stored result, also while another process puts a new one in its place."""
    for _ in range(20):
        home = work.entry(owner).folder / part
        with contextlib.suppress(FileNotFoundError, shutil.Error):
            shutil.copytree(home, to, copy_function=shutil.copyfile)
            return
        shutil.rmtree(to, ignore_errors=True)
        work.entries.pop(owner)
    raise InputError(f"the result of {owner!r} keeps changing in the store: other processes compute it anew")


def about_run(graph: Graph) -> dict[str, Any]:
    """What a manifest says of the pipeline and of the moment."""
    return {
        "kind": KIND,
        "pipeline": graph.name,
        "about": graph.about,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "culmann": culmann_version(),
        "pipeline_file": str(graph.path),
        "pipeline_sha256": hashlib.sha256(graph.text.encode()).hexdigest(),
        "pipeline_text": graph.text,
        "settings": list(graph.settings),
    }


def _manifest(work: Work) -> dict[str, Any]:
    graph = work.graph
    offers = [bound.reader.offer for bound in work.bound.values()] + [step.offer for step in graph.steps.values()]
    return {
        **about_run(graph),
        "store": str(work.store.folder),
        **({"variant": graph.variant} if graph.variant else {}),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "plugins": {offer.distribution: offer.version for offer in offers},
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "inputs": {
            name: {
                "path": str(bound.path),
                "sha256": work.digests[name],
                "reader": bound.reader.offer.step.name,
                "config": config_facts(bound.config),
                "warnings": work.entry(name).manifest["warnings"],
            }
            for name, bound in work.bound.items()
        },
        "steps": {name: _step(work, name) for name in graph.steps},
        "outputs": [{"value": output.value, "folder": output.folder} for output in graph.outputs],
        "citations": {offer.step.name: list(offer.step.cite) for offer in offers if offer.step.cite},
    }


def _step(work: Work, name: str) -> dict[str, Any]:
    step, stored = work.graph.steps[name], work.entry(name).manifest
    return {
        "use": step.offer.step.name,
        "plugin": step.offer.plugin,
        "distribution": step.offer.distribution,
        "version": step.offer.version,
        "from": dict(step.links),
        "config": config_facts(step.config),
        "cite": list(step.offer.step.cite),
        "key": work.keys[name],
        "code": stored["code"],
        "from_store": name not in work.made,
        "seconds": stored["seconds"],
        "peak_memory_mb": stored["peak_memory_mb"],
        "computed": stored["when"],
        "warnings": stored["warnings"],
        **({"incomplete": work.incomplete[name]} if name in work.incomplete else {}),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
