"""Runs: what is computed, what is taken from the store, what is told, and what is left behind."""

# ruff: noqa: E501  (tables read better unbroken)
from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from culmann.catalogue import Catalogue
from culmann.errors import InputError, PipelineError
from culmann.pipeline import read_pipeline, run
from culmann.plugins import with_files

CHAIN = """a: {use: add, with: {amount: 3}}
b: {use: add, with: {amount: -1}}
c: {use: judge}"""


def test_a_run_from_nothing(lab):
    graph = lab.steps(CHAIN, outputs="[c]")
    done, heard = lab.run(graph)
    assert done.value("c").failure_load_n == 9.0
    assert lab.calls == ["read-number", "add", "add", "judge"]
    assert heard.of("started") == heard.of("finished") == ["number", "a", "b", "c"]
    assert ("progress", "a", "adding", 0.5) in heard.events
    assert sorted(p.relative_to(done.out).as_posix() for p in done.out.rglob("*") if p.is_file()) == [
        "manifest.json",
        "pipeline.yaml",
        "qc/b-sign.txt",
        "strength.json",
    ]
    assert json.loads((done.out / "strength.json").read_text())["failure_load_n"] == 9.0
    assert (done.out / "qc" / "b-sign.txt").read_bytes() == b"minus"
    assert done.manifest["pipeline_text"] == graph.text


def test_a_second_run_computes_loads_and_reads_nothing_and_tells_the_same(lab):
    graph = lab.steps(CHAIN, outputs="[c]")
    first, heard_first = lab.run(graph)
    written = (first.out / "strength.json").read_bytes()
    assert lab.calls
    second, heard = lab.run(graph)
    assert lab.calls == []
    assert heard.of("stored") == ["a", "b", "c"]
    assert [e for e in heard.events if e[0] == "warned"] == [e for e in heard_first.events if e[0] == "warned"]
    assert (second.out / "strength.json").read_bytes() == written
    assert (second.out / "qc" / "b-sign.txt").read_bytes() == b"minus"
    same = {"when", "steps"}
    assert {k: v for k, v in first.manifest.items() if k not in same} == {
        k: v for k, v in second.manifest.items() if k not in same
    }
    assert [s["from_store"] for s in second.manifest["steps"].values()] == [True] * 3
    assert second.value("b").value == 9.0


def test_only_what_rests_on_a_change_is_computed(lab):
    lab.run(lab.steps(CHAIN))
    assert len(lab.calls) == 4
    _, heard = lab.run(lab.steps(CHAIN, "b.amount=5"))
    assert lab.calls == ["load", "add", "judge"]
    assert heard.of("stored") == ["a"]
    lab.run(lab.steps(CHAIN), {"number": lab.file("eight.txt", 8)})
    assert lab.calls == ["read-number", "add", "add", "judge"]
    lab.run(lab.steps(CHAIN), {"number": lab.file("moved.txt", 7)})
    assert lab.calls == []


def test_names_of_steps_do_not_matter_to_the_store_and_defaults_neither(lab):
    lab.run(lab.steps(CHAIN))
    _ = lab.calls
    renamed = "x: {use: add, with: {amount: 3.0, mode: plain}}\ny: {use: add, with: {amount: -1}}\nz: {use: judge}"
    lab.run(lab.steps(renamed))
    assert lab.calls == []


def test_the_content_of_a_file_option_counts_and_not_its_name(lab):
    lab.file("t1.txt", 1), lab.file("t2.txt", 1)
    step = "a: {use: table, with: {path: %s}}"
    assert lab.run(lab.steps(step % "t1.txt"))[0].value("a").value == 8.0
    _ = lab.calls
    lab.run(lab.steps(step % "t2.txt"))
    assert "table" not in lab.calls
    lab.file("t2.txt", 2)
    assert lab.run(lab.steps(step % "t2.txt"))[0].value("a").value == 9.0


def test_an_excluded_option_computes_nothing_anew(lab):
    lab.file("t.txt", 1)
    step = "a: {use: table, with: {path: t.txt}}"
    lab.run(lab.steps(step))
    _ = lab.calls
    lab.run(lab.steps(step, f"a.scratch={lab.folder}"))
    assert "table" not in lab.calls


