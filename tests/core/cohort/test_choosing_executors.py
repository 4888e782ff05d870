"""Which executor runs a cohort: the command line over a file of its own over the pipeline file, and what is wrong is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from culmann.cohort.choosing import choose, wish, wish_in_file, wish_in_words
from culmann.errors import PipelineError, PluginError
from culmann.pipeline import read_pipeline
from culmann.plugins import load_catalogue

SECTION = "executor:\n  use: slurm\n  with: {partition: short, cpus: 4}\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "site.yaml"
    path.write_text(text)
    return path


def options(said: str, words: list[str], otherwise) -> dict:
    return choose(load_catalogue(), wish_in_words(said, words, otherwise)).as_dict()


def test_nobody_says_anything():
    assert options("", [], None) == {"use": "local", "with": {}}


def test_a_section_holds_and_words_change_its_options(tmp_path):
    section = wish_in_file(write(tmp_path, SECTION))
    assert options("", [], section) == {"use": "slurm", "with": {"partition": "short", "cpus": 4}}
    assert options("slurm", ["cpus=8"], section)["with"] == {"partition": "short", "cpus": 8}
    assert options("local", ["workers=3"], section) == {"use": "local", "with": {"workers": 3}}  # another: nothing of it holds


def test_a_file_is_named_in_the_place_of_an_executor(tmp_path):
    path = write(tmp_path, SECTION)
    assert options(str(path), ["time_min=5"], wish("local", {"workers": 2})) == {
        "use": "slurm",
        "with": {"partition": "short", "cpus": 4, "time_min": 5},
    }
    with pytest.raises(PipelineError, match="has no section `executor`"):
        options(str(write(tmp_path, "name: x\n")), [], None)


def test_a_pipeline_file_may_hold_the_section_and_its_results_do_not_depend_on_it(ward):
    ward.run(ward.cases(1))
    ward.pipeline.write_text(ward.pipeline.read_text() + SECTION)
    read_pipeline(ward.pipeline, load_catalogue())
    assert wish_in_file(ward.pipeline).name == "slurm"
    assert ward.run(ward.cases(1))[1].ran == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("executor: {used: slurm}\n", "site.yaml:1:12: an executor has no key 'used'; did you mean 'use'?"),
        ("executor: {with: {cpus: 4}}\n", "`executor` must say what to `use`"),
        ("executor: slurm\n", "`executor` must say what to `use`"),
        (
            "executor: {use: slurm, with: {cpu: 4}}\n",
            "site.yaml:1:31: executor 'slurm' has no option 'cpu'; did you mean 'cpus'?",
        ),
        ("executor: {use: slurm, with: {cpus: many}}\n", "option 'cpus'"),
    ],
)
def test_a_section_that_is_wrong_is_told_with_its_place(tmp_path, text, told):
    with pytest.raises(PipelineError) as caught:
        options(str(write(tmp_path, text)), [], None)
    assert told in str(caught.value)


def test_words_that_are_wrong_are_told():
    with pytest.raises(PipelineError, match="has the form name=value"):
        options("local", ["workers"], None)
    with pytest.raises(PipelineError, match="executor 'local' has no option 'wrokers'; did you mean 'workers'"):
        options("local", ["wrokers=2"], None)
    with pytest.raises(PluginError, match="there is no executor 'pbs'"):
        options("pbs", [], None)
