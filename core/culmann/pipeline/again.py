"""The pipeline file that a run folder keeps: the original with absolute file names and the options that were set over it.

The text is changed at these places only, so that comments and order stay. `manifest.json` has the original.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from culmann.errors import CulmannError
from culmann.pipeline.graph import Graph
from culmann.pipeline.options import paths_in
from culmann.pipeline.problems import Problems, Source
from culmann.pipeline.reading import read_pipeline
from culmann.pipeline.source import parse

#: The way to a value: keys of mappings, numbers in lists.
Way = tuple[str | int, ...]

_HEAD = "# Kept by a run of culmann{variant}. {how}; the original is in manifest.json.\n"
_DONE = "File names are absolute, files of inputs and options of --set stand in it"
_AS_IT_WAS = "This is the file as it was: files of inputs and options of --set could not be put into it"


def runnable_text(graph: Graph, files: Mapping[str, Path]) -> str:
    """The text of a pipeline that runs as the graph did, from wherever it lies.

    Where a text cannot be changed in this way, it stays as it was, and its first line says so.

    Parameters
    ----------
    graph
        What was run: one variant, where the file has some.
    files
        {input: its file}.
    """
    variant = f" (variant {graph.variant})" if graph.variant else ""
    text = graph.text
    try:
        for way, value in _changes(graph, files):
            text = _put(text, way, value)
        again = read_pipeline(Path("/pipeline.yaml"), graph.catalogue, [], [graph.variant] if graph.variant else [], text=text)
        if _facts(again, {name: entry.path for name, entry in again.inputs.items()}) == _facts(graph, files):
            return _HEAD.format(variant=variant, how=_DONE) + text
    except (CulmannError, _NoPlaceError, yaml.YAMLError):
        pass
    return _HEAD.format(variant=variant, how=_AS_IT_WAS) + graph.text


class _NoPlaceError(Exception):
    """A value cannot be put into the text."""


def _changes(graph: Graph, files: Mapping[str, Path]) -> Iterator[tuple[Way, Any]]:
    """What has to stand in the text, and where. A variant wins over what stands at a step, so that both are changed."""
    root = yaml.compose(graph.text, Loader=yaml.SafeLoader)
    sections = dict.fromkeys(graph.inputs, "inputs") | dict.fromkeys(graph.steps, "steps")
    named = [(graph.path.parent / str(plugin)).resolve() for plugin in _plain(root, ("plugins",)) or []]
    used = {step.offer.file.resolve() for step in graph.steps.values() if step.offer.one_file}
    if plugins := list(dict.fromkeys([*named, *sorted(used)])):
        yield ("plugins",), [str(plugin) for plugin in plugins]
    for name, path in files.items():
        yield ("inputs", name, "path"), str(path)
    for setting in graph.settings:
        key, _, _ = setting.partition("=")
        owner, *option = key.strip().split(".")
        told = parse(Source("--set", setting, Path(), one_line=True), Problems(), first_column=len(key) + 2)
        if told is None:
            raise _NoPlaceError
        yield (sections[owner], owner, "with", *option), told.plain()
        for variant in _plain(root, ("variants",)) or {}:
            if _find(root, ("variants", variant, owner, *option)) is not None:
                yield ("variants", variant, owner, *option), told.plain()
    for name, step in graph.steps.items():
        for at, path in paths_in(step.config):
            for way in [("variants", graph.variant, name, *at), (sections[name], name, "with", *at)]:
                if _find(root, way) is not None:
                    yield way, str(path)


def _facts(graph: Graph, files: Mapping[str, Path | None]) -> dict[str, Any]:
    """What a run depends on."""
    steps = {name: (step.offer.step.name, step.config, dict(step.links)) for name, step in graph.steps.items()}
    options = {name: entry.options.plain() if entry.options else None for name, entry in graph.inputs.items()}
    return {"steps": steps, "options": options, "files": dict(files), "outputs": graph.outputs}


def _put(text: str, way: Way, value: Any) -> str:
    """The text with a value in the place of the one that stands there, or added to the mapping that is to hold it."""
    node, rest = yaml.compose(text, Loader=yaml.SafeLoader), list(way)
    if node is None:
        raise _NoPlaceError
    while rest:
        below = _below(node, rest[0])
        if below is None:
            break
        node = below
        rest.pop(0)
    written = json.dumps(value, ensure_ascii=False)
    if not rest:
        if isinstance(node, yaml.CollectionNode) and not node.flow_style:
            raise _NoPlaceError
        return text[: node.start_mark.index] + written + text[node.end_mark.index :]
    if not isinstance(node, yaml.MappingNode) or isinstance(rest[0], int):
        raise _NoPlaceError
    for key in reversed(rest[1:]):
        written = f"{{{json.dumps(key)}: {written}}}"
    entry = f"{rest[0]}: {written}"
    at = node.start_mark.index
    if node.flow_style:
        return text[: at + 1] + entry + (", " if node.value else "") + text[at + 1 :]
    return f"{text[:at]}{entry}\n{' ' * node.start_mark.column}{text[at:]}"


def _find(root: yaml.Node | None, way: Way) -> yaml.Node | None:
    node = root
    for key in way:
        node = _below(node, key)
    return node


def _below(node: yaml.Node | None, key: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for name, value in node.value if name.value == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        found: yaml.Node = node.value[key]
        return found
    return None


def _plain(root: yaml.Node | None, way: Way) -> Any:
    """The keys of a mapping, or the texts of a list, at a place; None where there is nothing."""
    node = _find(root, way)
    if isinstance(node, yaml.MappingNode):
        return [name.value for name, _ in node.value]
    return [entry.value for entry in node.value] if isinstance(node, yaml.SequenceNode) else None
