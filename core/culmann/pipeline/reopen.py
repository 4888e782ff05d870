"""An earlier run opened again from its folder: nothing is computed, values come from the store or from that folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from culmann.errors import InputError
from culmann.home import from_home
from culmann.pipeline.digests import path_digest
from culmann.pipeline.graph import Graph
from culmann.pipeline.inputs import Bound, bind
from culmann.pipeline.listener import Silent
from culmann.pipeline.place import KIND
from culmann.pipeline.reading import read_pipeline
from culmann.pipeline.run import Run
from culmann.pipeline.store import Store, is_store, store_folder
from culmann.pipeline.work import Work
from culmann.plugins import load_catalogue


def reopen(folder: Path, store: Path | None = None) -> Run:
    """Open the folder of an earlier run, or of one variant of it.

    Parameters
    ----------
    folder
        The run folder.
    store
        The store of that run; by default the one that its manifest names.

    Raises
    ------
    InputError
        When the folder is not that of a run. A value that is neither in the store nor in the folder any more, and an input
        whose file has changed, are told when they are asked for.
    PipelineError, PluginError
        When the pipeline of that run cannot be read with the plugins that are installed now.
    """
    folder = from_home(folder).resolve()
    manifest = _manifest(folder)
    if "variants" not in manifest:
        return Run(folder, manifest, None, _values(folder, manifest, _graph(manifest, [manifest]), store))
    inner = {name: _manifest(folder / name) for name in manifest["variants"] if (folder / name / "manifest.json").is_file()}
    if not inner:
        raise InputError(f"{folder} holds no variant of the run any more", hint=_AGAIN)
    graph = _graph(manifest, list(inner.values()))
    values = {name: _values(folder / name, found, graph.variants[name], store) for name, found in inner.items()}
    runs = {name: Run(folder / name, inner[name], None, kept) for name, kept in values.items()}
    problems = {name: InputError(told["problem"]) for name, told in manifest["variants"].items() if "problem" in told}
    return Run(folder, manifest, None, next(iter(values.values())), runs, problems)


@dataclass(slots=True)
class Kept:
    """What is left of the values of a run.

    Parameters
    ----------
    folder, manifest, graph, store
        The run folder and what it says, its pipeline, and where results are kept (None when there is no store any more).
    incomplete
        {step: why} of what ended early.
    """

    folder: Path
    manifest: Mapping[str, Any]
    graph: Graph
    store: Store | None
    incomplete: dict[str, str]
    _inputs: dict[str, Any] = field(default_factory=dict)

    def value(self, value_id: str) -> Any:
        """A value: an input from its file, anything else from the store, or from the run folder where it is an output."""
        owner, _, output = value_id.partition(".")
        if owner in self.graph.inputs:
            return self._input(owner)
        kind: Any = self.graph.types()[value_id]
        stored = self.store.find(self.manifest["steps"][owner]["key"]) if self.store else None
        places = [stored.value_folder(output)] if stored else []
        places += [self.folder / kept["folder"] for kept in self.manifest["outputs"] if kept["value"] == value_id]
        for place in places:
            try:
                return kind.load(place)
            except Exception:  # whatever is wrong with these files, the next ones may be whole
                continue
        where = self.store.folder if self.store else store_folder(Path(self.manifest.get("store", "")))
        raise InputError(f"{value_id!r} of the run in {self.folder} is not in the store {where} any more", hint=_AGAIN)

    def let_go(self) -> None:
        """Forget the inputs that were read."""
        self._inputs.clear()

    def _input(self, owner: str) -> Any:
        if owner not in self._inputs:
            bound = self._bound(owner)
            alone = replace(self.graph, steps={})  # the other inputs are not wanted, and may be gone
            self._inputs[owner] = Work(alone, {owner: bound}, self.store or Store(), Silent()).value(owner)
        return self._inputs[owner]

    def _bound(self, owner: str) -> Bound:
        facts = self.manifest["inputs"][owner]
        path = Path(facts["path"])
        if not path.exists():
            raise InputError(f"input {owner!r} of the run in {self.folder}: there is no {path} any more", hint=_AGAIN)
        if path_digest(path) != facts["sha256"]:
            raise InputError(f"input {owner!r} of the run in {self.folder}: {path} has changed since", hint=_AGAIN)
        return bind(self.graph, {owner: path}, all_needed=False)[owner]


_AGAIN = "run the pipeline again"


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if found["kind"] == KIND and isinstance(found["pipeline_text"], str):
            return dict(found)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    there = "is no run folder" if folder.is_dir() else "is a file, and no run folder" if folder.exists() else "does not exist"
    raise InputError(f"{folder} {there}", hint="give the folder that `culmann run` names as its results, with a manifest.json")


def _graph(manifest: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Graph:
    """The pipeline of the run, with the one-file plugins that its parts used."""
    used = {Path(name) for part in parts for name, version in part["plugins"].items() if not version}
    catalogue = load_catalogue([file for file in sorted(used) if file.is_file()])
    wanted = [*manifest.get("variants", ()), *filter(None, [manifest.get("variant")])]
    path, text = Path(manifest["pipeline_file"]), manifest["pipeline_text"]
    return read_pipeline(path, catalogue, manifest["settings"], wanted, text=text)


def _values(folder: Path, manifest: Mapping[str, Any], graph: Graph, store: Path | None) -> Kept:
    place = store_folder(store or (Path(manifest["store"]) if "store" in manifest else None))
    ended = {name: step["incomplete"] for name, step in manifest["steps"].items() if "incomplete" in step}
    return Kept(folder, manifest, graph, Store(place) if is_store(place) else None, ended)
