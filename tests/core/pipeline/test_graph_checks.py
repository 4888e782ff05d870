"""Everything that is told about a pipeline file before anything runs."""

# ruff: noqa: E501  (tables read better unbroken)
from __future__ import annotations

from pathlib import Path

import pytest

from culmann.errors import PipelineError
from culmann.pipeline import read_pipeline

GOOD = """name: good
about: A sum.
inputs:
  number: {type: Number, about: the first}
steps:
  more: {use: add, with: {amount: 1e1, weights: [1, 2]}}
  parts: {use: halves}
  both: {use: sum, from: {left: parts.low, right: parts.high}}
outputs: [both]
"""


def underlined(lines: list[str], head: int) -> str:
    """What the caret under a problem points at; empty where no problem begins."""
    if "p.yaml:" not in lines[head]:
        return ""
    caret = lines[head + 2]
    return lines[head + 1][caret.index("^") : caret.rindex("^") + 1]


def test_a_good_file(lab):
    graph = lab.read(GOOD)
    assert (graph.name, graph.about) == ("good", "A sum.")
    assert graph.steps["more"].config.amount == 10.0
    assert graph.steps["more"].links == {"number": "number"}
    assert graph.steps["both"].links == {"left": "parts.low", "right": "parts.high"}
    assert {name: kind.__name__ for name, kind in graph.types().items()} == dict.fromkeys(
        ["number", "more", "parts.low", "parts.high", "both"], "Number"
    )
    assert graph.upstream("both") == ["number", "more", "parts"]


def test_all_problems_come_at_once_in_the_order_of_the_file(lab):
    with pytest.raises(PipelineError) as caught:
        lab.read(
            """name: bad
colour: red
inputs:
  number: {type: Numbr}
steps:
  a: {use: ad, with: {amount: 1}}
  b: {use: add, from: nowhere, with: {amuont: 1, mode: thrice, exact: yes}}
outputs: [a, c]
"""
        )
    told = str(caught.value)
    assert told.startswith("9 problems\n")
    lines = told.splitlines()
    under = [place for n, line in enumerate(lines) if (place := underlined(lines, n))]
    assert under == ["colour", "Numbr", "ad", "b", "nowhere", "amuont", "thrice", "yes", "c"]
    assert "Traceback" not in told


