"""Options of a command from a YAML file and from `--set`, checked like those of a step: mistakes have a line and a column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from culmann.config import Config
from culmann.errors import InputError, PipelineError
from culmann.pipeline.options import check_options
from culmann.pipeline.problems import Mark, Problems, Source
from culmann.pipeline.source import MAX_BYTES, Node, parse

C = TypeVar("C", bound=Config)


def read_options(model: type[C], who: str, file: Path | None, settings: Sequence[str] = ()) -> C:
    """The checked options of a command; what a setting says goes before the file.

    Parameters
    ----------
    model
        The model of the options.
    who
        The command, for messages.
    file
        A YAML file with a mapping of options, or None.
    settings
        Texts `option=value` or `part.option=value`, the value as in YAML.

    Raises
    ------
    InputError
        When the file cannot be read, and for all options at once that are unknown or have a wrong value.
    """
    problems = Problems()
    start = Mark(Source(f"the options of {who}", "", Path.cwd(), one_line=True), 1, 1)
    node = Node(start, {}) if file is None else _file(file, problems)
    for text in settings:
        node = _set(node, text, problems)
    options = check_options(model, node, node.mark, who, problems)
    try:
        problems.stop_if_any()
    except PipelineError as problem:
        raise InputError(problem.message) from None
    assert isinstance(options, model)
    return options


def _file(path: Path, problems: Problems) -> Node:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path} is longer than {MAX_BYTES // 1_000_000} MB")
        source = Source(str(path), path.read_bytes().decode("utf-8-sig"), path.resolve().parent)
    except OSError as problem:
        raise InputError(f"the options {path} cannot be read: {problem.strerror}") from problem
    except UnicodeDecodeError as problem:
        raise InputError(f"the options {path} are no text in UTF-8") from problem
    return parse(source, problems) or Node(Mark(source, 1, 1), {})


def _set(node: Node, text: str, problems: Problems) -> Node:
    """The options with one setting put in."""
    source = Source("--set", text, Path.cwd(), one_line=True)
    name, equals, written = text.partition("=")
    where = Mark(source, 1, 1, max(1, len(name)))
    option = name.strip().split(".")
    if not equals or not all(option):
        problems.add(where, "a setting has the form option=value")
        return node
    if not written.strip():
        problems.add(where, "nothing stands behind the =", f"for no value write {name.strip()}=null")
        return node
    value = parse(source, problems, first_column=len(name) + 2)
    return node if value is None else node.put(tuple(option), value, where)
