"""Runs: what is computed, what is taken from the store, what is told, and what is left behind."""

# ruff: noqa: E501  (tables read better unbroken)
from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from culmann.catalogue import Catalogue
from culmann.errors import InputError, PipelineError, PluginError
from culmann.pipeline import Silent, Store, read_pipeline, run
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
    assert lab.calls
    second, heard = lab.run(graph)
    assert lab.calls == []
    assert heard.of("stored") == ["a", "b", "c"]
    assert [e for e in heard.events if e[0] == "warned"] == [e for e in heard_first.events if e[0] == "warned"]
    assert (second.out / "strength.json").read_bytes() == (second.out / "strength.json").read_bytes()
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


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("left", ["notes.txt", "empty/", "manifest.json"])
def test_a_folder_that_no_run_wrote_is_never_replaced(lab, left, force):
    out = lab.folder / "out"
    out.mkdir()
    (out / left).mkdir() if left.endswith("/") else (out / left).write_text('{"kind": "other", "files": []}')
    with pytest.raises(InputError, match=r"is not empty and not the folder of an earlier run.*\n  hint: name another folder"):
        lab.run(lab.steps(CHAIN), force=force)
    assert [p.name for p in out.iterdir()] == [left.rstrip("/")]
    assert lab.calls == []
    file = lab.file("file", "")
    with pytest.raises(InputError, match="is a file"):
        lab.run(lab.steps(CHAIN), out=file / "out")


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("above", [False, True], ids=["the place itself", "a folder above it"])
@pytest.mark.parametrize("what", ["cwd", "pipeline", "input", "plugin", "store", "home", "option"])
def test_a_run_folder_never_takes_the_place_of_something_needed(lab, monkeypatch, what, above, force):
    study = lab.folder / "study"
    thing = study / "deep" / "thing"
    thing.parent.mkdir(parents=True)
    graph, inputs, store = lab.steps(CHAIN), {"number": lab.file("seven.txt", 7)}, lab.store
    match what:
        case "cwd":
            thing.mkdir()
            monkeypatch.chdir(thing)
        case "home":
            thing.mkdir()
            monkeypatch.setenv("HOME", str(thing))
            monkeypatch.setenv("USERPROFILE", str(thing))
        case "store":
            store = Store(thing)
        case "pipeline":
            thing.write_text(graph.text)
            graph = read_pipeline(thing, lab.catalogue)
        case "input":
            thing = thing.with_suffix(".txt")
            thing.write_text("7")
            inputs = {"number": thing}
        case "plugin":
            thing = thing.with_name("lab_steps.py")
            thing.write_text(Path(__file__).with_name("lab_steps.py").read_text())
            graph = read_pipeline(graph.path, with_files(Catalogue({}), [thing]))
        case "option":
            thing.write_text("1")
            graph = lab.steps(f"a: {{use: table, with: {{path: {thing}}}}}")
    before = sorted(study.rglob("*"))
    with pytest.raises(InputError, match=r"the run folder .* (is|contains) .*a run replaces the whole folder"):
        lab.run(graph, inputs, out=study if above else thing, store=store, force=force)
    assert lab.calls == []
    assert sorted(study.rglob("*")) == before


def test_files_of_the_user_in_a_run_folder_are_kept_when_the_run_is_replaced(lab):
    graph = lab.steps(CHAIN, outputs="[c]")
    (lab.folder / "out").mkdir()  # an empty folder is fine
    first, _ = lab.run(graph)
    assert first.replaced is None
    mine = {"mynotes.txt": "mine", "views/deep/a.pvsm": "state", "qc/my.txt": "sign", "number.txt": "not a result"}
    for name, text in mine.items():
        (first.out / name).parent.mkdir(parents=True, exist_ok=True)
        (first.out / name).write_text(text)
    (first.out / "link").symlink_to("nowhere")
    second, _ = lab.run(lab.steps(CHAIN, outputs="{deeper: c}"))
    assert second.replaced == first.manifest
    assert {name: (second.out / name).read_text() for name in mine} == mine
    assert (second.out / "link").is_symlink()
    assert not (second.out / "strength.json").exists()  # an output of the old run, which the new one does not have
    # a result of the new run where the user's file is: both stay
    third, _ = lab.run(lab.steps(CHAIN, outputs="[a, c]"))
    assert (third.out / "number.txt").read_text() == "10.0"
    assert (third.out / "kept-1" / "number.txt").read_text() == "not a result"
    fourth, _ = lab.run(graph)
    assert (fourth.out / "kept-1" / "number.txt").read_text() == "not a result"
    assert (fourth.out / "mynotes.txt").read_text() == "mine"
    assert [p.name for p in lab.folder.iterdir() if "out" in p.name] == ["out"]


