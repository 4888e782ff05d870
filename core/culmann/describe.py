"""What a step is, in words: its ports, its options with types and bounds, its text and sources."""

from __future__ import annotations

import inspect
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union

from pydantic.fields import FieldInfo

from culmann.catalogue import Offer
from culmann.config import Config
from culmann.plugins import load_target
from culmann.ports import ONLY, ports_of

_BOUNDS = (("gt", ">"), ("ge", "≥"), ("lt", "<"), ("le", "≤"), ("multiple_of", "a multiple of"))
_PLAIN = {float: "number", int: "whole number", bool: "true or false", str: "text", Path: "file", type(None): "nothing"}


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a step; `default` is None when it must be given."""

    name: str
    type: str
    default: str | None
    description: str


@dataclass(frozen=True, slots=True)
class Description:
    """A step in words.

    Parameters
    ----------
    offer
        The step and where it comes from.
    text
        The docstring of its function.
    takes
        {port: type}, with `(optional)` where it may be left empty.
    gives
        {output: type}; a single output has an empty name.
    options
        In the order of its model.
    """

    offer: Offer
    text: str
    takes: dict[str, str]
    gives: dict[str, str]
    options: tuple[Option, ...]


def describe(offer: Offer) -> Description:
    """Describe an offered step; imports its target. Raises PluginError when that cannot be done."""
    function = load_target(offer)
    text = inspect.cleandoc((function if inspect.isroutine(function) else type(function)).__doc__ or "")
    if offer.kind == "executors":
        from culmann.cohort.executor import load_executor

        config = load_executor(offer).config
        return Description(offer, text, {}, {}, () if config is None else describe_options(config))
    if not offer.has_ports:
        return Description(offer, text, {}, {}, ())
    ports = ports_of(offer)
    takes = {} if ports.path is None else {ports.path: f"a file: {', '.join(offer.step.suffixes)}"}
    takes |= {p.name: p.type.__name__ + (" (optional)" if p.optional else "") for p in ports.inputs.values()}
    gives = {name: kind.__name__ for name, kind in ports.outputs.items()}
    options = () if ports.config is None else describe_options(ports.config)
    return Description(offer, text, takes, gives, options)


def describe_options(config: type[Config]) -> tuple[Option, ...]:
    """Every option of a model in words."""
    return tuple(
        Option(
            name,
            _type(field),
            None if field.is_required() else _value(field.get_default(call_default_factory=True)),
            field.description or "",
        )
        for name, field in config.model_fields.items()
    )


def _type(field: FieldInfo) -> str:
    limits = [(sign, getattr(item, key, None)) for item in field.metadata for key, sign in _BOUNDS]
    bounds = [f"{sign} {limit:g}" for sign, limit in limits if limit is not None]
    return ", ".join([_hint(field.annotation), *bounds])


def _hint(hint: Any) -> str:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return " | ".join(str(part) for part in parts)
    if origin in {Union, types.UnionType}:
        return " | ".join(_hint(part) for part in parts)
    if origin is list or (origin is tuple and Ellipsis in parts):
        return f"list of {_several(parts[0])}"
    if origin is tuple:
        return f"{len(parts)} {_several(parts[0])}" if len(set(parts)) == 1 else f"[{', '.join(map(_hint, parts))}]"
    if origin is dict:
        return f"mapping of {_several(parts[0])} to {_several(parts[1])}"
    if origin is typing.Annotated:
        return _hint(parts[0])
    return _PLAIN.get(hint, getattr(hint, "__name__", str(hint)))


def _several(hint: Any) -> str:
    return f"{word}s" if (word := _PLAIN.get(hint)) and hint is not bool else f"({_hint(hint)})"


def _value(value: Any) -> str:
    """A default as it is written in YAML."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case tuple() | list():
            return f"[{', '.join(_value(item) for item in value)}]"
        case _:
            return str(value)


def single(named: dict[str, str]) -> str:
    """Named types in a line; a single output has no name."""
    return ", ".join(kind if name == ONLY else f"{name}: {kind}" for name, kind in named.items())
