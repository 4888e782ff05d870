"""Which executor runs a cohort, and its options: from the command line, a file of its own, or the pipeline file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culmann.catalogue import Catalogue
from culmann.cohort.executor import Loaded, find_executor
from culmann.config import Config
from culmann.errors import PipelineError
from culmann.home import from_home
from culmann.pipeline.document import read_source
from culmann.pipeline.options import check_options
from culmann.pipeline.problems import Mark, Problems, Source, did_you_mean
from culmann.pipeline.source import Node, parse

#: What runs a cohort when nobody says otherwise.
DEFAULT = "local"
_SHAPE = "executor: {use: slurm, with: {partition: short, time_min: 120}}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """An executor with its checked options."""

    executor: Loaded
    config: Config | None

    @property
    def name(self) -> str:
        """Its name."""
        return self.executor.offer.step.name

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        options = {} if self.config is None else self.config.model_dump(mode="json", exclude_unset=True)
        return {"use": self.name, "with": options}


@dataclass(frozen=True, slots=True)
class Wish:
    """An executor that somebody asked for, not yet looked for."""

    name: str
    options: Node


def wish(name: str, options: Mapping[str, Any]) -> Wish:
    """What a program asks for."""
    import json

    source = Source(f"options of the executor {name!r}", json.dumps(dict(options)), Path.cwd(), one_line=True)
    return Wish(name, parse(source, Problems()) or Node(Mark(source, 1, 1), {}))


def wish_in_file(path: Path) -> Wish | None:
    """What the section `executor` of a YAML file asks for; None where there is no such section.

    Raises
    ------
    PipelineError
        When the section is not of the form `executor: {use: name, with: {option: value}}`.
    """
    problems = Problems()
    root = parse(read_source(path), problems)
    problems.stop_if_any()
    section = root.items.get("executor") if root is not None else None
    if section is None:
        return None
    for key in section.items:
        if key not in {"use", "with"}:
            problems.add(section.keys[key], f"an executor has no key {key!r}{did_you_mean(key, ('use', 'with'))}")
    use = section.items.get("use")
    if use is None or not isinstance(use.value, str):
        problems.add((use or section).mark, "`executor` must say what to `use`", f"for example `{_SHAPE}`")
    problems.stop_if_any()
    assert use is not None
    return Wish(str(use.value), section.items.get("with") or Node(section.mark, {}))


def wish_in_words(said: str, words: Sequence[str], otherwise: Wish | None) -> Wish:
    """What the command line asks for.

    Parameters
    ----------
    said
        The name of an executor, or a YAML file with a section `executor`; empty when nothing was said.
    words
        Options, each `option=value`.
    otherwise
        What holds when nothing was said; where it is the same executor, the words change its options.
    """
    path = from_home(said)
    if path.suffix in {".yaml", ".yml"}:
        otherwise, said = wish_in_file(path), ""
        if otherwise is None:
            raise PipelineError(f"{path} has no section `executor`", hint=f"for example `{_SHAPE}`")
    found = otherwise if otherwise is not None and said in {"", otherwise.name} else wish(said or DEFAULT, {})
    options, problems = found.options, Problems()
    for text in words:
        source = Source("--executor-option", text, Path.cwd(), one_line=True)
        name, equals, written = text.partition("=")
        where = Mark(source, 1, 1, max(1, len(name)))
        if not (name.strip() and equals and written.strip()):
            problems.add(where, "an option has the form name=value")
            continue
        value = parse(source, problems, first_column=len(name) + 2)
        if value is not None:
            options = options.put((name.strip(),), value, where)
    problems.stop_if_any()
    return Wish(found.name, options)


def choose(catalogue: Catalogue, wanted: Wish) -> Chosen:
    """Find the executor and check its options. Raises PluginError or PipelineError."""
    found, problems = find_executor(catalogue, wanted.name), Problems()
    config = check_options(found.config, wanted.options, wanted.options.mark, f"executor {wanted.name!r}", problems)
    problems.stop_if_any()
    return Chosen(found, config)