def test_what_came_to_be_in_the_run_folder_meanwhile_is_not_replaced(lab):
    out, flag = lab.folder / "out", lab.folder / "flag"
    graph = lab.steps(f"a: {{use: slow, with: {{until: {flag}}}}}")

    class Late(Silent):
        def started(self, *_):
            out.mkdir(exist_ok=True)
            (out / "mine.txt").write_text("mine")
            flag.write_text("")

    with pytest.raises(InputError, match="not the folder of an earlier run"):
        lab.run(graph, listener=Late())
    assert [p.name for p in out.iterdir()] == ["mine.txt"]


def test_a_failed_run_leaves_the_old_folder_as_it_was(lab):
    good = lab.steps(CHAIN)
    lab.run(good)
    before = {p: p.read_bytes() for p in (lab.folder / "out").rglob("*") if p.is_file()}
    bad = lab.steps(CHAIN + "\nd: {use: fail, from: b}")
    with pytest.raises(PluginError):
        lab.run(bad)
    assert {p: p.read_bytes() for p in (lab.folder / "out").rglob("*") if p.is_file()} == before
    assert not [p for p in lab.folder.iterdir() if p.name != "out" and "out" in p.name]


def test_an_error_of_ours_keeps_its_words_and_gets_the_step(lab):
    with pytest.raises(InputError) as caught:
        lab.run(lab.steps("a: {use: fail, with: {how: input}}"))
    assert str(caught.value) == "step 'a' (fail): the number is odd\n  hint: use another"


def test_a_bug_in_a_plugin_names_it_and_leaves_the_traceback_in_a_file(lab):
    with pytest.raises(PluginError) as caught:
        lab.run(lab.steps("a: {use: fail}"))
    told = str(caught.value)
    assert "step 'a' (fail) failed inside the one-file plugin" in told
    assert "lab_steps.py: ZeroDivisionError: division by zero" in told
    log = Path(re.search(r"the traceback is in (\S+)", told)[1])
    assert "return Number(1 / 0)" in log.read_text()
    with pytest.raises(PluginError, match="SystemExit: 7"):
        lab.run(lab.steps("a: {use: fail, with: {how: exit}}"))


def test_a_step_that_returns_something_else_is_named(lab):
    with pytest.raises(PluginError, match=r"step 'a' \(liar\): .* breaks the contract: it is declared as Word and was Number"):
        lab.run(lab.steps("a: {use: liar}"))


def test_ctrl_c_passes_and_finished_results_stay(lab):
    graph = lab.steps("a: {use: add, with: {amount: 1}}\nb: {use: fail, with: {how: interrupt}}")
    with pytest.raises(KeyboardInterrupt):
        lab.run(graph)
    _ = lab.calls
    with pytest.raises(KeyboardInterrupt):
        lab.run(graph)
    assert lab.calls == ["load", "fail"]
    assert not list((lab.folder / "store" / "tmp").iterdir())


