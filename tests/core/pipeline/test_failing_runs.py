"""Runs that fail, are stopped or killed, or run at the same time as another: what is told, and what is kept."""

# ruff: noqa: E501  (tables read better unbroken)
from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from culmann.errors import InputError, PluginError

CHAIN = """a: {use: add, with: {amount: 3}}
b: {use: add, with: {amount: -1}}
c: {use: judge}"""


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
