"""Inputs of a pipeline: their types, the readers that give them, and the files of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from culmann.catalogue import Catalogue, Offer
from culmann.config import Config
from culmann.errors import InputError, PluginError
from culmann.home import from_home
from culmann.pipeline.graph import Graph, Input
from culmann.pipeline.options import check_options
from culmann.pipeline.problems import Mark, Problem, Problems, did_you_mean
from culmann.pipeline.source import Node
from culmann.ports import ONLY, Ports, is_data, ports_of


@dataclass(frozen=True, slots=True)
class Reader:
    """A reader that can be used, and what it gives."""

    offer: Offer
    ports: Ports

    @property
    def gives(self) -> type:
        """The type that it reads."""
        return self.ports.outputs[ONLY]


@dataclass(frozen=True, slots=True)
class Bound:
    """An input with the file of this run and the reader for it."""

    id: str
    path: Path
    reader: Reader
    config: Config | None


def readers(catalogue: Catalogue) -> tuple[list[Reader], list[str]]:
    """The readers that can be loaded, and what is wrong with the others."""
    found, wrong = list[Reader](), list[str]()
    for offer in catalogue.of_kind("readers"):
        try:
            ports = ports_of(offer)
            if ONLY not in ports.outputs:
                raise PluginError(f"reader {offer.step.name!r} gives several results; a reader gives one")
            found.append(Reader(offer, ports))
        except PluginError as problem:
            wrong.append(problem.message)
    return found, wrong


def type_names(catalogue: Catalogue) -> dict[str, type]:
    """{name: type} of everything that an input may be: what a reader gives."""
    return {reader.gives.__name__: reader.gives for reader in readers(catalogue)[0]}


def data_type(node: Node, catalogue: Catalogue, problems: Problems) -> type | None:
    """The type that a name stands for; notes a problem when no reader gives it."""
    import culmann.data

    known = type_names(catalogue)
    name = str(node.value)
    if name in known:
        return known[name]
    _, wrong = readers(catalogue)
    hint = f"some readers cannot be used: {'; '.join(wrong)}" if wrong else ""
    if is_data(getattr(culmann.data, name, None)):
        problems.add(node.mark, f"no plugin has a reader for {name}", hint)
    else:
        problems.add(node.mark, f"there is no type {name!r} that a file can be read into{did_you_mean(name, known)}", hint)
    return None


def check_reader(entry: Input, mark: Mark, catalogue: Catalogue, problems: Problems) -> None:
    """Check the reader that an input names, and its options: at least one reader that may be chosen must take them."""
    if entry.use is not None:
        if entry.use.kind != "readers":
            problems.add(mark, f"{entry.use.step.name!r} is no reader, it belongs to the {entry.use.kind}")
            return
        try:
            ports = ports_of(entry.use)
        except PluginError as problem:
            problems.add(mark, problem.message, problem.hint)
            return
        gives = ports.outputs.get(ONLY)
        if gives is None or not issubclass(gives, entry.type):
            gives_name = "several results" if gives is None else gives.__name__
            problems.add(
                mark, f"reader {entry.use.step.name!r} gives {gives_name}, and input {entry.id!r} is {entry.type.__name__}"
            )
            return
    trials = list[list[Problem]]()
    for reader in _possible(entry, catalogue):
        trial = Problems()
        _options(entry, reader, trial)
        trials.append(trial.found)
    if trials:
        for found in min(trials, key=len):
            problems.add(found.mark, found.message, found.hint)


def bind(graph: Graph, given: Mapping[str, Path], *, all_needed: bool = True) -> dict[str, Bound]:
    """The file, the reader and the reader's options of every input of a run; without `all_needed`, of those that have a file.

    Raises
    ------
    InputError
        When an input is not given, is not known, does not exist, or no reader takes it. All of that is told at once.
    PipelineError
        When the options of a reader are wrong.
    """
    complaints = list[str]()
    for name in given:
        if name not in graph.inputs:
            complaints.append(f"the pipeline has no input {name!r}{did_you_mean(name, graph.inputs)}")
    problems = Problems()
    bound: dict[str, Bound] = {}
    for entry in graph.inputs.values():
        path = from_home(given[entry.id]).resolve() if entry.id in given else entry.path
        if path is None and not all_needed:
            continue
        if path is None:
            about = f": {entry.about}" if entry.about else ""
            complaints.append(f"input {entry.id!r} is not given ({entry.type.__name__}{about}); say --input {entry.id}=PATH")
        elif not path.exists():
            complaints.append(f"input {entry.id!r}: there is no file or folder {path}")
            if entry.id not in given:
                complaints.append(f"  a path in a pipeline file starts at its folder; --input {entry.id}=PATH names another")
        else:
            reader = _choose(entry, path, graph.catalogue, complaints)
            if reader is not None:
                bound[entry.id] = Bound(entry.id, path, reader, _options(entry, reader, problems))
    if complaints:
        raise InputError("\n".join(complaints))
    problems.stop_if_any()
    return bound


def matching_suffix(path: Path, suffixes: tuple[str, ...]) -> str:
    """The longest of the endings that a path has; `/` stands for a folder. Empty when it has none of them."""
    if path.is_dir():
        return "/" if "/" in suffixes else ""
    name = path.name.lower()
    return max((s for s in suffixes if s != "/" and name.endswith(s.lower())), key=len, default="")


def _possible(entry: Input, catalogue: Catalogue) -> list[Reader]:
    if entry.use is not None:
        return [Reader(entry.use, ports_of(entry.use))]
    return [reader for reader in readers(catalogue)[0] if issubclass(reader.gives, entry.type)]


def _options(entry: Input, reader: Reader, problems: Problems) -> Config | None:
    who = f"input {entry.id!r} ({reader.offer.step.name})"
    return check_options(reader.ports.config, entry.options, entry.mark, who, problems)


def _choose(entry: Input, path: Path, catalogue: Catalogue, complaints: list[str]) -> Reader | None:
    possible = _possible(entry, catalogue)
    if entry.use is not None:
        return possible[0]
    fits = {reader.offer.step.name: len(matching_suffix(path, reader.offer.step.suffixes)) for reader in possible}
    longest = max(fits.values(), default=0)
    best = [reader for reader in possible if fits[reader.offer.step.name] == longest]
    what = f"the {'folder' if path.is_dir() else 'file'} {path}"
    if longest == 0:
        accepted = sorted({s if s != "/" else "a folder" for reader in possible for s in reader.offer.step.suffixes})
        complaints.append(
            f"input {entry.id!r}: no reader of {entry.type.__name__} takes {what}; it may be {', '.join(accepted)}"
        )
    elif len(best) > 1:
        names = " or ".join(f"`use: {reader.offer.step.name}`" for reader in best)
        complaints.append(f"input {entry.id!r}: {what} may be read in several ways; write {names} in the pipeline file")
    else:
        return best[0]
    return None
