"""The command line: what it prints, how it ends, and what it does not import."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest

from culmann.cli import main
from culmann.cli.progress import LogLines
from culmann.testing.descriptors import HEAVY

PLUGIN = '''
import os, signal, time
from culmann import *

api = 1


def _say(text):
    def step(labels: Labels, journal: Journal) -> Report:
        """Say a word."""
        journal.progress("42 N", 0.5)
        journal.attach("mask.png", b"a picture")
        return Report({"word.txt": text.encode(), "word.png": b"a picture"})
    return step


greet = _say("hello")


def linger(labels: Labels, journal: Journal) -> Report:
    """Say a word and let it be read: a terminal is drawn ten times in a second."""
    journal.progress("42 N", 0.5)
    time.sleep(0.4)
    return Report({"word.txt": b"hello"})


def stop(labels: Labels) -> Report:
    """Press Ctrl-C, also where the process was started in the background and ignores it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.kill(os.getpid(), getattr(signal, os.environ.get("STOP_BY", "SIGINT")))
    return Report({"never.txt": b"x"})


def diverge(labels: Labels) -> Report:
    """Find no solution."""
    raise SolverError("no equilibrium", hint="load it less")


def crash(labels: Labels) -> Report:
    """Have a mistake in it."""
    raise ZeroDivisionError("in the plugin")


def read(labels: Labels) -> Strength:
    """Give a strength."""
    return Strength(1234.4, "made up", 0.5, 0.019, 2500.0, ("be careful",))


@hookimpl
def culmann_analyses():
    for name in ("greet", "linger", "stop", "diverge", "crash", "read"):
        yield Step(name, f"word:{name}", summary=f"A step that does {name}")
