"""A JSON Schema of study files for the plugins that are installed, so that an editor completes and checks them."""

from __future__ import annotations

from culmann.catalogue import Catalogue, Offer
from culmann.data import Outcomes
from culmann.errors import PluginError
from culmann.pipeline.schema import DRAFT, Schema, entry_schema, executor_schema, options_schema
from culmann.ports import ports_of
from culmann_study.designs import DESIGNS

_TEXT: Schema = {"type": "string"}
_OPTION = r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)+$"
_INPUT = "^[A-Za-z][A-Za-z0-9_-]*$"
_PLAIN: Schema = {"type": ["number", "boolean", "string", "null", "array", "object"]}


def study_schema(catalogue: Catalogue) -> Schema:
    """The JSON Schema (draft 7) of a study file; imports what is offered for analyses to learn its options.

    It knows the keys, the designs and the analyses. Which options and inputs a pipeline has is checked by `culmann study`.
    """
    definitions: Schema = {}
    offers = [offer for offer in catalogue.of_kind("analyses") if _takes_outcomes(offer)]
    analysis = entry_schema("What is asked of the failure loads.", offers, definitions, {}, [])
    columns = _map({_INPUT: {**_TEXT, "description": "A column of the table of cases."}}, "Inputs, from columns of the table.")
    cohort = {
        "pipeline": {**_TEXT, "description": "A pipeline file, relative to this one, or the name of one that ships."},
        "cases": {**_TEXT, "description": "A table of cases (CSV), relative to this file, or the folder of a dataset."},
    }
    cohorts = {
        "type": "array",
        "description": "Several pipelines, each with its cases.",
        "minItems": 1,
        "items": {
            "type": "object",
            "required": ["pipeline", "cases"],
            "additionalProperties": False,
            "properties": {**cohort, "group": {**_TEXT, "description": "The group of cases whose table names none."}},
        },
    }
    variation = {**_map({_OPTION: _PLAIN, _INPUT: _TEXT}, "Inputs by column, options by value."), "type": ["object", "null"]}
    names = [offer.step.name for offer in offers]
    return {
        "$schema": DRAFT,
        "title": "culmann study",
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "allOf": [
            {"oneOf": [{"required": ["pipeline", "cases"]}, {"required": ["cohorts"]}]},
            {"oneOf": [{"required": ["vary"]}, {"required": ["factors"]}]},
        ],
        "dependencies": {"control": ["vary"], "design": ["factors"]},
        "properties": {
            "name": {**_TEXT, "description": "A name for the study."},
            "about": {**_TEXT, "description": "What it asks, and after whom."},
            **cohort,
            "cohorts": cohorts,
            "inputs": columns,
            "facts": {"type": "array", "items": _TEXT, "description": "Further columns of the table to carry along."},
            "set": _map({_OPTION: _PLAIN}, "Options that hold in every run."),
            "vary": {
                "type": "object",
                "description": "The variations by name.",
                "minProperties": 1,
                "additionalProperties": variation,
            },
            "control": {**_TEXT, "description": "The variation that the others are compared with."},
            "design": _design(definitions),
            "factors": _map({_OPTION: _FACTOR}, "Options that the design moves.") | {"minProperties": 1},
            "masks": {**_TEXT, "description": "The id of the labels that are compared with those of the control."},
            "analyses": {
                "description": "What is asked of the failure loads: names, or options by the name of a folder.",
                "anyOf": [
                    {"type": "array", "items": {"enum": names}, "minItems": 1},
                    {"type": "object", "minProperties": 1, "additionalProperties": {"anyOf": [{"type": "null"}, analysis]}},
                ],
            },
            "executor": executor_schema(catalogue),
        },
        "definitions": definitions,
    }


def _takes_outcomes(offer: Offer) -> bool:
    try:
        return [port.type for port in ports_of(offer).inputs.values()] == [Outcomes]
    except PluginError:
        return False


def _map(patterns: Schema, description: str) -> Schema:
    return {"type": "object", "description": description, "patternProperties": patterns, "additionalProperties": False}


def _numbers(*names: str) -> Schema:
    numbers: Schema = {name: {"type": "number"} for name in names}
    return {"type": "object", "required": list(names), "additionalProperties": False, "properties": numbers}


_FACTOR: Schema = {
    "description": "Values, a range, or a normal distribution.",
    "anyOf": [{"type": "array", "minItems": 1}, _numbers("from", "to"), _numbers("mean", "sd")],
}


def _design(definitions: Schema) -> Schema:
    """The name of a design, or a mapping with its options."""
    rules = []
    for name, (_, model) in DESIGNS.items():
        key = f"design-{name}"
        definitions[key] = options_schema(model, key, definitions)
        then = {"properties": {"with": {"$ref": f"#/definitions/{key}"}}}
        rules.append({"if": {"properties": {"use": {"const": name}}, "required": ["use"]}, "then": then})
    use: Schema = {"enum": list(DESIGNS)}
    mapping = {"type": "object", "required": ["use"], "additionalProperties": False, "allOf": rules}
    mapping["properties"] = {"use": use, "with": {"type": ["object", "null"]}}
    return {"description": "Which values the factors take together.", "anyOf": [use, mapping]}
