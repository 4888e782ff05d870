"""`culmann synthesize`: a dataset that says it is synthetic, and mistakes told in words."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from culmann.cli.app import app
from culmann.dataset import check_dataset, read_dataset
from culmann_synthesis.synthetic_dataset import shipped_anatomies


def do(*words):
    return CliRunner().invoke(app, ["synthesize", *map(str, words)])


def test_makes_a_dataset(tmp_path):
    done = do("--out", tmp_path / "d", "--cases", 2, "--seed", 7, "--anatomy", "lumbar", "--set", "halves=[vertebra]")
    assert done.exit_code == 0, done.output
    made = read_dataset(tmp_path / "d")
    assert check_dataset(made) == ()
    assert made.about.startswith("SYNTHETIC")
    assert "seed 7" in made.about
    assert made.labels == {"vertebra-upper": 1, "vertebra-lower": 2}
    assert [case.case for case in made.cases] == ["synthetic-0000", "synthetic-0001"]
    assert {case.facts["anatomy"] for case in made.cases} == {"lumbar"}
    again = do("--out", tmp_path / "e", "--cases", 1, "--seed", 7, "--anatomy", "lumbar", "--set", "halves=[vertebra]")
    assert again.exit_code == 0
    first = "scans/synthetic-0000.nii.gz"
    assert (tmp_path / "d" / first).read_bytes() == (tmp_path / "e" / first).read_bytes()


def test_options_from_a_file_and_mistakes(tmp_path):
    file = tmp_path / "options.yaml"
    file.write_text("noise_hu: [10, 20]\nblurr_mm: [1, 2]\n")
    done = do("--out", tmp_path / "d", "--cases", 1, "--config", file)
    assert done.exit_code == 2
    assert f"{file}:2:1" in done.output
    assert "did you mean 'blur_mm'" in done.output
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--anatomy", "arm"), "there are trunk, lumbar, hips"),
        (("--set", "targets={femur: [thigh]}"), "no label of the anatomies fits"),
        (("--from", "nowhere"), "there is no folder"),
    ],
)
def test_what_cannot_be(tmp_path, words, said):
    done = (
        do("--out", tmp_path / "d", "--cases", 1, *words)
        if "--anatomy" in words
        else do("--out", tmp_path / "d", "--cases", 1, *words, *(() if "--from" in words else ("--anatomy", "lumbar")))
    )
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    done = do("--out", tmp_path, "--cases", 1, "--anatomy", "lumbar")
    assert done.exit_code == 2
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_anatomies_that_ship_are_a_dataset():
    shipped = read_dataset(shipped_anatomies())
    assert [case.case for case in shipped.cases] == ["trunk", "lumbar", "hips"]
    assert check_dataset(shipped) == ()