@pytest.mark.parametrize(
    ("old", "new", "under", "what"),
    [
        ("about: A sum.", "abuot: A sum.", "abuot", "did you mean 'about'?"),
        ("name: good\n", "", "a", "'name' is missing"),
        ("outputs: [both]", "", "n", "'outputs' is missing"),
        ("outputs: [both]", "outputs: []", "[", "nothing is to be kept"),
        ("outputs: [both]", "outputs: both", "both", "outputs must be a list"),
        ("outputs: [both]", "outputs: [bth]", "bth", "there is no step or input 'bth'; did you mean 'both'?"),
        ("outputs: [both]", "outputs: [both, more]", "more", "'both' and 'more' are both Number"),
        ("outputs: [both]", "outputs: {qc: both}", "qc", "'qc' cannot be the name of an output folder"),
        ("outputs: [both]", "outputs: {../x: both}", "../x", "cannot be the name of an output folder"),
        ("outputs: [both]", "outputs: [both, parts]", "parts", "'parts' gives several results"),
        ("outputs: [both]", "outputs: [both.low]", "both.low", "'both' has a single result"),
        ("name: good", "name: [1]", "[", "name must be text, and this is a list"),
        ("type: Number", "type: Numbr", "Numbr", "did you mean 'Number'?"),
        ("type: Number", "type: Mesh", "Mesh", "no plugin has a reader for Mesh"),
        ("type: Number", "tpye: Number", "tpye", "did you mean 'type'?"),
        ("type: Number,", "", "number", "input 'number' has no type"),
        ("about: the first", "use: red-number", "red-number", "did you mean 'read-number'?"),
        ("about: the first", "use: read-word", "read-word", "reader 'read-word' gives Word, and input 'number' is Number"),
        ("about: the first", "use: add", "add", "'add' is no reader"),
        ("about: the first", "with: {scal: 2}", "scal", "input 'number' (read-number) has no option 'scal'; did you mean 'scale'?"),
        ("about: the first", "with: {scale: -2}", "-2", "should be greater than 0, and this is the number -2"),
        ("about: the first}", "about: x}\n  spare: {type: Word}", "spare", "no step takes the input 'spare'"),
        ("use: add,", "use: ad,", "ad", "there is no step 'ad'; did you mean 'add'?"),
        ("use: add,", "use: read-number,", "read-number", "belongs to the readers and cannot be a step"),
        ("use: add,", "", "more", "does not say what to `use`"),
        ("use: add,", "use: needs-torch,", "needs-torch", "points at the module 'lab_missing', which does not exist"),
        ("use: add,", "usse: add,", "usse", "did you mean 'use'?"),
        ("more:", "more.over:", "more.over", "'more.over' cannot be a name"),
        ("more:", "number:", "number", "'number' is the name of an input already"),
        ("with: {amount: 1e1, weights: [1, 2]}", "with: 3", "3", "`with` must be a mapping of options, and this is the number 3"),
        ("with: {amount: 1e1, weights: [1, 2]}", "about: x", "more", "the option 'amount' is missing"),
        ("amount: 1e1", "amuont: 1e1", "amuont", "has no option 'amuont'; did you mean 'amount'?"),
        ("amount: 1e1", "amount: ten", "ten", "should be a valid number, and this is the text 'ten'"),
        ("amount: 1e1", "amount: '1'", "'1'", "should be a valid number, and this is the text '1'"),
        ("amount: 1e1", "amount: true", "true", "should be a valid number, and this is true"),
        ("amount: 1e1", "amount: .inf", ".inf", "should be a finite number"),
        ("amount: 1e1", "amount: -1e4", "-1e4", "should be greater than or equal to -1000"),
        ("weights: [1, 2]", "weights: [1, x]", "x", "option 'weights.1': input should be a valid number"),
        ("weights: [1, 2]", "mode: thrice", "thrice", "should be 'plain' or 'twice', and this is the text 'thrice'"),
        ("weights: [1, 2]", "exact: no", "no", "should be a valid boolean, and this is the text 'no'"),
        ("use: halves", "use: halves, with: {a: 1}", "a", "takes no options"),
        ("use: halves", "use: halves, from: bth", "bth", "there is no step or input 'bth'; did you mean 'both'?"),
        ("use: halves", "use: halves, from: parts", "parts", "step 'parts' takes its own result"),
        ("use: halves", "use: halves, from: both", "both", "the steps go in a circle: parts needs both needs parts"),
        ("use: halves", "use: halves, from: [more]", "[", "`from` is a name, or a mapping of ports to names, and this is a list"),
        ("use: halves", "use: halves, from: {nmber: more}", "nmber", "has no port 'nmber'; did you mean 'number'?"),
        ("use: halves", "use: halves, from: {number: 3}", "3", "and this is the number 3"),
        ("use: halves", "use: halves, from: {number: null}", "null", "and this is nothing"),
        ("left: parts.low", "left: parts", "parts", "name one of them: parts.low, parts.high"),
        ("left: parts.low", "left: parts.lo", "parts.lo", "'parts' has no result 'parts.lo'; did you mean 'parts.low'?"),
        ("from: {left: parts.low, right: parts.high}", "", "both", "its ports 'left' and 'right' both take Number"),
        ("from: {left: parts.low, right: parts.high}", "from: more", "more", "'more' fits more than one port"),
        ("outputs: [both]", "  loose: {use: halves, from: more}\noutputs: [both]", "loose", "nothing takes the result of step 'loose'"),
        ("  parts:", "  word: {use: spell}\n  letters: {use: count, from: more}\n  parts:", "more", "takes word (Word), and 'more' is Number"),
        ("  parts:", "  letters: {use: count, from: {word: more}}\n  parts:", "more", "the port 'word' takes Word, and 'more' is Number"),
        ("  parts:", "  letters: {use: count}\n  parts:", "letters", "its port 'word' takes Word, and nothing above it gives that"),
    ],
)  # fmt: skip
def test_each_problem_has_its_place(lab, old, new, under, what):
    assert old in GOOD
    text = GOOD.replace(old, new)
    with pytest.raises(PipelineError) as caught:
        lab.read(text)
    lines = str(caught.value).splitlines()
    said = next(n for n, line in enumerate(lines) if what in line)
    said = next(n for n in range(said, -1, -1) if "p.yaml:" in lines[n])
    assert underlined(lines, said) == under
    line, column = map(int, lines[said].partition("p.yaml:")[2].split(":")[:2])
    assert text.splitlines()[line - 1][column - 1 :].startswith(under)


def test_a_step_that_stands_too_low(lab):
    told = lab.complaint("a: {use: halves, from: b}\nb: {use: add, from: number, with: {amount: 1}}")
    assert "step 'b' stands below 'a'" in told
    assert "move 'b' above it" in told


def test_the_description_of_an_option_is_the_hint(lab):
    assert "hint: amount: What is added." in lab.complaint("a: {use: add}")