def test_an_incomplete_result_is_written_and_never_served(lab, monkeypatch):
    steps = "a: {use: add, with: {amount: 1}}\nb: {use: fail, with: {how: halfway}}\nc: {use: add, with: {amount: 2}}\nd: {use: judge}"
    graph = lab.steps(steps)
    first, _ = lab.run(graph)
    assert (first.out / "c" / "number.txt").read_text() == "6.0"
    assert first.incomplete == dict.fromkeys("bcd", "stopped halfway")
    assert {name: step.get("incomplete") for name, step in first.manifest["steps"].items()}["b"] == "stopped halfway"
    assert "incomplete" not in first.manifest["steps"]["a"]
    assert "stopped halfway" in first.value("d").caveats
    _ = lab.calls
    again, _ = lab.run(graph)
    assert [call for call in lab.calls if call != "load"][:2] == ["fail", "add"], "b and what rests on it are computed anew"
    assert again.incomplete
    monkeypatch.setenv("LAB_IN_FULL", "1")
    full, _ = lab.run(graph)
    assert (full.out / "c" / "number.txt").read_text() == "10.0"
    assert full.incomplete == {}
    assert "stopped halfway" not in full.value("d").caveats
    _ = lab.calls
    monkeypatch.delenv("LAB_IN_FULL")
    lab.run(graph)
    assert "fail" not in lab.calls, "the whole result is served"


SCRIPT = """
import sys
from pathlib import Path
from culmann.catalogue import Catalogue
from culmann.pipeline import Store, read_pipeline, run
from culmann.plugins import with_files
folder, plugin = Path(sys.argv[1]), Path(sys.argv[2])
graph = read_pipeline(folder / "p.yaml", with_files(Catalogue({}), [plugin]))
run(graph, {"number": folder / "seven.txt"}, out=folder / "out", store=Store(folder / "store"))
"""


def test_a_run_that_was_killed_goes_on_where_it_stopped(lab):
    flag = lab.folder / "flag"
    lab.file("seven.txt", 7)
    graph = lab.steps(
        f"a: {{use: add, with: {{amount: 1}}}}\nb: {{use: slow, with: {{until: {flag}}}}}\nc: {{use: add, with: {{amount: 2}}}}"
    )
    plugin = Path(__file__).with_name("lab_steps.py")
    process = subprocess.Popen([sys.executable, "-c", SCRIPT, str(lab.folder), str(plugin)])
    deadline = time.time() + 60
    seen: list[str] = []
    while "slow" not in seen:
        assert process.poll() is None
        assert time.time() < deadline
        seen += lab.calls
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert seen == ["read-number", "add", "slow"]
    assert not (lab.folder / "out").exists()
    flag.write_text("")
    done, heard = lab.run(graph)
    assert heard.of("stored") == ["a"]
    assert lab.calls == ["load", "slow", "add"]
    assert done.value("c").value == 10.0
    assert not list((lab.folder / "store" / "tmp").iterdir())


def test_two_runs_at_once_share_the_store(lab):
    lab.file("seven.txt", 7)
    lab.steps(CHAIN, outputs="[c]")
    plugin = Path(__file__).with_name("lab_steps.py")
    command = [sys.executable, "-c", SCRIPT.replace('folder / "out"', "folder / sys.argv[3]"), str(lab.folder), str(plugin)]
    both = [subprocess.Popen([*command, name]) for name in ("out1", "out2")]
    assert [process.wait(timeout=60) for process in both] == [0, 0]
    assert (lab.folder / "out1" / "strength.json").read_bytes() == (lab.folder / "out2" / "strength.json").read_bytes()


def test_a_store_that_cannot_be_written_is_no_mistake_of_the_plugin(lab, monkeypatch):
    graph = lab.steps(CHAIN)

    def full(self, folder):
        raise OSError(28, "No space left on device", str(folder / "number.txt"))

    monkeypatch.setattr(graph.steps["a"].ports.outputs[""], "save", full)
    with pytest.raises(InputError, match=r"step 'a' \(add\): its result cannot be stored in .*: No space left on device"):
        lab.run(graph)


def test_an_input_that_cannot_be_opened(lab, monkeypatch):
    """The system's own words reach the user; root may read everything, so that no mode of the file can bring this about."""
    file = lab.file("seven.txt", 7)
    opened = Path.open

    def refuse(self, *arguments, **options):
        if self == file:
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        lab.run(lab.steps(CHAIN), {"number": file})


def test_reading_pipelines_needs_no_numpy():
    code = "import sys, culmann.plugins, culmann.pipeline, culmann.pipeline.drawing; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
