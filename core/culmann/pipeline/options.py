"""Options of a step: checked by its model, every complaint put at the line of the option that caused it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from pydantic import BaseModel, ValidationError

from culmann.config import Config
from culmann.home import from_home
from culmann.pipeline.problems import Mark, Problems, did_you_mean
from culmann.pipeline.source import Node

Schema = dict[str, Any]
#: What pydantic calls a value that is no list.
_LISTS = {"list_type", "tuple_type", "set_type", "frozen_set_type"}
_SCALARS = (bool, int, float, str)


def check_options(model: type[Config] | None, node: Node | None, mark: Mark, who: str, problems: Problems) -> Config | None:
    """The checked options, or None when the step has none or when a problem was noted.

    Values are taken as JSON takes them: a text is no number and `yes` is no truth value. A file name is taken from the
    folder of the text that it stands in, and the file must exist.

    Parameters
    ----------
    model
        The model of the options.
    node
        What is written under `with`.
    mark
        The place of the step, for options that are missing.
    who
        The step, for messages.
    """
    node = Node(mark, {}) if node is None or node.value is None else node
    if not isinstance(node.value, dict):
        problems.add(node.mark, f"{who}: `with` must be a mapping of options, and this is {node.kind}")
        return None
    if model is None:
        for key in node.items:
            problems.add(node.keys[key], f"{who} takes no options")
        return None
    schema = model.model_json_schema()
    before = len(problems.found)
    node = _with_files(node, schema, schema, who, problems)
    try:
        config = _validate(model, node)
    except ValidationError as problem:
        _tell(problem, model, node, mark, who, problems)
        return None
    return config if len(problems.found) == before else None


def _validate(model: type[Config], node: Node) -> Config:
    """The checked options. The strict way refuses a default that JSON has no word for, a Path say; that is no mistake."""
    try:
        return model.model_validate_json(json.dumps(node.plain()), strict=True)
    except ValidationError as problem:
        written = (type(None), bool, int, float, str, list, dict)
        if any(type(detail["input"]) in written for detail in problem.errors()):
            raise
        return model.model_validate(node.plain())


def paths_in(config: object, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Path]]:
    """Every file name in checked options, with where it stands in them."""
    if isinstance(config, Path):
        yield at, config
    elif isinstance(config, dict):
        for key, value in config.items():
            yield from paths_in(value, (*at, str(key)))
    elif isinstance(config, list | tuple):
        for n, value in enumerate(config):
            yield from paths_in(value, (*at, n))
    elif isinstance(config, BaseModel):
        for key in type(config).model_fields:
            yield from paths_in(getattr(config, key), (*at, key))


def _tell(error: ValidationError, model: type[Config], root: Node, mark: Mark, who: str, problems: Problems) -> None:
    told: dict[tuple[Mark, str], list[str]] = {}
    for detail in error.errors(include_url=False):
        if isinstance(detail["input"], PurePath):
            continue  # a default, see _validate
        key_place, keys, node = _walk(root, detail["loc"])
        option = ".".join(keys)
        described = keys[0] if keys else ""
        if detail["type"] == "missing":
            missing = str(detail["loc"][-1])
            described = described or missing
            place = key_place if keys else mark
            message = f"{who}: the option {'.'.join([*keys, missing])!r} is missing"
        elif detail["type"] == "extra_forbidden":
            place, described = key_place, ""
            meant = did_you_mean(keys[-1], model.model_fields) if len(keys) == 1 else ""
            message = f"{who} has no option {option!r}{meant}"
        else:
            place = _set_place(node, detail["msg"]) or (node.mark if keys else mark)
            said = detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
            about = f"option {option!r}: " if option else ""
            if detail["type"] in _LISTS:
                said = f"a list is wanted{f', like [{_as_written(node)}]' if isinstance(node.value, _SCALARS) else ''}"
            given = f", and this is {node.kind}" if option and detail["type"] != "value_error" else ""
            message = f"{who}: {about}{said[:1].lower() + said[1:]}{given}"
        field = model.model_fields.get(described)
        hint = f"{described}: {field.description}" if field is not None and field.description else ""
        told.setdefault((place, hint), []).append(message)
    for (place, hint), messages in told.items():
        problems.add(place, "; or ".join(dict.fromkeys(messages)), hint)


def _set_place(node: Node, said: str) -> Mark | None:
    """Where `--set` gave a value that a message on a whole mapping is about: its option, or the value itself, stands in it.

    A message that names no option may be about each of them.
    """
    options = list(_scalars(node))
    named = [(name, entry) for name, entry in options if _stands_in(said, name) or _stands_in(said, str(entry.value))]
    return next((entry.mark for _, entry in named or options if entry.mark.source.one_line), None)


def _scalars(node: Node) -> Iterator[tuple[str, Node]]:
    """Every option below a mapping by its own name. A list counts as one value."""
    for name, entry in node.items.items():
        if isinstance(entry.value, dict):
            yield from _scalars(entry)
        else:
            yield name, entry


def _stands_in(text: str, word: str) -> bool:
    return len(word) > 1 and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text) is not None


def _as_written(node: Node) -> str:
    """A scalar as it stands in the text."""
    line = node.mark.source.text.splitlines()[node.mark.line - 1]
    return line[node.mark.column - 1 :][: node.mark.width]


def _walk(root: Node, loc: tuple[str | int, ...]) -> tuple[Mark, list[str], Node]:
    """As far as a pydantic location goes in the tree: place of the key, keys, value. The rest of it names types, not keys."""
    place, keys, node = root.mark, list[str](), root
    for part in loc:
        if isinstance(part, str) and part in node.items:
            place, node = node.keys[part], node.items[part]
        elif isinstance(part, int) and isinstance(node.value, tuple) and part < len(node.value):
            node = node.value[part]
            place = node.mark
        else:
            continue
        keys.append(str(part))
    return place, keys, node


def _with_files(node: Node, schema: Schema, root: Schema, who: str, problems: Problems) -> Node:
    """The tree with every text that the schema calls a file made absolute."""
    if "$ref" in schema:
        schema = {**root["$defs"][schema["$ref"].rpartition("/")[2]], **{k: v for k, v in schema.items() if k != "$ref"}}
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        words = {word for option in options for word in [*option.get("enum", ()), option.get("const")]}
        is_text = any(option.get("type") == "string" and "format" not in option and "enum" not in option for option in options)
        if isinstance(node.value, str) and (node.value in words or is_text):
            return node
        for option in options:
            node = _with_files(node, option, root, who, problems)
        return node
    if isinstance(node.value, str) and schema.get("format") in {"path", "file-path", "directory-path"}:
        path = (node.mark.source.folder / from_home(node.value)).resolve()
        if not path.exists():
            problems.add(node.mark, f"{who}: there is no file {path}")
        return Node(node.mark, str(path))
    if isinstance(node.value, tuple):
        prefix = schema.get("prefixItems", [])
        rest = schema.get("items")
        rest = rest if isinstance(rest, dict) else {}
        below = [*prefix, *[rest] * (len(node.value) - len(prefix))]
        listed = [_with_files(entry, below[n], root, who, problems) for n, entry in enumerate(node.value)]
        return Node(node.mark, tuple(listed))
    if isinstance(node.value, dict):
        other = schema.get("additionalProperties")
        other = other if isinstance(other, dict) else {}
        named = schema.get("properties", {})
        items = {k: _with_files(v, named.get(k, other), root, who, problems) for k, v in node.value.items()}
        return Node(node.mark, items, node.keys)
    return node
