"""Where a run folder may lie, and how it takes its place: only an earlier run gives way, and no file of the user is lost."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from culmann.errors import InputError
from culmann.pipeline.graph import Graph
from culmann.pipeline.inputs import Bound
from culmann.pipeline.options import paths_in

#: `kind` in the manifest of a run folder.
KIND = "culmann run"


def check_out(out: Path, graph: Graph, bound: Mapping[str, Bound], store: Path) -> None:
    """Refuse a run folder that cannot be written, in which something that is needed lies, or which is no earlier run's.

    Raises
    ------
    InputError
        Before anything is computed or written.
    """
    for what, path in _needed(graph, bound, store):
        if path == out or path.is_relative_to(out):
            raise InputError(
                f"the run folder {out} {'is' if path == out else 'contains'} {what}{'' if path == out else f' {path}'}, "
                f"and a run replaces the whole folder",
                hint="name a folder of its own for the results, for example --out runs/first",
            )
    above = out
    while not above.exists():
        above = above.parent
    if not above.is_dir():
        raise InputError(f"the run folder {out} cannot be made: {above} is a file")
    if not os.access(above if above != out else out.parent, os.W_OK):
        raise InputError(f"the run folder {out} cannot be written: no permission in {above}")
    _earlier(out)


def put(folder: Path, out: Path) -> dict[str, Any] | None:
    """Make a finished folder the run folder. Gives back the manifest of the run that it replaces, if there was one.

    Files in the old folder that its manifest does not list are moved to the same place in the new one, or to the same place
    below `kept-1` when the new run has a file of that name.

    Raises
    ------
    InputError
        When a folder that is no run folder came to be there meanwhile, or when files could not be moved.
    OSError
        When the folder cannot take its place; the old one stays then.
    """
    earlier = _earlier(out)
    if earlier is None:
        if out.exists():
            out.rmdir()
        folder.rename(out)
        return None
    old = out.with_name(f"{out.name}.replaced-{secrets.token_hex(4)}")
    out.rename(old)
    try:
        folder.rename(out)
    except OSError:
        old.rename(out)
        raise
    listed = {*earlier["files"], "manifest.json"}
    try:
        for path in sorted(path for path in old.rglob("*") if path.is_symlink() or not path.is_dir()):
            if path.relative_to(old).as_posix() not in listed:
                place = _free_place(out, path.relative_to(old))
                place.parent.mkdir(parents=True, exist_ok=True)
                path.rename(place)
    except OSError as problem:
        raise InputError(
            f"the new run is in {out}, but files of yours that lay in the old folder could not be moved there "
            f"({problem.strerror}): they are in {old}"
        ) from problem
    shutil.rmtree(old, ignore_errors=True)
    return earlier


def _needed(graph: Graph, bound: Mapping[str, Bound], store: Path) -> Iterator[tuple[str, Path]]:
    """(what it is, where it is) of everything that a run folder must not take the place of."""
    yield "the current folder", Path.cwd().resolve()
    yield "the pipeline file", graph.path.resolve()
    for name, entry in bound.items():
        yield f"the input {name!r}", entry.path.resolve()
    catalogue = graph.catalogue
    for offer in [*catalogue.offers.values(), *itertools.chain.from_iterable(catalogue.clashes.values())]:
        if offer.one_file:
            yield "the one-file plugin", offer.file.resolve()
    configs = {name: entry.config for name, entry in bound.items()} | {n: step.config for n, step in graph.steps.items()}
    for name, config in configs.items():
        for at, path in paths_in(config):
            if path.exists():
                yield f"the file of the option {name}.{'.'.join(map(str, at))}", path.resolve()
    yield "the store", store
    with contextlib.suppress(RuntimeError):  # a process without a home
        yield "your home folder", Path.home().resolve()


def _earlier(out: Path) -> dict[str, Any] | None:
    """The manifest of the run in a folder; None when the folder is empty or not there. InputError for any other folder."""
    if not out.is_dir() or not any(out.iterdir()):
        return None
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        manifest: dict[str, Any] = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
        if manifest["kind"] == KIND and all(isinstance(name, str) for name in manifest["files"]):
            return manifest
    raise InputError(
        f"the folder {out} is not empty and not the folder of an earlier run, and a run replaces the whole folder",
        hint="name another folder with --out",
    )


def _free_place(out: Path, name: Path) -> Path:
    """Where a file can be put without taking the place of another."""
    for top in itertools.chain([out], (out / f"kept-{n}" for n in itertools.count(1))):
        above = [folder for folder in (top / name).parents if folder.is_relative_to(top)]
        if not os.path.lexists(top / name) and all(folder.is_dir() or not os.path.lexists(folder) for folder in above):
            return top / name
    raise AssertionError  # the count has no end