'''
YAML = "name: word\ninputs:\n  bone: {{type: Labels, path: {labels}}}\nsteps:\n  word: {{use: {use}}}\noutputs: [word]\n"


class Program:
    """The program in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it in this process, which has imported already what takes most of the time of a start."""
        out, err = io.StringIO(), io.StringIO()
        terminate = signal.getsignal(signal.SIGTERM)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(self.folder)
            patch.setenv("COLUMNS", "100")
            patch.setattr(sys, "argv", ["culmann", *arguments])
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            try:
                with pytest.raises(SystemExit) as ended:
                    main()
            finally:
                signal.signal(signal.SIGTERM, terminate)
        return subprocess.CompletedProcess(arguments, int(ended.value.code or 0), out.getvalue(), err.getvalue())

    def apart(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run it in a process of its own, as a user does."""
        environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "COLUMNS": "100", **(env or {})}
        return subprocess.run(
            [sys.executable, "-m", "culmann", *arguments],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )


@pytest.fixture
def culmann(tmp_path: Path, block_of_bone: Path) -> Program:
    (tmp_path / "word.py").write_text(PLUGIN)
    for use in ("greet", "linger", "stop", "diverge", "crash", "read", "gret"):
        (tmp_path / f"{use}.yaml").write_text(YAML.format(labels=block_of_bone / "labels.nii.gz", use=use))
    return Program(tmp_path)


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


def test_check_shows_the_wiring_and_runs_nothing(culmann: Program) -> None:
    done = culmann("check", "crash.yaml", "--plugin", "word.py")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[1] == ["input", "bone", "Labels"]
    assert rows[2] == ["crash", "word", "Report", "labels:", "bone"]
    assert sorted(path.suffix for path in culmann.folder.iterdir() if path.name != "__pycache__") == [".py"] + 7 * [".yaml"]


def test_check_misses_the_file_of_an_input(culmann: Program) -> None:
    (culmann.folder / "lost.yaml").write_text(YAML.format(labels="lost.nii.gz", use="greet"))
    here = YAML.format(labels="", use="greet").replace(", path: ", "")
    (culmann.folder / "open.yaml").write_text(here)
    lost = culmann("check", "lost.yaml", "--plugin", "word.py")
    assert lost.returncode == 2
    assert f"input 'bone': there is no file or folder {(culmann.folder / 'lost.nii.gz').resolve()}" in lost.stderr
    labels = re.search(r"path: ([^}]+)", (culmann.folder / "greet.yaml").read_text())[1]
    assert culmann("check", "lost.yaml", "--plugin", "word.py", "--input", f"bone={labels}").returncode == 0
    assert culmann("check", "open.yaml", "--plugin", "word.py").returncode == 0
    assert "there is no file" in culmann("check", "open.yaml", "--plugin", "word.py", "--input", "bone=no.nrrd").stderr


def test_the_store_tells_what_it_holds_and_is_emptied(culmann: Program) -> None:
    assert culmann("store").stdout == f"there is no store {(culmann.folder / '.culmann').resolve()}\n"
    assert not (culmann.folder / ".culmann").exists()
    for use in ("greet", "read"):
        assert culmann("run", f"{use}.yaml", "--plugin", "word.py", "--store", "kept").returncode == 0
    results = list((culmann.folder / "kept").glob("??/*/manifest.json"))
    told = culmann("store", "--store", "kept").stdout.splitlines()
    assert told[0] == f"store    {(culmann.folder / 'kept').resolve()}"
    assert re.fullmatch(rf"holds    {len(results)} results, \d+\.\d kB", told[1])
    assert told[2] == "used     the oldest today, the newest today"
    long_ago = results[0].stat().st_mtime - 10 * 86400
    os.utime(results[0], (long_ago, long_ago))
    assert "removed  0 results" in culmann("store", "--store", "kept", "--prune-days", "11").stdout
    assert "the oldest 10 days ago" in culmann("store", "--store", "kept").stdout
    assert "removed  1 result, " in culmann("store", "--store", "kept", "--prune-days", "9").stdout
    assert not results[0].parent.exists()
    assert all(path.exists() for path in results[1:])
    assert culmann("store", "--store", "kept", "--prune-days", "9", "--all").returncode == 2
    emptied = culmann("store", "--store", "kept", "--all").stdout
    assert f"removed  {len(results) - 1} result" in emptied
    assert "holds    0 results" in emptied
    assert list((culmann.folder / "kept").glob("??/*")) == []
    culmann("run", "crash.yaml", "--plugin", "word.py", "--store", "kept")
    log = culmann.folder / "kept" / "logs" / "mine.log"
    log.write_text("mine")
    assert len(list(log.parent.iterdir())) == 2
    culmann("store", "--store", "kept", "--all")
    assert list(log.parent.iterdir()) == [log]
    (culmann.folder / "ab" / ("ab" * 32)).mkdir(parents=True)
    assert culmann("store", "--store", ".", "--all").stdout.startswith("there is no store")
    assert (culmann.folder / "ab" / ("ab" * 32)).exists()
    assert "word: read starts" in culmann("run", "read.yaml", "--plugin", "word.py", "--store", "kept").stderr


def test_plugins_lists_broken_ones_and_goes_on(culmann: Program) -> None:
    (culmann.folder / "broken.py").write_text("api = 1\nraise RuntimeError('out of order')\n")
    done = culmann("plugins", "--plugin", "broken.py", "--plugin", "word.py")
    assert done.returncode == 0, done.stderr
    assert "broken.py cannot be used: RuntimeError: out of order" in done.stdout.splitlines()[-1]
    assert any(line.startswith("  greet ") and "word.py]" in line for line in done.stdout.splitlines())


def test_plugins_shows_one_in_full(culmann: Program) -> None:
    shown = culmann("plugins", "linear-calibration").stdout
    assert "takes  scan: Scan" in shown
    assert "gives  DensityMap" in shown
    assert "  slope  number" in shown
    assert "must be given" in shown


def test_graph_draws(culmann: Program) -> None:
    assert culmann("graph", "greet.yaml", "--plugin", "word.py").stdout.startswith("flowchart")
    done = culmann("graph", "greet.yaml", "--plugin", "word.py", "--format", "svg", "--out", "deep/graph.svg")
    assert done.returncode == 0, done.stderr
    assert "<svg" in (culmann.folder / "deep" / "graph.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "more", "start"),
    [
        ("g.svg", [], "<svg"),
        ("g.SVG", [], "<svg"),
        ("g.mmd", [], "flowchart"),
        ("g.md", [], "flowchart"),
        ("g.mermaid", [], "flowchart"),
        ("g.txt", ["--format", "mermaid"], "flowchart"),
    ],
)
def test_the_ending_says_how_a_graph_is_drawn(culmann: Program, name: str, more: list[str], start: str) -> None:
    done = culmann("graph", "greet.yaml", "--plugin", "word.py", "--out", name, *more)
    assert done.returncode == 0, done.stderr
    assert (culmann.folder / name).read_text(encoding="utf-8").startswith(start)
    refused = culmann("graph", "greet.yaml", "--plugin", "word.py", "--out", "g.png")
    assert "the ending of g.png does not say how the graph is to be drawn\n  hint: use one of .svg, .mmd" in refused.stderr
    assert not (culmann.folder / "g.png").exists()


def test_schema_checks_what_check_checks(culmann: Program) -> None:
    schema = json.loads(culmann("schema", "--plugin", "word.py").stdout)
    pipeline = {"name": "a", "inputs": {"bone": {"type": "Labels"}}, "steps": {"w": {"use": "greet"}}, "outputs": ["w"]}
    jsonschema.validate(pipeline, schema)
    pipeline["steps"] = {"w": {"use": "gret"}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(pipeline, schema)


def test_new_plugin_says_what_comes_next(culmann: Program) -> None:
    done = culmann("new", "plugin", "made-up", "--dir", "plugins")
    assert done.returncode == 0, done.stderr
    assert (culmann.folder / "plugins" / "made-up" / "made_up" / "law.py").is_file()
    assert f"cd {Path('plugins') / 'made-up'}" in done.stdout


def test_a_terminal_without_the_letters_is_no_reason_to_fail(culmann: Program) -> None:
    done = culmann.apart("plugins", "kopperdahl", env={"PYTHONIOENCODING": "latin-1"})
    assert done.returncode == 0, done.stderr
    assert "yield_strain  number, > 0, ? 0.1" in done.stdout


def _in_terminal(folder: Path, *arguments: str, env: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and everything that the program writes to a terminal of 80 columns."""
    import pty

    ours, theirs = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "CI", "COLUMNS"}}
    environment |= {"TERM": "xterm", "PYTHONIOENCODING": "utf-8", **env}
    command = [sys.executable, "-m", "culmann", *arguments]
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    said = bytearray()
    try:
        while data := os.read(ours, 65536):
            said += data
    except OSError:  # Linux says so when the other side is closed
        pass
    os.close(ours)
    return process.wait(), said.decode("utf-8")


needs_terminal = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals on Windows")


@needs_terminal
@pytest.mark.parametrize(("no_color", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colour_is_for_terminals_that_want_it(no_color: dict[str, str], coloured: bool, tmp_path: Path) -> None:
    code, said = _in_terminal(tmp_path, "plugins", "no-such-step", env=no_color)
    assert code == 2
    assert "there is no step 'no-such-step'" in said
    assert ("\x1b[" in said) is coloured


@needs_terminal
def test_a_terminal_shows_what_the_step_says(culmann: Program) -> None:
    code, said = _in_terminal(culmann.folder, "run", "linger.yaml", "--plugin", "word.py", env={})
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
    assert code == 0, plain
    assert re.search(r"word \(linger\) 0:00:0\d 42 N \(50 %\)", plain)
    assert re.search(r"✓ word \(linger\): \d+\.\d s", plain)
    code, said = _in_terminal(culmann.folder, "run", "crash.yaml", "--plugin", "word.py", env={})
    assert code == 2
    assert "word (crash)" in said


def test_a_log_hears_of_a_long_step_now_and_then(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 12.0, 12.0, 13.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    log = LogLines()
    log.started("response", "native-solver")
    log.progress("response", "100 N", 0.1)  # after 1 s: too soon
    log.progress("response", "900 N", 0.5)  # after 12 s
    log.progress("response", "950 N", 0.6)  # a second later
    assert capsys.readouterr().err == "response: native-solver starts\nresponse: 900 N (50 %)\n"


def test_the_name_of_a_shipped_pipeline_is_enough(culmann: Program) -> None:
    done = culmann("check", "vertebra_voxel")
    assert done.returncode == 0, done.stderr
    assert "no problems" in done.stdout
    wrong = culmann("check", "vertebra_voxle")
    assert "did you mean 'vertebra_voxel'?" in wrong.stderr
    lost = culmann("check", "pipelines/vertebra_voxel.yaml")
    assert "the one that ships is run as vertebra_voxel" in lost.stderr


@pytest.mark.parametrize("wrong", ["trunk", "trunk.yml", "turnk.yaml", "here/trunk"])
def test_a_pipeline_beside_the_wrong_name_is_suggested(culmann: Program, wrong: str) -> None:
    folder = culmann.folder / Path(wrong).parent
    folder.mkdir(exist_ok=True)
    (folder / "trunk.yaml").write_text("name: trunk\n")
    (culmann.folder / "trunk.txt").write_text("")
    done = culmann("check", wrong)
    assert done.returncode == 2
    assert done.stderr == f"error: there is no pipeline file {wrong}; did you mean '{Path(wrong).with_name('trunk.yaml')}'?\n"


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
    ],
)
def test_the_home_of_nobody_is_a_missing_file(culmann: Program, arguments: list[str]) -> None:
    done = culmann(*arguments)
    assert done.returncode == 2
    assert "~no-such-user" in done.stderr
    assert "Traceback" not in done.stderr
