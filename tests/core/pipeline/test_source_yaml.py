# ruff: noqa: E501  (tables read better unbroken)
from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from culmann.errors import PipelineError
from culmann.pipeline.problems import Problems, Source
from culmann.pipeline.source import MAX_DEPTH, parse, resolve


def read(text: str):
    problems = Problems()
    node = parse(Source("f.yaml", text, Path()), problems)
    problems.stop_if_any()
    return node.plain()


def complaint(text: str) -> str:
    with pytest.raises(PipelineError) as caught:
        read(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [  # YAML 1.2.2, section 10.3.2, and where YAML 1.1 says something else
        ("1e-3", 0.001), ("1E3", 1000.0), ("+1.5e+2", 150.0), (".5", 0.5), ("1.", 1.0), ("-0.0", -0.0),
        ("012", 12), ("0o14", 12), ("0x1F", 31), ("-17", -17), ("1_000", "1_000"), ("0b11", "0b11"), ("190:20:30", "190:20:30"),
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("Off", "Off"), ("y", "y"), ("true", True), ("FALSE", False), ("tRue", "tRue"),
        ("null", None), ("~", None), ("", None), ("Null", None), ("nULL", "nULL"), (".inf", math.inf), ("-.INF", -math.inf),
        ("2020-01-01", "2020-01-01"), ("1e", "1e"), (".", "."), ("+", "+"), ("-", "-"), ("=", "="), ("<<", "<<"), ("9" * 400, math.inf),
    ],
)  # fmt: skip
def test_plain_scalars_follow_yaml_1_2(text, value):
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


def test_not_a_number():
    assert math.isnan(resolve(".nan"))


@given(st.integers(-(10**30), 10**30) | st.floats(allow_nan=False) | st.booleans() | st.none())
def test_scalars_written_as_json_come_back(value):
    if isinstance(value, float) and math.isinf(value):
        value = 0.5
    assert resolve(json.dumps(value)) == value


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(st.characters(codec="ascii", min_codepoint=32)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcxyz", min_size=1), inner, max_size=3),
    max_leaves=12,
)  # fmt: skip


@given(json_like)
def test_json_is_read_as_json_reads_it(value):
    assert read(json.dumps({"top": value})) == {"top": value}


def test_quoted_scalars_are_text():
    assert read("a: '1'\nb: \"true\"\nc: |\n  12\nd: ''") == {"a": "1", "b": "true", "c": "12\n", "d": ""}


def test_keys_are_text():
    assert read("1: a\nno: b\nnull: c") == {"1": "a", "no": "b", "null": "c"}


def test_a_byte_order_mark_and_windows_line_ends_do_not_matter(lab):
    text = "name: t\r\ninputs:\r\n  number: {type: Number}\r\nsteps:\r\n  a: {use: halves}\r\noutputs: [a.low]\r\n"
    path = lab.folder / "w.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    from culmann.pipeline import read_pipeline

    assert list(read_pipeline(path, lab.catalogue).steps) == ["a"]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        ("a: 1\nb: 2\na: 3", "f.yaml:3:1", "second time; the first is in line 1"),
        ("a: {b: 1, b: 2}", "f.yaml:1:11", "the key 'b'"),
        ("a: !!python/object/apply:os.system [ls]", "f.yaml:1:4", "no tags"),
        ("a: !mine 3", "f.yaml:1:4", "'!mine'"),
        ("a: !!str 3", "f.yaml:1:4", "no tags"),
        ("a: &x 4", "f.yaml:1:4", "anchor 'x'"),
        ("a: *x", "f.yaml:1:4", "alias 'x'"),
        ("a: [1, 2", "f.yaml:1:9", "not YAML"),
        ("a: b: c", "f.yaml:1:5", "put the text in quotes"),
        ("a:\n\tb: 1", "f.yaml:2:1", "takes no tabs"),
        ("", "f.yaml:1:1", "nothing in it"),
        ("# only a comment\n", "f.yaml:1:1", "nothing in it"),
        ("a: 1\n---\nb: 2", "f.yaml:2:1", "second document"),
        ("? [a, b]\n: 3", "f.yaml:1:3", "key must be plain text"),
        ("a: 1\nb: \x07", "f.yaml:2:4", "character that YAML does not allow"),
        ("[" * 6000, f"f.yaml:1:{MAX_DEPTH + 1}", f"more than {MAX_DEPTH} deep"),
        ("- " * 6000, "f.yaml:1:", f"more than {MAX_DEPTH} deep"),
        ("a: " + "x" * 1_000_001, "f.yaml:1:1", "longer than 1 MB"),
    ],
)
def test_what_is_refused_and_where(text, where, what):
    told = complaint(text)
    assert where in told
    assert what in told


def test_an_alias_bomb_is_refused_at_once():
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    assert "no aliases here" in complaint("\n".join(lines))


def test_the_caret_stands_under_the_place():
    told = complaint("steps:\n  one: 1\n  one: 2").splitlines()
    assert told[1] == "      one: 2"
    assert told[2] == "      ^^^"


def test_long_lines_are_cut_around_the_place():
    told = complaint("a: [" + "x, " * 300 + "&q y]").splitlines()
    assert len(told[1]) < 200
    assert told[1][told[2].index("^") :].startswith("&q")


@given(st.text(max_size=60))
def test_any_text_is_read_or_told_about(text):
    problems = Problems()
    node = parse(Source("f.yaml", text, Path()), problems)
    assert (node is not None) or problems.found
    for problem in problems.found:
        assert problem.render().startswith("f.yaml:")
