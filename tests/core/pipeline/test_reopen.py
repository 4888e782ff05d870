"""A run opened again: the values are those of the run, nothing is computed, and what is gone is told."""

from __future__ import annotations

import json
import shutil

import pytest

from culmann import InputError, Strength
from culmann.pipeline import reopen

STEPS = """a: {use: add, with: {amount: 3}}
h: {use: halves}
c: {use: judge, from: a}"""
VARIANTS = """name: test
inputs: {number: {type: Number}}
steps:
  first: {use: fail, with: {how: halfway}}
  c: {use: judge}
variants:
  plain:
  broken: {first: {how: input}}
outputs: [c]
"""


@pytest.fixture
def done(lab):
    run, _ = lab.run(lab.steps(STEPS, outputs="{c: c, small: h.low}"))
    assert lab.calls
    return run


def test_its_values_are_there_and_nothing_is_computed(lab, done):
    again = reopen(done.out)
    assert again.manifest == done.manifest
    assert again.value("c") == done.value("c")
    assert again.value("a").value == 10.0
    assert again.value("number").value == 7.0
    assert again.ids(Strength) == done.ids(Strength) == ["c"]
    assert set(lab.calls) <= {"load", "read-number"}
    with pytest.raises(KeyError, match="no value 'x'"):
        again.value("x")


def test_a_pipeline_file_that_is_gone_or_changed_does_not_matter(lab, done):
    (lab.folder / "p.yaml").write_text("name: other\n")
    assert reopen(done.out).value("c") == done.value("c")
    (lab.folder / "p.yaml").unlink()
    assert reopen(done.out).value("c") == done.value("c")


def test_without_the_store_outputs_are_read_from_the_folder_and_the_rest_is_told(lab, done):
    shutil.rmtree(lab.folder / "store")
    again = reopen(done.out)
    assert again.value("c").failure_load_n == 10.0
    with pytest.raises(InputError, match=r"'a' of the run in .* is not in the store .*store any more") as caught:
        again.value("a")
    assert caught.value.hint == "run the pipeline again"
    assert not (lab.folder / "store").exists()


def test_another_store_can_be_named(lab, done):
    (lab.folder / "store").rename(lab.folder / "moved")
    assert reopen(done.out, lab.folder / "moved").value("a").value == 10.0


def test_an_input_that_changed_or_is_gone_is_told(lab, done):
    (lab.folder / "seven.txt").write_text("8")
    with pytest.raises(InputError, match=r"input 'number' .*seven.txt has changed since"):
        reopen(done.out).value("number")
    (lab.folder / "seven.txt").unlink()
    with pytest.raises(InputError, match=r"there is no .*seven.txt any more"):
        reopen(done.out).value("number")
    assert reopen(done.out).value("a").value == 10.0


def test_one_input_is_read_without_the_others(lab):
    inputs = "number: {type: Number}\nother: {type: Number}"
    graph = lab.steps(
        "a: {use: add, from: number, with: {amount: 3}}\nb: {use: add, from: other, with: {amount: 1}}", inputs=inputs
    )
    done, _ = lab.run(graph, {"number": lab.file("seven.txt", 7), "other": lab.file("two.txt", 2)})
    (lab.folder / "two.txt").unlink()
    assert reopen(done.out).value("number").value == 7.0
    with pytest.raises(InputError, match=r"there is no .*two\.txt any more"):
        reopen(done.out).value("other")


def test_variants_are_opened_with_what_became_of_them(lab, monkeypatch):
    monkeypatch.setenv("LAB_IN_FULL", "yes")
    run, _ = lab.run(lab.read(VARIANTS))
    again = reopen(run.out)
    assert {n: part.value("c").failure_load_n for n, part in again.variants.items()} == {
        n: part.value("c").failure_load_n for n, part in run.variants.items()
    }
    assert list(again.problems) == ["broken"]
    assert "the number is odd" in str(again.problems["broken"])
    assert reopen(run.out / "plain").value("c") == run.variants["plain"].value("c")


@pytest.mark.parametrize("content", [None, "{}", "no json", '{"kind": "other", "pipeline_text": ""}'])
def test_what_is_no_run_folder_is_refused(lab, content):
    folder = lab.folder / "some"
    folder.mkdir()
    if content is not None:
        (folder / "manifest.json").write_text(content)
    with pytest.raises(InputError, match="is no run folder"):
        reopen(folder)
    with pytest.raises(InputError, match="does not exist"):
        reopen(lab.folder / "nowhere")


def test_the_manifest_names_the_store(lab, done):
    assert json.loads((done.out / "manifest.json").read_text())["store"] == str(lab.store.folder)
