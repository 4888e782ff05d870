"""Reading what a step takes and gives from the annotations of its function."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Union

from culmann.catalogue import Offer
from culmann.config import Config
from culmann.errors import PluginError
from culmann.journal import Journal
from culmann.targets import load_target

#: The name of the only output of a step that does not return a NamedTuple.
ONLY = ""


@dataclass(frozen=True, slots=True)
class Port:
    """A value that a step takes."""

    name: str
    type: type
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Ports:
    """What a step takes and gives.

    Parameters
    ----------
    inputs
        {parameter: Port}, in the order of the signature.
    outputs
        {name: type}; a step with one output has it under the empty name.
    config
        The model of the options, None when the step has none.
    journal
        The parameter that takes a Journal, None when the step wants none.
    path
        Readers only: the parameter that takes the file.
    """

    inputs: Mapping[str, Port]
    outputs: Mapping[str, type]
    config: type[Config] | None = None
    journal: str | None = None
    path: str | None = None


def ports_of(offer: Offer) -> Ports:
    """The ports of an offered step; imports its target. Raises PluginError as `load_target` and `read_ports` do."""
    return read_ports(load_target(offer), step=offer.step.name, reader=offer.kind == "readers")


def read_ports(function: Callable[..., Any], *, step: str | None = None, reader: bool = False) -> Ports:
    """Read the ports of a function, or of an object that can be called.

    Parameters
    ----------
    function
        What stands behind a step.
    step
        The name of the step, for messages.
    reader
        Whether the function has one parameter annotated `Path`, the file to read.

    Raises
    ------
    PluginError
        When the signature breaks the contract of `culmann.hookspecs`; it names the step and the parameter.
    """
    reading = _Reading(step or str(getattr(function, "__name__", type(function).__name__)))
    parameters = inspect.signature(function).parameters
    hints = reading.hints(function)
    inputs: dict[str, Port] = {}
    config: type[Config] | None = None
    journal: str | None = None
    path: str | None = None
    for name, parameter in parameters.items():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
            raise reading.breach(name, "is variadic or positional-only; a port is a plain named parameter")
        if name not in hints:
            raise reading.breach(name, "has no annotation; annotate it with a type of culmann.data")
        hint = hints[name]
        if name == "config":
            config = reading.config(hint)
        elif hint is Journal:
            if journal is not None:
                raise reading.breach(name, f"is a second Journal beside {journal!r}")
            journal = name
        elif hint is Path and reader and path is None:
            path = name
        else:
            inputs[name] = reading.port(name, hint, parameter)
    if reader and path is None:
        raise PluginError(f"step {reading.step!r}: a reader needs a parameter annotated `pathlib.Path`")
    if reader and inputs:
        raise reading.breach(next(iter(inputs)), "is a port, and a reader takes a file only")
    if "return" not in hints:
        raise PluginError(f"step {reading.step!r}: the return value has no annotation")
    return Ports(inputs, reading.outputs(hints["return"]), config, journal, path)


def is_data(hint: object) -> bool:
    """Whether values of a type can flow between steps: a class that saves to a folder and loads from it."""
    return isinstance(hint, type) and callable(getattr(hint, "save", None)) and callable(getattr(hint, "load", None))


@dataclass(frozen=True, slots=True)
class _Reading:
    """The name of the step in every message."""

    step: str

    def breach(self, parameter: str, what: str) -> PluginError:
        return PluginError(f"step {self.step!r}: its parameter {parameter!r} {what}")

    def hints(self, function: Callable[..., Any]) -> dict[str, Any]:
        while isinstance(function, functools.partial):
            function = function.func
        annotated = function if inspect.isroutine(function) else type(function).__call__
        try:
            return typing.get_type_hints(annotated)
        except Exception as problem:
            raise PluginError(
                f"step {self.step!r}: its annotations cannot be read: {problem}",
                hint="import the types of the signature at run time, not under TYPE_CHECKING",
            ) from problem

    def config(self, hint: object) -> type[Config]:
        if isinstance(hint, type) and issubclass(hint, Config):
            return hint
        raise self.breach("config", f"is annotated {_show(hint)}; options are a subclass of culmann.Config")

    def port(self, name: str, hint: Any, parameter: inspect.Parameter) -> Port:
        optional = False
        if typing.get_origin(hint) in {Union, types.UnionType}:
            members = [member for member in typing.get_args(hint) if member is not type(None)]
            if len(members) != 1:
                raise self.breach(name, f"is annotated {_show(hint)}; a port has one type, or one type `| None`")
            hint, optional = members[0], True
        if not is_data(hint):
            raise self.breach(name, f"is annotated {_show(hint)}, which is no data type: it has no `save` and `load`")
        default = parameter.default
        if optional and default is not None:
            raise self.breach(name, "may be None and must have the default None")
        if not optional and default is not parameter.empty:
            raise self.breach(name, f"has a default; annotate it `{hint.__name__} | None` with the default None")
        return Port(name, hint, optional)

    def outputs(self, hint: Any) -> dict[str, type]:
        if isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields"):
            found = typing.get_type_hints(hint)
            for name, kind in found.items():
                if not is_data(kind):
                    raise PluginError(f"step {self.step!r}: its output {name!r} is annotated {_show(kind)}, no data type")
            return found
        if not is_data(hint):
            raise PluginError(
                f"step {self.step!r}: it returns {_show(hint)}, which is no data type",
                hint="return a type of culmann.data, or a NamedTuple of such types",
            )
        return {ONLY: hint}


def _show(hint: object) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint)
