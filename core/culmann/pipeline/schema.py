"""A JSON Schema of pipeline files for the plugins that are installed, so that an editor completes and checks them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from culmann.catalogue import Catalogue, Offer
from culmann.config import Config
from culmann.errors import PluginError
from culmann.pipeline.inputs import type_names
from culmann.ports import Ports, ports_of

Schema = dict[str, Any]

#: What editors understand best (yaml-language-server).
DRAFT = "http://json-schema.org/draft-07/schema#"
_TEXT: Schema = {"type": "string"}


def pipeline_schema(catalogue: Catalogue) -> Schema:
    """The JSON Schema (draft 7) of a pipeline file; imports the target of every step to learn its options and ports."""
    definitions: Schema = {}
    steps = [offer for offer in catalogue.offers.values() if offer.has_ports and offer.kind != "readers"]
    names = "^[A-Za-z][A-Za-z0-9_-]*$"
    step = entry_schema("A step.", steps, definitions, {"from": _any_from(), "about": _TEXT}, ["use"])
    types = {"enum": sorted(type_names(catalogue)), "description": "What is read."}
    path = {**_TEXT, "description": "The file when the run names none; relative to the pipeline file."}
    own = {"type": types, "about": {**_TEXT, "description": "What it is."}, "path": path}
    readers = catalogue.of_kind("readers")
    entry = entry_schema("A value that is read from a file or folder.", readers, definitions, own, ["type"])
    ids = {"type": "array", "items": _TEXT, "minItems": 1}
    outputs = {
        "description": "The results to keep: ids, or sub-folders with the id for each.",
        "anyOf": [ids, {"type": "object", "additionalProperties": _TEXT, "minProperties": 1}],
    }
    return {
        "$schema": DRAFT,
        "title": "culmann pipeline",
        "type": "object",
        "required": ["name", "steps", "outputs"],
        "additionalProperties": False,
        "properties": {
            "name": {**_TEXT, "description": "A name for the pipeline."},
            "about": {**_TEXT, "description": "What it computes, and after whom."},
            "plugins": {"type": "array", "items": _TEXT, "description": "One-file plugins, relative to the pipeline file."},
            "inputs": _named(names, {"$ref": "#/definitions/input"}, "What is read from files."),
            "steps": _named(names, {"$ref": "#/definitions/step"}, "What is done, from top to bottom."),
            "variants": _named("^[A-Za-z0-9][A-Za-z0-9_.+-]*$", _changes(names), "The same steps with other options, by name."),
            "outputs": outputs,
            "executor": executor_schema(catalogue),
        },
        "definitions": {"step": step, "input": entry, **definitions},
    }


def executor_schema(catalogue: Catalogue) -> Schema:
    """The section `executor` of a pipeline or a study."""
    return {
        "type": "object",
        "description": "Where the runs of a cohort or study run, when the command line names nothing else.",
        "required": ["use"],
        "additionalProperties": False,
        "properties": {
            "use": {"enum": [offer.step.name for offer in catalogue.of_kind("executors")]},
            "with": {"type": "object", "description": "Its options: `culmann plugins NAME` lists them."},
        },
    }


def _changes(names: str) -> Schema:
    options = {"type": "object", "description": "Options that take the place of those under `with`."}
    return {**_named(names, options, "The steps and inputs that change."), "type": ["object", "null"]}


def _named(pattern: str, content: Schema, description: str) -> Schema:
    return {
        "type": "object",
        "description": description,
        "patternProperties": {pattern: content},
        "additionalProperties": False,
    }


def entry_schema(about: str, offers: Iterable[Offer], definitions: Schema, own: Schema, required: list[str]) -> Schema:
    """A mapping with `use` and `with`, in which `use` decides what may stand in the rest; options go into `definitions`."""
    offers = list(offers)
    rules = []
    for offer in offers:
        then = _of_offer(offer, definitions)
        rules.append({"if": {"properties": {"use": {"const": offer.step.name}}, "required": ["use"]}, "then": then})
    uses = [{"const": offer.step.name, "description": offer.step.summary} for offer in offers]
    properties = {"use": {"anyOf": uses} if uses else _TEXT, "with": {"type": ["object", "null"]}, **own}
    schema = {"description": about, "type": "object", "required": required, "properties": properties, "allOf": rules}
    return {**schema, "additionalProperties": False} if rules else {k: v for k, v in schema.items() if k != "allOf"}


def _of_offer(offer: Offer, definitions: Schema) -> Schema:
    """What `use: <name>` asks of the other keys."""
    name = offer.step.name
    try:
        ports = ports_of(offer)
    except PluginError as problem:
        return {"description": f"{offer.step.summary} ({problem.message})"}
    key = f"{name}-options"
    definitions[key] = options_schema(ports.config, key, definitions) | {"description": offer.step.summary}
    rule: Schema = {"properties": {"with": {"$ref": f"#/definitions/{_escape(key)}"}}}
    if definitions[key].get("required"):
        rule["required"] = ["with"]
    if ports.inputs:
        rule["properties"]["from"] = _from(ports)
    return rule


def options_schema(config: type[Config] | None, prefix: str, definitions: Schema) -> Schema:
    """The options of a step; the models inside of them go into `definitions`, under the prefix."""
    if config is None:
        return {"type": ["object", "null"], "maxProperties": 0}
    schema = config.model_json_schema(ref_template=f"#/definitions/{_escape(prefix)}.{{model}}")
    for model, content in schema.pop("$defs", {}).items():
        definitions[f"{prefix}.{model}"] = _draft_7(content)
    options: Schema = _draft_7(schema)
    if not options.get("required"):
        options["type"] = ["object", "null"]
    return options


def _from(ports: Ports) -> Schema:
    takes = ", ".join(
        f"{port.name} ({port.type.__name__}{', optional' if port.optional else ''})" for port in ports.inputs.values()
    )
    values = {
        port.name: {"type": ["string", "null"] if port.optional else "string", "description": f"A {port.type.__name__}."}
        for port in ports.inputs.values()
    }
    mapping = {"type": "object", "properties": values, "additionalProperties": False}
    return {"description": f"Ports: {takes}.", "anyOf": [_TEXT, mapping]}


def _any_from() -> Schema:
    text = "Where the inputs come from: an id, or a mapping of ports to ids. Left out, they follow from the types."
    return {"description": text, "type": ["string", "object"]}


def _draft_7(schema: Any) -> Any:
    """A schema of pydantic (draft 2020-12) in the words of draft 7, without the titles that repeat the names."""
    if isinstance(schema, list):
        return [_draft_7(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    new = {}
    for key, value in schema.items():
        if key == "properties":
            new[key] = {name: _draft_7(content) for name, content in value.items()}
        elif key == "prefixItems":
            new["items"] = _draft_7(value)
            new["additionalItems"] = _draft_7(schema.get("items", False))
        elif key in {"default", "const", "enum", "examples"}:
            new[key] = value
        elif not (key == "title" and isinstance(value, str)) and not (key == "items" and "prefixItems" in schema):
            new[key] = _draft_7(value)
    return new


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
