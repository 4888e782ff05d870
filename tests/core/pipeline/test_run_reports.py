"""What plugins make of a finished run: it lies in the folder when that appears, and one that fails loses nothing."""

from __future__ import annotations

import json

import pytest

from culmann.errors import PipelineError
from culmann.pipeline import Silent, reopen
from culmann.pipeline.run_reports import with_reports

PLUGIN = '''
from pathlib import Path
from culmann import InputError, Report, Step, hookimpl
from culmann.pipeline import Run

api = 1


@hookimpl
def culmann_run_reports():
    yield Step("told", "reports:told", summary="What there is in words")
    yield Step("wrong", "reports:wrong", summary="A report that fails")


def told(run: Run) -> Report:
    """What there is."""
    strengths = {name: part.value("c").failure_load_n for name, part in run.variants.items()} or run.value("c").failure_load_n
    final = Path(OUT) in [run.out, *run.out.parents]
    there = sorted(path.name for path in run.out.iterdir())
    import json
    return Report({"told.json": json.dumps({"load": strengths, "at its final place": final, "there": there}).encode()})


def wrong(run: Run) -> Report:
    """Fails."""
    WRONG
'''
FILE = """name: test
plugins: [reports.py]
inputs:
  number: {type: Number}
steps:
  first: {use: add, with: {amount: 1}}
  c: {use: judge}
outputs: [c]
"""
VARIANTS = "variants:\n  one: {first: {amount: 1}}\n  two: {first: {amount: 2}}\n"


@pytest.fixture
def reporting(lab):
    """Runs a pipeline with the plugin above; `wrong` is what its second report does."""

    def go(text, wrong, **options):
        lab.write(PLUGIN.replace("OUT", repr(str(lab.folder / "out"))).replace("WRONG", wrong), "reports.py")
        return lab.run(lab.read(text), **options)

    return go


def test_report_is_made_before_the_folder_is_in_its_place_and_is_listed(reporting):
    done, heard = reporting(FILE, "return Report({})")
    told = json.loads((done.out / "told.json").read_text())
    assert told["load"] == done.value("c").failure_load_n
    assert told["at its final place"] is False
    assert {"strength.json", "manifest.json", "pipeline.yaml"} <= set(told["there"])
    assert done.manifest["run_reports"] == {"told": {"files": ["told.json"]}, "wrong": {"files": []}}
    assert "told.json" in done.manifest["files"]
    assert done.manifest == json.loads((done.out / "manifest.json").read_text())
    assert heard.of("started").count("report") == 2
    assert not [name for name in heard.of("started")[-2:] if name != "report"]  # what a report loads is not told


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("raise ValueError('no\\n luck')", "ValueError: no luck"),
        ("raise SystemExit(4)", "SystemExit: 4"),
        ("raise InputError('too dark')", "could not be made: too dark"),
        ("return 'text'", "it gave str and not a Report"),
        ("return Report({'strength.json': b''})", "the run has a file strength.json already"),
        ("return Report({'manifest.json': b''})", "the run has a file manifest.json already"),
        ("return Report({'told.json': b''})", "the run has a file told.json already"),
    ],
)
def test_report_that_fails_is_told_and_the_run_is_there(reporting, wrong, said):
    done, heard = reporting(FILE, wrong)
    assert done.value("c").failure_load_n > 0
    assert (done.out / "strength.json").stat().st_size > 0
    assert json.loads((done.out / "told.json").read_text())["load"] > 0
    problem = done.manifest["run_reports"]["wrong"]["problem"]
    assert said in problem
    assert problem in [event[2] for event in heard.events if event[0] == "warned"]
    assert "Traceback" in (done.out / "wrong-problem.log").read_text()


@pytest.mark.parametrize("text", [FILE, FILE + VARIANTS], ids=["alone", "variants"])
def test_run_whose_report_is_stopped_by_hand_is_there(reporting, lab, text):
    with pytest.raises(KeyboardInterrupt) as stopped:
        reporting(text, "raise KeyboardInterrupt")
    assert any("culmann report" in note for note in stopped.value.__notes__)
    out = lab.folder / "out"
    manifest = json.loads((out / "manifest.json").read_text())
    home = "one/" if "variants" in manifest else ""
    assert f"{home}strength.json" in manifest["files"]
    assert reopen(out, lab.store.folder).value("c").failure_load_n > 0
    lab.run(lab.read(text), reports=False)  # the next run takes its place, and no file of it is left
    assert not (out / "told.json").exists()
    assert not list(out.glob("kept-*"))


def test_each_variant_has_its_report_and_all_together_have_one(reporting):
    done, _ = reporting(FILE + VARIANTS, "return Report({})")
    loads = {name: part.value("c").failure_load_n for name, part in done.variants.items()}
    assert json.loads((done.out / "told.json").read_text())["load"] == loads
    for name, load in loads.items():
        assert json.loads((done.out / name / "told.json").read_text())["load"] == load
        assert f"{name}/told.json" in done.manifest["files"]
        assert "run_reports" in json.loads((done.out / name / "manifest.json").read_text())


def test_run_without_reports_gets_them_later_and_again(reporting, lab):
    done, _ = reporting(FILE, "return Report({})", reports=False)
    assert "run_reports" not in done.manifest
    assert not (done.out / "told.json").exists()
    for _ in range(2):  # the second time they take the place of the first ones
        again = with_reports(reopen(done.out, lab.store.folder), Silent())
        assert json.loads((done.out / "told.json").read_text())["load"] == done.value("c").failure_load_n
        assert again.manifest == json.loads((done.out / "manifest.json").read_text())
        assert {*done.manifest["files"], "told.json"} <= set(again.manifest["files"])
        assert again.manifest["run_reports"]["told"] == {"files": ["told.json"]}


def test_what_a_report_made_stays_and_is_known_when_it_fails_the_next_time(reporting, lab):
    done, _ = reporting(FILE, "return Report({'wrong.txt': b'1'})")
    plugin = lab.folder / "reports.py"
    text = plugin.read_text()
    plugin.write_text(text.replace("return Report({'wrong.txt': b'1'})", "raise ValueError"))
    failed = with_reports(reopen(done.out, lab.store.folder), Silent())
    assert failed.manifest["run_reports"]["wrong"]["files"] == ["wrong.txt"]
    assert "ValueError" in failed.manifest["run_reports"]["wrong"]["problem"]
    plugin.write_text(text.replace("b'1'", "b'2'"))
    again = with_reports(reopen(done.out, lab.store.folder), Silent())
    assert again.manifest["run_reports"]["wrong"] == {"files": ["wrong.txt"]}
    assert (done.out / "wrong.txt").read_bytes() == b"2"
    assert not (done.out / "wrong-problem.log").exists()


def test_next_run_takes_the_place_of_one_with_reports(reporting, lab):
    done, _ = reporting(FILE, "raise ValueError")
    again, _ = lab.run(lab.read(FILE), reports=False)
    assert again.out == done.out
    assert not (done.out / "told.json").exists()
    assert not (done.out / "wrong-problem.log").exists()


def test_run_report_is_no_step(reporting, lab):
    reporting(FILE, "return Report({})")
    with pytest.raises(PipelineError, match="belongs to the run reports and cannot be a step"):
        lab.read(FILE.replace("use: judge", "use: told"))