def test_force_computes_everything_anew(lab):
    lab.run(lab.steps(CHAIN))
    _ = lab.calls
    _, heard = lab.run(lab.steps(CHAIN), force=True)
    assert lab.calls == ["read-number", "add", "add", "judge"]
    assert heard.of("stored") == []
    lab.run(lab.steps(CHAIN))
    assert lab.calls == []


def test_an_edited_plugin_is_never_served_stale_results(lab):
    source = Path(__file__).with_name("lab_steps.py").read_text()
    file = lab.file("lab_steps.py", source)
    text = "name: t\ninputs:\n  number: {type: Number}\nsteps:\n  a: {use: add, with: {amount: 3}}\noutputs: [a]\n"
    path = lab.write(text)
    assert lab.run(read_pipeline(path, with_files(Catalogue({}), [file])))[0].value("a").value == 10.0
    file.write_text(source.replace("number.value + config.amount", "number.value - config.amount"))
    assert lab.run(read_pipeline(path, with_files(Catalogue({}), [file])))[0].value("a").value == 4.0


def test_warnings_of_everything_upstream_reach_the_strength(lab):
    steps = "a: {use: add, with: {amount: -1}}\nb: {use: spell, from: number}\nn: {use: count}\nd: {use: add, from: a, with: {amount: -2}}\n"
    steps += "s: {use: sum, from: {left: d, right: n}}\nunrelated: {use: add, from: number, with: {amount: -9}}\nc: {use: judge, from: s}"
    big = {"number": lab.file("big.txt", 60)}
    expected = ("60 is a large number", "-1 is negative", "-2 is negative", "judged quickly", "my own caveat")
    graph = lab.steps(steps)
    done, _ = lab.run(graph, big)
    assert done.value("c").caveats == expected
    assert json.loads((done.out / "c" / "strength.json").read_text())["caveats"] == list(expected)
    # a judge that runs later, over results that come from the store, knows the same
    later = "\n".join(line for line in steps.splitlines() if not line.startswith("c:")) + "\nzz: {use: judge, from: s}"
    lab.store.discard(done.manifest["steps"]["c"]["key"])
    assert lab.run(lab.steps(later), big)[0].value("zz").caveats == expected


@pytest.mark.parametrize("damage", ["manifest", "cut", "same size"])
def test_a_damaged_result_is_made_again(lab, damage):
    graph = lab.steps(CHAIN)
    first, _ = lab.run(graph)
    _ = lab.calls
    entry = lab.store.find(first.manifest["steps"]["a"]["key"])
    file = entry.folder / ("manifest.json" if damage == "manifest" else "value/number.txt")
    file.write_text("x" * file.stat().st_size if damage == "same size" else "x")
    done, _ = lab.run(graph)
    assert (done.out / "a" / "number.txt").read_text() == "10.0"
    assert "add" in lab.calls
    assert lab.store.find(first.manifest["steps"]["a"]["key"]).intact()


def test_an_unreadable_result_that_a_step_needs_is_made_again(lab):
    first, _ = lab.run(lab.steps(CHAIN))
    entry = lab.store.find(first.manifest["steps"]["b"]["key"])
    (entry.folder / "value" / "number.txt").write_text("xxx")
    lab.store.discard(first.manifest["steps"]["c"]["key"])
    _ = lab.calls
    done, _ = lab.run(lab.steps(CHAIN))
    assert done.value("c").failure_load_n == 9.0
    assert lab.calls.count("judge") == 1


def test_named_outputs_are_stored_and_exported_one_by_one(lab):
    done, _ = lab.run(
        lab.steps(
            "h: {use: halves}\ns: {use: sum, from: {left: h.low, right: h.high}}", outputs="{lo: h.low, hi: h.high, all: s}"
        )
    )
    assert [(done.out / f / "number.txt").read_text() for f in ("lo", "hi", "all")] == ["3.5", "4.5", "8.0"]
    assert done.value("h.high").value == 4.5
    with pytest.raises(KeyError, match=r"no value 'h'; there is number, h.low, h.high, s"):
        done.value("h")


