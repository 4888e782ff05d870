"""The pipeline file in a run folder runs from there, and gives what the run gave."""

from __future__ import annotations

import pytest

from culmann.catalogue import Catalogue
from culmann.pipeline import read_pipeline, run
from culmann.plugins import load_catalogue

BLOCK = """\
name: test # a comment that stays
inputs:
  number:
    type: Number
    about: a number
steps:
  a:
    use: add
    with: {amount: 3}
  b: {use: add, with: {amount: 1}}
  c: {use: judge}
outputs: [c]
"""


def again(done, catalogue, variants=()):
    graph = read_pipeline(done.out / "pipeline.yaml", catalogue, [], variants)
    return graph, run(graph, out=done.out.parent / "again", store=done.out.parent / "store")


def test_files_that_were_given_and_options_that_were_set_stand_in_it(lab, tmp_path, monkeypatch):
    graph = lab.read(BLOCK, "a.amount=20", "b.amount=-1")
    done, _ = lab.run(graph)
    text = (done.out / "pipeline.yaml").read_text()
    assert "# a comment that stays" in text
    assert text.startswith("# Kept by a run of culmann. File names are absolute")
    monkeypatch.chdir(tmp_path)
    assert lab.calls
    _, second = again(done, lab.catalogue)
    assert lab.calls == []  # the very same results
    assert second.value("c") == done.value("c")
    assert second.value("c").failure_load_n == 26.0


def test_an_input_with_a_path_beside_the_pipeline(lab):
    lab.file("seven.txt", 7)
    graph = lab.read(BLOCK.replace("    type: Number\n    about: a number\n", "    {type: Number, path: seven.txt}\n"))
    done, _ = lab.run(graph, {})
    assert again(done, lab.catalogue)[1].value("c") == done.value("c")


def test_an_option_that_is_a_file_and_a_plugin_beside_the_pipeline(tmp_path):
    (tmp_path / "lab").mkdir()
    (tmp_path / "lab" / "shifts.py").write_text(PLUGIN)
    (tmp_path / "lab" / "by.txt").write_text("5")
    (tmp_path / "lab" / "in.txt").write_text("1")
    text = "name: t\nplugins: [shifts.py]\ninputs: {s: {type: Report, path: in.txt}}\n"
    text += "steps: {a: {use: shift, with: {by: by.txt}}}\noutputs: [a]\n"
    (tmp_path / "lab" / "p.yaml").write_text(text)
    graph = read_pipeline(tmp_path / "lab" / "p.yaml", Catalogue({}))
    done = run(graph, out=tmp_path / "runs" / "one", store=tmp_path / "store")
    kept, second = again(done, Catalogue({}))
    assert kept.steps["a"].config == graph.steps["a"].config
    assert second.manifest["steps"]["a"]["key"] == done.manifest["steps"]["a"]["key"]


def test_each_variant_keeps_its_own(lab):
    text = BLOCK.replace("outputs:", "variants:\n  one: {a: {amount: 4}}\n  two: {a: {amount: 5}}\noutputs:")
    done, _ = lab.run(lab.read(text, "b.amount=10"))
    graph, second = again(done.variants["two"], lab.catalogue)
    assert list(graph.variants) == ["one", "two"]
    assert {name: part.value("c").failure_load_n for name, part in second.variants.items()} == {"one": 21.0, "two": 22.0}
    done, _ = lab.run(lab.read(text, "a.amount=100"))
    assert again(done.variants["two"], lab.catalogue)[1].value("c").failure_load_n == 108.0


def test_options_in_lines_of_their_own(lab):
    text = BLOCK.replace("with: {amount: 3}", "with:\n      amount: 3 # three")
    done, _ = lab.run(lab.read(text, "a.amount=9"))
    assert "      amount: 9 # three" in (done.out / "pipeline.yaml").read_text()
    assert again(done, lab.catalogue)[1].value("c").failure_load_n == 17.0


def test_a_text_that_cannot_be_changed_so_is_kept_and_says_so(lab):
    text = BLOCK.replace("  b: {use: add, with: {amount: 1}}", "  b:\n    use: add\n    with:")
    done, _ = lab.run(lab.read(text, "b.amount=1"))
    kept = (done.out / "pipeline.yaml").read_text()
    assert kept.splitlines()[0].startswith("# Kept by a run of culmann. This is the file as it was")
    assert kept.endswith(text)


@pytest.mark.parametrize("name", ["vertebra_voxel", "femur_sas", "vertebra_every_level", "femur_both_sides"])
def test_pipelines_that_ship_are_kept_in_this_way(name):
    from culmann.pipeline.again import runnable_text
    from culmann.pipeline.inputs import bind
    from culmann.shipped import find_pipeline

    graph = read_pipeline(find_pipeline(name), load_catalogue(), ["mesh.size_mm=4"])
    for variant in graph.variants.values() or [graph]:
        files = {key: bound.path for key, bound in bind(variant, {}).items()}
        text = runnable_text(variant, files)
        assert "File names are absolute" in text.splitlines()[0]
        assert all(str(path) in text for path in files.values())


PLUGIN = """
from pathlib import Path
from culmann import Config, Report, Step, hookimpl
api = 1


class By(Config):
    by: Path


def read(path: Path) -> Report:
    return Report({"s.txt": path.read_bytes()})


def shift(s: Report, config: By) -> Report:
    return Report({"t.txt": s.files["s.txt"] + config.by.read_bytes()})


@hookimpl
def culmann_readers():
    yield Step("read-s", "shifts:read", summary="reads", suffixes=(".txt",))


@hookimpl
def culmann_reporters():
    yield Step("shift", "shifts:shift", summary="adds")
"""
