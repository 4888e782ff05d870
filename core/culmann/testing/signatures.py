"""Checks of a step's function on paper: its docstring, its ports, its options."""

from __future__ import annotations

import inspect
import re
import types
import typing
from collections.abc import Callable
from typing import Any, Literal, Union

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from culmann.config import Config
from culmann.data import DensityMap, Labels, Landmarks, LoadCase, Materials, Mesh, Report, Response, Scan, Strength
from culmann.pipeline import Run
from culmann.ports import Ports

#: {kind: (types of which it takes at least one, types of which it gives at least one)}; empty means any.
_CONTRACT: dict[str, tuple[tuple[type, ...], tuple[type, ...]]] = {
    "readers": ((), ()),
    "calibrations": ((Scan, DensityMap), (DensityMap,)),
    "segmenters": ((Scan, Labels), (Labels,)),
    "landmarks": ((Labels, Mesh), (Landmarks,)),
    "mesh_builders": ((Labels, Mesh), (Mesh,)),
    "material_laws": ((DensityMap,), (Materials,)),
    "load_cases": ((Mesh,), (LoadCase,)),
    "solvers": ((Mesh,), (Response,)),
    "failure_criteria": ((Response,), (Strength,)),
    "analyses": ((), (Report,)),
    "reporters": ((), (Report,)),
}

#: A number whose name has one of the first words has a unit, unless it has one of the others as well.
_DIMENSIONAL = re.compile(
    "angle|area|density|depth|diameter|displacement|distance|force|height|length|load|margin|modulus|pressure|radius|size"
    "|spacing|stress|thickness|width"
)
_UNIT = re.compile("[cku]?m|mm[23]?|k?n|[mg]pa|[km]?g|cm3|hu|deg|degrees|rad|s|percent|voxels|cells|elements|pixels|px")
_NO_UNIT = re.compile("coefficient|count|exponent|factor|fraction|number|order|power|ratio|relative|scale|slope")


def missing_docstring(function: Callable[..., Any]) -> list[str]:
    """The first paragraph of the docstring is what `culmann plugins <step>` and the manual show."""
    own = function if inspect.isroutine(function) else type(function)
    text = inspect.cleandoc(own.__doc__ or "").partition("\n\n")[0].strip()
    if not text:
        return ["its function has no docstring"]
    return [] if text.endswith((".", ":")) else ["the docstring of its function does not begin with a sentence"]


def wrong_ports(kind: str, ports: Ports) -> list[str]:
    """Whether a step takes and gives what its hook is for."""
    takes = [port.type for port in ports.inputs.values()]
    gives = list(ports.outputs.values())
    if kind == "preprocessors":
        strange = [one.__name__ for one in gives if one not in takes]
        return [f"a preprocessor gives the types that it takes; this one makes {', '.join(strange)}"] if strange else []
    wanted, made = _CONTRACT[kind]
    faults = []
    if wanted and not any(one in wanted for one in takes):
        faults.append(f"a step of culmann_{kind} takes a {_either(wanted)}; this one takes {_names(takes)}")
    if made and not any(one in made for one in gives):
        faults.append(f"a step of culmann_{kind} gives a {_either(made)}; this one gives {_names(gives)}")
    return faults


def wrong_run_report(function: Callable[..., Any]) -> list[str]:
    """Whether the function takes a finished run, and gives a report."""
    try:
        hints = typing.get_type_hints(function if inspect.isroutine(function) else type(function).__call__)
    except NameError as problem:
        return [f"its annotations cannot be read: {problem}"]
    takes = [hints.get(name) for name in inspect.signature(function).parameters]
    if takes == [Run] and hints.get("return") is Report:
        return []
    return ["a run report takes one Run of culmann.pipeline and gives a Report: `def page(run: Run) -> Report`"]


def wrong_config(config: type[Config]) -> list[str]:
    """Whether options explain themselves: strict, each with a description, and numbers with their unit in the name."""
    faults = []
    if config.model_config.get("extra") != "forbid":
        faults.append(f"{config.__name__} accepts unknown options: leave `extra` at 'forbid'")
    for name, field in config.model_fields.items():
        if not (field.description or "").strip():
            faults.append(f"the option {name!r} has no description: Field(…, description='…')")
        if _lacks_unit(name, field):
            faults.append(f"the option {name!r} is a number with a unit: put the unit into its name, as in '{name}_mm'")
    try:
        config()
    except ValidationError as error:
        wrong = [bad for bad in error.errors() if bad["loc"] and bad["type"] != "missing"]
        faults += [f"the default of the option {'.'.join(map(str, bad['loc']))!r} is refused: {bad['msg']}" for bad in wrong]
    return faults


def _lacks_unit(name: str, field: FieldInfo) -> bool:
    words = name.lower().split("_")

    def has(pattern: re.Pattern[str]) -> bool:
        return any(pattern.fullmatch(word) for word in words)

    return _is_number(field.annotation) and has(_DIMENSIONAL) and not has(_UNIT) and not has(_NO_UNIT)


def _is_number(hint: Any) -> bool:
    if hint in {int, float}:
        return True
    if typing.get_origin(hint) in {Union, types.UnionType, tuple, list}:
        members = [member for member in typing.get_args(hint) if member not in {type(None), Ellipsis}]
        return bool(members) and all(_is_number(member) for member in members)
    return False


def choices(config: type[Config]) -> list[dict[str, Any]]:
    """One set of options for every value of every option that is a choice among words."""
    return [
        {name: value}
        for name, field in config.model_fields.items()
        if typing.get_origin(field.annotation) is Literal
        for value in typing.get_args(field.annotation)
        if value != field.default
    ]


def _either(kinds: tuple[type, ...]) -> str:
    return " or a ".join(kind.__name__ for kind in kinds)


def _names(kinds: list[type]) -> str:
    return ", ".join(kind.__name__ for kind in kinds) or "nothing"
