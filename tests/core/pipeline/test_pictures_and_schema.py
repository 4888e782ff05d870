"""The drawings of a graph, and the JSON Schema that editors use."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
import yaml
from jsonschema import Draft7Validator

from culmann.pipeline.drawing import to_mermaid, to_svg
from culmann.pipeline.schema import pipeline_schema
from culmann.plugins import load_catalogue

STEPS = """a: {use: add, with: {amount: 1}}
h: {use: halves}
s: {use: sum, from: {left: h.low, right: h.high}}
w: {use: spell, from: {number: s}}
late: {use: spell, from: {number: a, word: w}}"""


def test_mermaid(lab):
    lines = to_mermaid(lab.steps(STEPS, outputs="[late]")).splitlines()
    assert lines[0] == "flowchart TD"
    assert '    n0(["number<br/><small>Number</small>"])' in lines
    assert '    n2["h<br/><small>halves</small>"]' in lines
    assert '    n2 -- "low: Number, high: Number" --> n3' in lines
    assert '    n1 -- "Number" --> n5' in lines
    assert lines[-1] == "    class n5 kept"


def boxes(svg):
    root = ET.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    names = [text.text for text in root.iter(f"{space}text") if text.get("class") == "id"]
    rects = [rect for rect in root.iter(f"{space}rect") if "box" in rect.get("class", "")]
    return root, {n: [float(r.get(k)) for k in ("x", "y", "width", "height")] for n, r in zip(names, rects, strict=True)}


def test_svg_boxes_do_not_overlap_and_flow_downwards(lab):
    graph = lab.steps(STEPS, outputs="[late]")
    root, places = boxes(to_svg(graph))
    assert list(places) == ["number", *graph.steps]
    left, top, width, height = map(float, root.get("viewBox").split())
    for name, (x, y, w, h) in places.items():
        assert left <= x
        assert x + w <= left + width
        assert top <= y
        assert y + h <= top + height
        for other, (x2, y2, w2, h2) in places.items():
            assert name == other or x + w <= x2 or x2 + w2 <= x or y + h <= y2 or y2 + h2 <= y
    for step in graph.steps.values():
        for value in step.links.values():
            if value:
                assert places[value.partition(".")[0]][1] < places[step.id][1]


def test_names_are_escaped(lab):
    graph = lab.read('name: a <b> & "c"\ninputs:\n  number: {type: Number}\nsteps:\n  a: {use: spell}\noutputs: [a]\n')
    assert boxes(to_svg(graph))[0].get("aria-label") == 'a <b> & "c"'


def accepts(schema, text):
    return Draft7Validator(schema).is_valid(yaml.safe_load(text))


HEAD = "name: t\ninputs:\n  number: {type: Number}\n"


def test_the_schema_is_a_schema_and_knows_the_options(lab):
    schema = pipeline_schema(lab.catalogue)
    Draft7Validator.check_schema(schema)
    options = schema["definitions"]["add-options"]
    assert options["properties"]["amount"] == {"description": "What is added.", "minimum": -1000, "type": "number"}
    assert options["properties"]["mode"]["enum"] == ["plain", "twice"]
    assert options["properties"]["mode"]["default"] == "plain"
    assert options["required"] == ["amount"]
    uses = schema["definitions"]["step"]["properties"]["use"]["anyOf"]
    assert {"const": "add", "description": "Adds."} in uses
    assert "read-number" not in [use["const"] for use in uses]
    assert schema["definitions"]["input"]["properties"]["type"]["enum"] == ["Number", "Word"]


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (HEAD + "steps:\n  a: {use: add, with: {amount: 1, weights: [1, 2]}}\noutputs: [a]", True),
        (HEAD + "steps:\n  a: {use: halves}\n  b: {use: sum, from: {left: a.low, right: a.high}}\noutputs: {x: b}", True),
        (HEAD + "steps:\n  a: {use: spell, from: {number: number, word: null}}\noutputs: [a]", True),
        (HEAD + "steps:\n  a: {use: needs-torch, with: {any: 1}}\noutputs: [a]", True),
        (HEAD + "steps:\n  a: {use: add}\noutputs: [a]", False),
        (HEAD + "steps:\n  a: {use: adds, with: {amount: 1}}\noutputs: [a]", False),
        (HEAD + "steps:\n  a: {use: add, with: {amount: x}}\noutputs: [a]", False),
        (HEAD + "steps:\n  a: {use: add, with: {amount: 1, weights: [1, 2, 3]}}\noutputs: [a]", False),
        (HEAD + "steps:\n  a: {use: add, with: {amount: 1, mode: thrice}}\noutputs: [a]", False),
        (HEAD + "steps:\n  a: {use: add, with: {amount: 1, other: 2}}\noutputs: [a]", False),
        (HEAD + "steps:\n  a: {use: halves, with: {n: 2}}\noutputs: [a]", False),
        (HEAD + "steps:\n  a: {use: halves, from: {nmber: number}}\noutputs: [a]", False),
        (HEAD + "steps:\n  a: {use: halves}\noutputs: []", False),
        (HEAD + "steps:\n  a: {use: halves}\noutputs: [a]\ncolour: red", False),
        (HEAD.replace("Number", "Numbr") + "steps:\n  a: {use: halves}\noutputs: [a]", False),
    ],
)
def test_the_schema_accepts_what_the_program_accepts(lab, text, good):
    assert accepts(pipeline_schema(lab.catalogue), text) is good


def test_the_schema_of_the_shipped_plugins():
    schema = pipeline_schema(load_catalogue())
    Draft7Validator.check_schema(schema)

    def refs(node):
        if isinstance(node, dict):
            yield from ([node["$ref"]] if "$ref" in node else [])
            for value in node.values():
                yield from refs(value)
        elif isinstance(node, list):
            for value in node:
                yield from refs(value)

    assert {ref.removeprefix("#/definitions/") for ref in refs(schema)} <= set(schema["definitions"])
    described = [
        (name, option)
        for name, content in schema["definitions"].items()
        if name.endswith("-options")
        for option, facts in content.get("properties", {}).items()
        if "description" not in facts and "$ref" not in facts
    ]
    assert described == []