def test_reports_share_the_top_of_the_folder(lab):
    steps = "p: {use: page}\na: {use: add, with: {amount: 1}}\nq: {use: page, from: a}"
    done, _ = lab.run(lab.steps(steps, outputs="[p, q, a]"))
    assert (done.out / "page.html").read_text() == "<p>7</p>"
    assert (done.out / "q-page.html").read_text() == "<p>8</p>"


def test_an_input_can_be_kept(lab):
    done, _ = lab.run(lab.steps("a: {use: halves}", outputs="{given: number, low: a.low}"))
    assert (done.out / "given" / "number.txt").read_text() == "7.0"


def test_the_manifest_has_everything_to_run_it_again(lab):
    graph = lab.steps(CHAIN, "a.amount=4", outputs="[c]")
    done, _ = lab.run(graph)
    m = done.manifest
    assert m["settings"] == ["a.amount=4"]
    assert m["pipeline_text"] == graph.text
    assert m["inputs"]["number"]["path"] == str(lab.folder / "seven.txt")
    assert (
        m["inputs"]["number"]["sha256"] == "7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451"
    )  # sha256sum of "7"
    assert m["steps"]["a"]["config"] == {"amount": 4.0, "mode": "plain", "weights": 1.0, "exact": True}
    assert m["citations"] == {"add": ["doi:10.1000/add"]}
    assert m["steps"]["a"]["peak_memory_mb"] > 10
    assert set(m["libraries"]) == {"numpy", "scipy", "SimpleITK", "numba"}
    assert re.fullmatch(r"\d+\.\d+.*", m["culmann"])
    assert m["steps"]["b"]["warnings"] == ["-1 is negative"]


@pytest.mark.parametrize(
    ("inputs", "what"),
    [
        ({}, "input 'number' is not given (Number: the count); say --input number=PATH"),
        ({"number": "none.txt"}, "there is no file or folder"),
        ({"number": "seven.txt", "nmber": "x"}, "the pipeline has no input 'nmber'; did you mean 'number'?"),
        ({"number": "seven.word"}, "no reader of Number takes the file"),
        ({"number": "folder"}, "no reader of Number takes the folder"),
        ({"number": "seven.word"}, "it may be .num.gz, .txt"),
    ],
)
def test_inputs_that_cannot_be_used_are_told_before_anything_is_written(lab, inputs, what):
    graph = lab.steps(CHAIN, inputs="number: {type: Number, about: the count}")
    lab.file("seven.txt", 7), lab.file("seven.word", 7)
    (lab.folder / "folder").mkdir()
    before = sorted(lab.folder.rglob("*"))
    with pytest.raises(InputError) as caught:
        run(graph, {name: lab.folder / path for name, path in inputs.items()}, out=lab.folder / "out")
    assert what in str(caught.value)
    assert sorted(lab.folder.rglob("*")) == before


def test_the_reader_is_chosen_by_the_longest_ending_or_by_name(lab):
    file = lab.file("hello.word.txt", "hello")
    steps, inputs = "a: {use: echo}", "word: {type: Word}"
    assert lab.run(lab.steps(steps, inputs=inputs), {"word": file})[0].value("a").value == "HELLO"
    graph = lab.steps(steps, inputs="word: {type: Word, use: read-word}")
    assert lab.run(graph, {"word": file})[0].value("a").value == "hello"
    folder = lab.folder / "letters"
    folder.mkdir()
    (folder / "1").write_text("ab"), (folder / "2").write_text("cd")
    assert lab.run(lab.steps(steps, inputs=inputs), {"word": folder})[0].value("a").value == "abcd"


def test_an_input_with_a_path_of_its_own_and_reader_options(lab):
    lab.file("five.txt", 5)
    graph = lab.steps(
        "a: {use: halves}", inputs="number: {type: Number, path: five.txt, with: {scale: 2}}", outputs="{x: a.low}"
    )
    assert lab.run(graph, {})[0].value("a.low").value == 5.0
    assert lab.run(graph)[0].value("a.low").value == 7.0


def test_reader_options_that_no_reader_takes(lab):
    with pytest.raises(PipelineError, match="takes no options"):
        lab.steps("a: {use: echo}", inputs="word: {type: Word, with: {loud: true}}")


def test_reading_pipelines_needs_no_numpy():
    code = "import sys, culmann.plugins, culmann.pipeline, culmann.pipeline.drawing; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
