"""The command line: what it prints, how it ends, and what it does not import."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from program import Program

from culmann.testing.descriptors import HEAVY


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["plugins"], ["--version"], ["new", "plugin", "--help"]])
def test_start_imports_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom culmann.cli import main\nsys.argv = ['culmann', *sys.argv[1:]]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        f"print('HEAVY', sorted(set(sys.modules) & {set(HEAVY)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "HEAVY []"


def test_run_writes_results_and_says_where(culmann: Program) -> None:
    done = culmann.apart("run", "greet.yaml", "--plugin", "word.py")
    assert done.returncode == 0, done.stderr
    assert (culmann.folder / "runs" / "greet" / "word.txt").read_text() == "hello"
    assert (
        f"Results in {Path('runs') / 'greet'}: manifest.json, pipeline.yaml, qc/, report.html, word.png, word.txt\n"
        in done.stdout
    )
    assert done.stdout.endswith(f"\nReport  {Path('runs') / 'greet' / 'report.html'}\n")
    assert f"to look at first  {Path('runs') / 'greet' / 'qc' / 'word-mask.png'}" in done.stdout
    assert f"to look at  {Path('runs') / 'greet' / 'word.png'}" in done.stdout
    assert "replaces" not in done.stderr
    assert "word: greet starts" in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


def test_second_run_comes_from_the_store_unless_forced(culmann: Program) -> None:
    culmann("run", "greet.yaml", "--plugin", "word.py", "--store", "kept")
    again = culmann("run", "greet.yaml", "--plugin", "word.py", "--store", "kept", "--out", "again")
    assert "word: greet from the store" in again.stderr
    assert "replaces" not in again.stderr
    forced = culmann("run", "greet.yaml", "--plugin", "word.py", "--store", "kept", "--out", "again", "--force")
    assert "word: greet starts" in forced.stderr
    assert re.search(r"^replaces the run of \d{4}-\d\d-\d\d \d\d:\d\d in again$", forced.stderr, flags=re.MULTILINE)


@pytest.mark.parametrize("signal_name", ["SIGINT", "SIGTERM"])
def test_a_stopped_run_is_no_failure_and_tells_how_it_goes_on(culmann: Program, signal_name: str) -> None:
    done = culmann.apart("run", "stop.yaml", "--plugin", "word.py", env={"STOP_BY": signal_name})
    assert done.returncode == {"SIGINT": 130, "SIGTERM": 143}[signal_name]
    told = "interrupted; what was finished is in the store: the same command goes on from there"
    assert done.stderr.splitlines()[-2:] == ["word: interrupted", told]
    assert "Traceback" not in done.stderr
    assert not (culmann.folder / "runs").exists()
    forced = culmann.apart("run", "stop.yaml", "--plugin", "word.py", "--force", env={"STOP_BY": signal_name})
    assert "the same command without --force goes on from there" in forced.stderr


def test_the_current_folder_is_never_replaced(culmann: Program) -> None:
    before = {path: path.read_bytes() for path in culmann.folder.iterdir() if path.is_file()}
    for more in ([], ["--force"]):
        done = culmann("run", "greet.yaml", "--plugin", "word.py", "--out", ".", "--store", "kept", *more)
        assert done.returncode == 2
        assert "is the current folder" in done.stderr
        assert "starts" not in done.stderr
        assert not (culmann.folder / "kept").exists()
    assert {path: path.read_bytes() for path in culmann.folder.iterdir() if path.is_file()} == before


def test_run_tells_the_failure_load(culmann: Program) -> None:
    done = culmann("run", "read.yaml", "--plugin", "word.py")
    assert "Failure load  1234 N  (word)" in done.stdout
    assert "made up" in done.stdout
    assert "0.5 mm, a strain of 1.9 %" in done.stdout
    assert "2500 N/mm" in done.stdout
    assert "caution     be careful" in done.stdout


def test_input_replaces_the_file_of_the_pipeline(culmann: Program) -> None:
    done = culmann("run", "greet.yaml", "--plugin", "word.py", "--input", "bone=nowhere.nii.gz")
    assert done.returncode == 2
    assert "nowhere.nii.gz" in done.stderr
    assert not (culmann.folder / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "gret.yaml", "--plugin", "word.py"], 2, "did you mean 'greet'?"),
        (["run", "diverge.yaml", "--plugin", "word.py"], 3, "no equilibrium\n  hint: load it less"),
        (["run", "crash.yaml", "--plugin", "word.py"], 2, "ZeroDivisionError: in the plugin"),
        (["run", "no_such.yaml"], 2, "error: there is no pipeline file no_such.yaml"),
        (["run", "greet.yaml", "--plugin", "no.py"], 2, "no.py does not exist"),
        (["run", "greet.yaml", "--plugin", "word.py", "--input", "bone"], 2, "--input 'bone' is not of the form name=path"),
        (["run", "greet.yaml", "--plugin", "word.py", "--input", "bone=a", "--input", "bone=b"], 2, "bone is given twice"),
        (["run", "greet.yaml", "--plugin", "word.py", "--set", "word.loud=true"], 2, "word"),
        (["run"], 2, "Missing argument"),
        (["sing"], 2, "No such command"),
        (["run", "greet.yaml", "--loud"], 2, "No such option"),
        (["graph", "greet.yaml", "--plugin", "word.py", "--format", "gif"], 2, "gif"),
        (["plugins", "no-such-step"], 2, "there is no step 'no-such-step'"),
        (["new", "plugin", "Bad Name"], 2, "cannot be the name of a plugin"),
        (["demo", "skull"], 2, "skull"),
    ],
)
def test_mistakes_are_told_in_a_sentence(culmann: Program, arguments: list[str], code: int, message: str) -> None:
    done = culmann(*arguments)
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (culmann.folder / "runs").exists()


@pytest.mark.parametrize("arguments", [["--debug", "check", "no_such.yaml"], ["check", "no_such.yaml", "--debug"]])
def test_debug_shows_the_traceback(culmann: Program, arguments: list[str]) -> None:
    done = culmann.apart(*arguments)
    assert done.returncode == 1
    assert "Traceback" in done.stderr


@pytest.mark.slow
def test_demo_tells_a_failure_load_and_what_it_assumes(culmann: Program) -> None:
    done = culmann.apart("demo")
    assert done.returncode == 0, done.stderr
    # No reference value for this bone: the range only catches a unit that went wrong.
    load_n = float(re.search(r"Failure load  (\d+) N", done.stdout)[1])
    assert 2000 < load_n < 11000
    assert "the calibration is assumed" in done.stdout
    out = culmann.folder / "runs" / "demo-vertebra"
    assert json.loads((out / "strength.json").read_text(encoding="utf-8"))["failure_load_n"] == pytest.approx(load_n, abs=0.5)
    assert (out / "failure.png").read_bytes().startswith(b"\x89PNG")
    assert f"to look at  {Path('runs') / 'demo-vertebra' / 'failure.png'}" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "~no-such-user/greet.yaml"],
        ["run", "greet.yaml", "--plugin", "word.py", "--input", "bone=~no-such-user/labels.nii.gz"],
        ["report", "~no-such-user/run"],
        ["cohort", "~no-such-user/cases.csv", "vertebra_voxel"],
        ["cohort", "status", "~no-such-user/cohort"],
        ["dataset", "check", "~no-such-user/set"],
        ["export", "slicer", "~no-such-user/run", "--out", "scene"],
    ],
)
def test_the_home_of_nobody_is_a_missing_file(culmann: Program, arguments: list[str]) -> None:
    done = culmann(*arguments)
    assert done.returncode == 2
    assert "~no-such-user" in done.stderr
    assert "Traceback" not in done.stderr


def test_variants_end_with_their_loads_and_share_their_cautions(culmann: Program) -> None:
    plugin = culmann.folder / "word.py"
    step = '''
class OfSide(Config):
    """Options."""

    side: str = Field(description="Which.")


def of_side(labels: Labels, config: OfSide, journal: Journal) -> Strength:
    """Give a strength."""
    journal.warn("all are made up")
    journal.attach("mask.png", b"a picture")
    journal.attach("more.png", b"a picture")
    return Strength(1000.0 + len(config.side), "made up", 0.5, 0.019, 2500.0, (f"{config.side} is crooked",))
'''
    plugin.write_text(
        plugin.read_text()
        .replace("\n@hookimpl", f"{step}\n\n@hookimpl")
        .replace("import *", "import *\nfrom pydantic import Field")
        + '    yield Step("of-side", "word:of_side", summary="Has a side")\n'
    )
    text = (culmann.folder / "read.yaml").read_text().replace("use: read", "use: of-side")
    (culmann.folder / "sides.yaml").write_text(
        f"{text}variants: {{left: {{word: {{side: l}}}}, right: {{word: {{side: rr}}}}}}\n"
    )
    done = culmann("run", "sides.yaml", "--plugin", "word.py")
    assert done.returncode == 0, done.stderr
    lines = [line for line in done.stdout.splitlines() if line]
    runs = Path("runs") / "sides"
    assert lines[:2] == [
        f"  to look at first  {runs / side / 'qc'}: word-mask.png, word-more.png" for side in ("left", "right")
    ]
    cautions = [line.removeprefix("  caution     ") for line in lines if "caution" in line]
    assert cautions == ["l is crooked", "rr is crooked", "all are made up"]
    assert lines.index("Failure load  1002 N  (right/word)") < lines.index("Of both failure loads")
    assert lines[-2].startswith(f"Results in {runs}: left/")


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["demo", "hip"], "Invalid value for 'bone': 'hip' is not one of 'vertebra', 'femur'.", ""),
        (["run", "study_segmentation_sensitivity"], "is no pipeline", "`culmann study study_segmentation_sensitivity`"),
        (["study", "vertebra_voxel"], "vertebra_voxel is no study", "`culmann run vertebra_voxel`"),
        (["study", "word.bin"], "is it a study file?", ""),
        (["study", "."], "is a folder; give the study file in it", ""),
        (
            ["check", "greet.yaml", "--set", "bone=a.nii.gz"],
            "a setting has the form step.option=value",
            "--input bone=a.nii.gz",
        ),
        (["view", "greet.yaml"], "greet.yaml is a file, and no run folder", "manifest.json"),
        (["cohort", "empty.csv", "vertebra_voxel"], "there is nothing in it\n  hint: its first line names the columns\n", ""),
        (["check", "empty.csv"], "error: empty.csv:1:1: there is nothing in it\n", ""),
    ],
)
def test_what_is_meant_is_told(culmann: Program, arguments: list[str], message: str, hint: str) -> None:
    (culmann.folder / "word.bin").write_bytes(b"\xff\xfe\x00")
    (culmann.folder / "empty.csv").write_text("")
    done = culmann(*arguments, *(["--plugin", "word.py"] if "greet.yaml" in arguments and "check" in arguments else []))
    assert done.returncode == 2
    assert message in done.stderr
    assert hint in done.stderr