def test_one_mistake_makes_no_other_problems(lab):
    told = lab.complaint(
        "a: {use: addd, with: {amount: 1}}\nb: {use: halves, from: a}\nc: {use: sum, from: {left: b.low, right: b.high}}"
    )
    assert told.count("p.yaml:") == 1


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ("a.amount=ten", "--set: step 'a' (add): option 'amount': input should be a valid number"),
        ("a.amuont=1", "has no option 'amuont'; did you mean 'amount'?"),
        ("b.amount=1", "there is no step or input 'b'"),
        ("a=1", "a setting has the form step.option=value"),
        ("a.amount", "a setting has the form step.option=value"),
        ("a.amount=[1", "not YAML"),
        ("a.mode=null", "should be 'plain' or 'twice', and this is nothing"),
        ("a.mode=", "nothing stands behind the =\n"),
        ("a.mode= ", "hint: for no value write a.mode=null"),
    ],
)
def test_settings_that_are_wrong_point_at_themselves(lab, setting, what):
    told = lab.complaint("a: {use: add, with: {amount: 1}}", setting)
    assert what in told
    assert f"    {setting}" in told


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        (["a.low=9"], "9"),
        (["a.high=-4"], "-4"),
        (["a.labels=[3]", "a.low=9"], "9"),
        (["a.low=9", "a.high=-4"], "9"),
    ],
)
def test_what_a_model_refuses_as_a_whole_points_at_the_setting_that_it_is_about(lab, settings, place):
    lines = lab.complaint("a: {use: between, with: {low: 0.5, high: 2}}", *settings).splitlines()
    assert lines[0].startswith("--set: step 'a' (between): a low of")
    caret = lines[2]
    assert lines[1][caret.index("^") : caret.rindex("^") + 1] == place


def test_what_a_model_refuses_as_a_whole_points_at_the_file_when_no_setting_is_about_it(lab):
    told = lab.complaint("a: {use: between, with: {low: 5, high: 2}}", "a.labels=[3]")
    assert told.partition(": step 'a' (between): a low of 5 is above 2")[0].endswith("p.yaml:5:3")


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("29", "a list is wanted, like [29], and this is the number 29"),
        ("'x'", "a list is wanted, like ['x'], and"),
        ("null", "a list is wanted, and this is nothing"),
    ],
)
def test_a_single_value_where_a_list_is_wanted(lab, written, what):
    assert f"option 'labels': {what}" in lab.complaint("a: {use: between}", f"a.labels={written}")
    assert f"option 'labels': {what}" in lab.complaint(f"a: {{use: between, with: {{labels: {written}}}}}")


def test_settings_replace_and_add_options_of_steps_and_inputs(lab):
    graph = lab.steps("a: {use: add}", "a.amount=1e1", "a.weights=[1, 2]", "number.scale=3", "a.amount=-4")
    assert graph.steps["a"].config.amount == -4.0
    assert graph.steps["a"].config.weights == (1.0, 2.0)
    assert graph.inputs["number"].options.plain() == {"scale": 3}


def test_a_file_option_is_found_beside_the_pipeline_and_a_set_one_in_the_working_directory(lab, monkeypatch):
    lab.file("table.txt", 4)
    away = lab.folder / "away"
    away.mkdir()
    (away / "table.txt").write_text("5")
    monkeypatch.chdir(away)
    step = "a: {use: table, with: {path: table.txt}}"
    assert lab.steps(step).steps["a"].config.path == lab.folder / "table.txt"
    assert lab.steps(step, "a.path=table.txt").steps["a"].config.path == away / "table.txt"
    told = lab.complaint("a: {use: table, with: {path: tabel.txt}}")
    assert f"there is no file {lab.folder / 'tabel.txt'}" in told


def test_plugins_named_in_the_file(lab):
    plugin = "from culmann import Step, hookimpl, Strength\napi = 1\n@hookimpl\ndef culmann_analyses():\n    yield Step('same', 'mine:same', summary='x')\n"
    plugin += "def same(strength: Strength) -> Strength:\n    return strength\n"
    lab.file("mine.py", plugin)
    text = "name: t\nplugins: [mine.py]\n" + GOOD.partition("\n")[2].replace(
        "outputs: [both]", "  j: {use: judge, from: both}\n  s: {use: same}\noutputs: [s]"
    )
    assert "same" in lab.read(text).catalogue.offers
    assert "same" not in lab.catalogue.offers
    lab.file("mine.py", "api = 1\nraise RuntimeError('no luck')")
    with pytest.raises(PipelineError, match=r"(?s)2:11: the one-file plugin .*mine.py cannot be used: RuntimeError: no luck"):
        lab.read(text)
    with pytest.raises(PipelineError, match=r"2:11: the one-file plugin .* does not exist"):
        lab.read(text.replace("mine.py", "none.py"))


def test_files_that_are_no_pipeline(lab):
    with pytest.raises(PipelineError, match="does not exist"):
        read_pipeline(lab.folder / "nothing.yaml", lab.catalogue)
    with pytest.raises(PipelineError, match="is a folder"):
        read_pipeline(lab.folder, lab.catalogue)
    image = lab.folder / "image.nii"
    image.write_bytes(bytes(range(256)))
    with pytest.raises(PipelineError, match="not a text in UTF-8"):
        read_pipeline(image, lab.catalogue)
    with pytest.raises(PipelineError, match="a pipeline file is a mapping, and this is a list"):
        lab.read("- 1\n- 2\n")


def test_checking_writes_nothing(lab):
    lab.read(GOOD)
    assert {path.name for path in Path(lab.folder).iterdir()} == {"p.yaml"}


def test_a_default_that_is_a_file_name_is_no_mistake(lab):
    told = lab.complaint("a: {use: table}")
    assert told.count("p.yaml:") == 1
    assert "the option 'path' is missing" in told
