"""Which value a port takes when the pipeline file does not say."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ADD = "with: {amount: 1}"


def links(graph, step):
    return dict(graph.steps[step].links)


def test_a_chain_needs_no_from(lab):
    graph = lab.steps(f"a: {{use: add, {ADD}}}\nb: {{use: add, {ADD}}}\nc: {{use: spell}}\nd: {{use: echo}}\ne: {{use: count}}")
    assert [links(graph, s) for s in "abcde"] == [
        {"number": "number"},
        {"number": "a"},
        {"number": "b", "word": None},
        {"word": "c"},
        {"word": "d"},
    ]


def test_a_value_that_was_turned_into_another_type_is_still_there(lab):
    graph = lab.steps("a: {use: spell}\nb: {use: spell}", outputs="{a: a, b: b}")
    assert links(graph, "b") == {"number": "number", "word": "a"}


def test_two_branches_are_ambiguous_and_the_message_shows_both_ways(lab):
    told = lab.complaint(f"a: {{use: add, from: number, {ADD}}}\nb: {{use: add, from: number, {ADD}}}\nc: {{use: halves}}")
    assert "step 'c' (halves): its port 'number' takes Number, and that may be 'a' or 'b'" in told
    assert "write `from: a` or `from: b`" in told
    told = lab.complaint(f"a: {{use: add, from: number, {ADD}}}\nb: {{use: add, from: number, {ADD}}}\nc: {{use: spell}}")
    assert "write `from: {number: a}` or `from: {number: b}`" in told


def test_an_older_value_can_be_taken_by_name(lab):
    graph = lab.steps(f"a: {{use: add, {ADD}}}\nb: {{use: add, from: number, {ADD}}}")
    assert links(graph, "b") == {"number": "number"}


def test_after_a_second_branch_from_an_old_value_both_ends_stand(lab):
    told = lab.complaint(f"a: {{use: add, {ADD}}}\nb: {{use: add, from: number, {ADD}}}\nc: {{use: halves}}")
    assert "may be 'a' or 'b'" in told


def test_both_results_of_a_step_with_two_are_candidates(lab):
    assert "may be 'a.low' or 'a.high'" in lab.complaint("a: {use: halves}\nb: {use: spell}")


def test_a_value_that_one_port_was_given_is_not_offered_to_the_other(lab):
    inputs = "number: {type: Number}\nother: {type: Number}"
    graph = lab.steps("a: {use: sum, from: {right: number}}", inputs=inputs)
    assert links(graph, "a") == {"right": "number", "left": "other"}


def test_one_value_is_never_taken_by_two_ports_unasked(lab):
    told = lab.complaint("a: {use: sum}")
    assert "its ports 'left' and 'right' both take Number" in told
    graph = lab.steps("a: {use: sum, from: {left: number, right: number}}")
    assert links(graph, "a") == {"left": "number", "right": "number"}


def test_an_optional_port_is_filled_when_it_can_be_and_may_be_left_empty(lab):
    inputs = "number: {type: Number}\nword: {type: Word}"
    assert links(lab.steps("a: {use: spell}", inputs=inputs), "a") == {"number": "number", "word": "word"}
    graph = lab.steps("a: {use: spell, from: {word: null}}\nb: {use: echo, from: word}", inputs=inputs)
    assert links(graph, "a") == {"number": "number", "word": None}


def test_an_optional_port_with_two_candidates_is_ambiguous(lab):
    inputs = "number: {type: Number}\nw1: {type: Word}\nw2: {type: Word}"
    assert "its port 'word' takes Word, and that may be 'w1' or 'w2'" in lab.complaint("a: {use: spell}", inputs=inputs)


def test_a_plain_from_fills_the_port_of_its_type_and_the_others_follow(lab):
    inputs = "number: {type: Number}\nw1: {type: Word}\nw2: {type: Word}"
    graph = lab.steps("a: {use: spell, from: w2}\nb: {use: echo, from: w1}", inputs=inputs)
    assert links(graph, "a") == {"word": "w2", "number": "number"}


STEP = st.sampled_from(["add", "halves", "spell", "echo", "count"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(STEP, min_size=1, max_size=7))
def test_wiring_agrees_with_the_rule_told_in_words(lab, uses):
    """The rule again, in the plainest way: a value is free for a port when its type fits and no step made it newer."""
    takes = {"add": "N", "halves": "N", "spell": "N", "echo": "W", "count": "W"}
    gives = {"add": "N", "halves": "NN", "spell": "W", "echo": "W", "count": "N"}
    values: list[tuple[str, str]] = [("number", "N"), ("word", "W")]
    gone: set[str] = set()
    expected: list[dict | None] = []
    for n, use in enumerate(uses):
        free = {kind: [v for v, t in values if t == kind and v not in gone] for kind in "NW"}
        ports = [takes[use]] + (["W"] if use == "spell" else [])
        if any(len(free[kind]) > 1 for kind in ports):
            expected = None
            break
        taken = {kind: free[kind][0] for kind in ports}
        expected.append({"number" if kind == "N" else "word": value for kind, value in taken.items()})
        gone |= {value for kind, value in taken.items() if kind in gives[use]}
        names = [f"s{n}.low", f"s{n}.high"] if use == "halves" else [f"s{n}"]
        values += list(zip(names, gives[use], strict=True))
    body = "\n".join(f"s{n}: {{use: {use}{', with: {amount: 1}' if use == 'add' else ''}}}" for n, use in enumerate(uses))
    inputs = "number: {type: Number}\nword: {type: Word}"
    kept = ["number", "word"] + [f"s{n}.low" if use == "halves" else f"s{n}" for n, use in enumerate(uses)]
    outputs = "{" + ", ".join(f"f{n}: {value}" for n, value in enumerate(kept)) + "}"
    if expected is None:
        assert "and that may be" in lab.complaint(body, inputs=inputs, outputs=outputs)
    else:
        graph = lab.steps(body, inputs=inputs, outputs=outputs)
        assert [links(graph, f"s{n}") for n in range(len(uses))] == expected


@pytest.mark.parametrize("name", ["number", "a", "b.low"])
def test_everything_that_flows_can_be_an_output(lab, name):
    graph = lab.steps(f"a: {{use: add, {ADD}}}\nb: {{use: halves}}", outputs=f"{{x: {name}, y: b.high}}")
    assert [(output.folder, output.value) for output in graph.outputs] == [("x", name), ("y", "b.high")]
