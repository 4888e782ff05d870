"""The commands that compute nothing: check, store, plugins, graph, schema, new."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
from program import YAML, Program


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
