"""Variants of a pipeline: what they share is computed once, and one that fails leaves the others alone."""

# ruff: noqa: E501  (tables read better unbroken)
from __future__ import annotations

import csv

import pytest

from culmann.errors import InputError, PipelineError, PluginError
from culmann.pipeline import read_pipeline

FILE = """name: test
inputs:
  number: {type: Number}
steps:
  first: {use: add, with: {amount: 1}}
  second: {use: add, with: {amount: 10, mode: plain}}
  c: {use: judge}
variants:
  plain:
  hundred: {second: {amount: 100}}
  twice: {second: {mode: twice}}
outputs: [c]
"""


def rows(folder):
    with (folder / "summary.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_each_variant_has_its_folder_and_what_they_share_is_computed_once(lab):
    done, heard = lab.run(lab.read(FILE))
    assert {name: part.value("c").failure_load_n for name, part in done.variants.items()} == {
        "plain": 18.0,
        "hundred": 108.0,
        "twice": 28.0,
    }
    assert lab.calls.count("add") == 1 + 3
    assert heard.of("started").count("plain/first") == 1
    assert "hundred/first" in heard.of("stored")
    for name in ("plain", "hundred", "twice"):
        assert (done.out / name / "strength.json").is_file()
        assert done.variants[name].manifest["variant"] == name
    assert [(row["variant"], row["outcome"], float(row["failure_load_n"])) for row in rows(done.out)] == [
        ("plain", "done", 18.0),
        ("hundred", "done", 108.0),
        ("twice", "done", 28.0),
    ]
    assert done.manifest["variants"]["twice"] == {"outcome": "done"}
    assert "twice/strength.json" in done.manifest["files"]


def test_a_variant_replaces_only_the_options_that_it_names(lab):
    graph = lab.read(FILE, "second.amount=5")
    amounts = {name: part.steps["second"].config.amount for name, part in graph.variants.items()}
    assert amounts == {"plain": 5, "hundred": 5, "twice": 5}  # the command line wins
    assert graph.variants["twice"].steps["second"].config.mode == "twice"
    assert lab.read(FILE).variants["twice"].steps["second"].config.amount == 10


def test_some_of_the_variants_can_be_asked_for(lab):
    path = lab.write(FILE)
    graph = read_pipeline(path, lab.catalogue, (), ["twice", "plain"])
    assert list(graph.variants) == ["plain", "twice"]
    with pytest.raises(PipelineError, match="there is no variant 'twise'; did you mean 'twice'"):
        read_pipeline(path, lab.catalogue, (), ["twise"])
    without = lab.write(FILE.replace("variants:\n  plain:\n", "").replace("  hundred", "#").replace("  twice: {s", "#"))
    with pytest.raises(PipelineError, match="has no variants"):
        read_pipeline(without, lab.catalogue, (), ["twice"])


def test_one_that_fails_leaves_the_others_alone(lab):
    text = FILE.replace("second: {use: add, with: {amount: 10, mode: plain}}", "second: {use: table, with: {path: ten.txt}}")
    text = text.replace("second: {amount: 100}", "second: {path: words.txt}").replace("  twice: {second: {mode: twice}}\n", "")
    lab.file("ten.txt", 10)
    lab.file("words.txt", "ten")
    done, _ = lab.run(lab.read(text))
    assert list(done.variants) == ["plain"]
    assert isinstance(done.problems["hundred"], PluginError)
    table = rows(done.out)
    assert [(row["variant"], row["outcome"]) for row in table] == [("plain", "done"), ("hundred", "failed")]
    assert "could not convert" in table[1]["problem"]
    assert not (done.out / "hundred").exists()
    assert done.manifest["variants"]["hundred"]["outcome"] == "failed"


def test_data_that_do_not_serve_are_skipped_and_when_none_serves_that_is_an_error(lab):
    text = FILE.replace("second: {use: add, with: {amount: 10, mode: plain}}", "second: {use: fail, with: {how: input}}")
    text = text.replace("second: {amount: 100}", "second: {how: bug}").replace("  twice: {second: {mode: twice}}\n", "")
    with pytest.raises(InputError, match=r"no variant could be computed\nvariant 'plain': .*the number is odd"):
        lab.run(lab.read(text))
    assert not (lab.folder / "out").exists()


def test_force_computes_what_is_shared_once(lab):
    graph = lab.read(FILE)
    lab.run(graph)
    _ = lab.calls
    lab.run(graph, force=True)
    assert lab.calls.count("add") == 1 + 3


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("hundred: {second: {amount: 100}}", "hundred: {secund: {amount: 100}}", "no step or input 'secund'; did you mean 'second'"),
        ("hundred: {second: {amount: 100}}", "hundred: {second: 100}", "the options of 'second' are a mapping"),
        ("hundred: {second: {amount: 100}}", "hundred: [second]", "variant 'hundred' is a mapping of steps, and this is a list"),
        ("hundred: {second: {amount: 100}}", "hundred: {second: {amount: many}}", "option 'amount'"),
        ("hundred: {second", "../up: {second", "cannot be the name of a variant"),
        ("hundred: {second", "manifest.json: {second", "cannot be the name of a variant"),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_place_and_once(lab, old, new, told):
    with pytest.raises(PipelineError) as caught:
        lab.read(FILE.replace(old, new))
    assert str(caught.value).count(told) == 1
    line = 1 + next(n for n, text in enumerate(FILE.replace(old, new).splitlines()) if new.split(":")[0] in text)
    assert f"p.yaml:{line}:" in str(caught.value)


def test_a_mistake_that_all_variants_share_is_told_once(lab):
    with pytest.raises(PipelineError) as caught:
        lab.read(FILE.replace("first: {use: add, with: {amount: 1}}", "first: {use: add, with: {amont: 1}}"))
    assert str(caught.value).count("has no option 'amont'") == 1
