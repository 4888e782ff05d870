"""However a pipeline file is broken, the answer is words and places, never a crash."""

# ruff: noqa: E501  (tables read better unbroken)
from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from culmann.errors import PipelineError
from culmann.pipeline.problems import Problems, Source
from culmann.pipeline.source import parse

GOOD = """name: good
about: A sum.
plugins: []
inputs:
  number: {type: Number, about: the first, use: read-number, with: {scale: 2}}
  word:
    type: Word
    path: hello.word
steps:
  more: {use: add, with: {amount: 1e1, weights: [1, 2]}}
  parts: {use: halves}
  both: {use: sum, from: {left: parts.low, right: parts.high}}
  file: {use: table, from: both, with: {path: t.txt}}
  last: {use: spell, from: file}
outputs: {kept: last, low: parts.low}
"""
PIECES = ["", " ", "\n", ": ", ":", "[", "]", "{", "}", "- ", "~", "null", "1", "'", '"', "&a ", "*a", "!t ", "#", "a", "with", "from", "\t", "number", "🦴", "0x", "? "]  # fmt: skip
quick = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)


def told_or_read(lab, text, *more):
    told = "read"
    try:
        lab.read(text, *more)
    except PipelineError as problem:
        told = str(problem)
    assert told
    assert "object at 0x" not in told


@quick
@given(st.lists(st.tuples(st.integers(0, len(GOOD)), st.integers(0, 12), st.sampled_from(PIECES)), min_size=1, max_size=3))
def test_torn_files(lab, edits):
    text = GOOD
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    told_or_read(lab, text)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["number", "more", "parts.low", "add", "Number", "", "x.y.z"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "use", "with", "from", "number", "a"]), inner, max_size=3),
    max_leaves=5,
)  # fmt: skip


@quick
@given(st.data())
def test_any_value_in_any_place(lab, data):
    import json

    problems = Problems()
    tree = parse(Source("x", GOOD, lab.folder), problems).plain()

    def places(node, at=()):
        yield at
        for key, value in node.items() if isinstance(node, dict) else ():
            yield from places(value, (*at, key))

    at = data.draw(st.sampled_from([place for place in places(tree) if place]))
    node = tree
    for key in at[:-1]:
        node = node[key]
    node[at[-1]] = data.draw(values)
    told_or_read(lab, json.dumps(tree))


@quick
@given(st.text(max_size=30) | st.builds(lambda a, b, c: f"{a}.{b}={c}", st.sampled_from(["more", "number", "parts", "none"]), st.sampled_from(["amount", "weights", "a.b", "path", "weights.x"]), st.text(max_size=8)))  # fmt: skip
def test_any_setting(lab, setting):
    told_or_read(lab, GOOD, setting)
