"""Options of a training from a YAML file and from `--set`, checked like those of a step: mistakes have a line and a column."""

from __future__ import annotations

from pathlib import Path

from culmann.config import Config
from culmann.errors import InputError, PipelineError
from culmann.pipeline.options import check_options
from culmann.pipeline.problems import Mark, Problems, Source
from culmann.pipeline.source import MAX_BYTES, Node, parse
from culmann_networks.architecture import Architecture
from culmann_networks.training_options import OPTIONS, Unet2dTraining, Unet3dTraining


def read_options(architecture: Architecture, config: Path | None, settings: list[str]) -> Unet3dTraining | Unet2dTraining:
    """The checked options; what a setting says goes before the file.

    Raises
    ------
    InputError
        When the file cannot be read, and for all options at once that are unknown or have a wrong value.
    """
    problems = Problems()
    start = Mark(Source("the options of the training", "", Path.cwd(), one_line=True), 1, 1)
    node = Node(start, {}) if config is None else _file(config, problems)
    for text in settings:
        node = _set(node, text, problems)
    model: type[Config] = OPTIONS[architecture]
    options = check_options(model, node, node.mark, f"train {architecture}", problems)
    try:
        problems.stop_if_any()
    except PipelineError as problem:
        raise InputError(problem.message) from None
    assert isinstance(options, Unet3dTraining | Unet2dTraining)
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
    """The options with one setting, `option=value` or `part.option=value`, put in."""
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
