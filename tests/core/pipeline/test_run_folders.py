"""The run folder: what it never takes the place of, and what of an earlier run stays in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from culmann.catalogue import Catalogue
from culmann.errors import InputError, PluginError
from culmann.pipeline import Silent, Store, read_pipeline
from culmann.plugins import with_files

CHAIN = """a: {use: add, with: {amount: 3}}
b: {use: add, with: {amount: -1}}
c: {use: judge}"""


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
