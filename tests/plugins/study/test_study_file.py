"""The study file: every mistake with its line and column, all at once, before anything runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from culmann import PipelineError
from culmann.cohort import Record, Result
from culmann.plugins import load_catalogue
from culmann.shipped import find_study, shipped_studies
from culmann_study.expansion import expand
from culmann_study.study_file import read_study
from culmann_study.study_run import outcomes_of

CATALOGUE = load_catalogue()


def read(folder: Path, text: str | None = None):
    if text is not None:
        (folder / "study.yaml").write_text(text)
    return read_study(folder / "study.yaml", CATALOGUE)


def problem(folder: Path, before: str, after: str) -> str:
    text = (folder / "study.yaml").read_text()
    assert before in text
    with pytest.raises(PipelineError) as caught:
        read(folder, text.replace(before, after))
    return caught.value.message


def test_a_study_becomes_runs(blocks: Path) -> None:
    study = read(blocks)
    assert study.control == "manual"
    assert [asked.offer.step.name for asked in study.analyses] == ["against-control"]  # usual where there is a control
    runs = expand(study, study.cohorts[0], study.cohorts[0].graph)
    assert len(runs) == 9
    smaller = runs[1]
    assert (smaller.case, smaller.variation.name) == ("a", "smaller")
    assert smaller.row.case.id == "a+smaller"
    assert smaller.row.case.settings == ("mask.voxels=-1",)
    assert smaller.row.case.inputs["labels"] == (blocks / "a_mask.nii.gz").resolve()
    assert smaller.facts == {"group": "blocks"}  # the column of files is none


WRONG_ANALYSIS = "analyses: {t: {use: against-control, with: {kontrol: a}}}"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("control: manual", "control: manuel", "study.yaml:10:10: there is no variation 'manuel'; did you mean 'manual'?"),
        ("mask.voxels: -1", "mask.voxel: -1", ":8:29: mask.voxel=-1 in block.yaml: step 'mask' (offset-labels) has no option"),
        ("mask.voxels: -1", "mask.voxels: much", "study.yaml:8:29: mask.voxels=much in block.yaml"),
        ("mask.voxels: -1", "msk.voxels: -1", "there is no step or input 'msk'; did you mean 'mask'?"),
        ("{labels: manual, mask.voxels: 1}", "{label: manual}", ":9:12: block.yaml has no input 'label'; did you mean"),
        ("masks: mask", "masks: mesh", "block.yaml has no labels 'mesh'"),
        ("masks: mask", "mask: mask", "study.yaml:11:1: a study file has no key 'mask'; did you mean 'masks'?"),
        ("pipeline: block.yaml", "pipeline: blok.yaml", "study.yaml:4:11: there is no pipeline file blok.yaml"),
        ("cases: cases.csv", "cases: none.csv", "study.yaml:5:8: there is no table of cases"),
        ("name: blocks\n", "", "the key 'name' is missing"),
        ("masks: mask", "analyses: [uncertain]", "study.yaml:11:12: there is no step 'uncertain'; did you mean 'uncertainty'?"),
        ("masks: mask", "analyses: [figures]", "'figures' takes no outcomes of a study"),
        ("masks: mask", WRONG_ANALYSIS, "has no option 'kontrol'; did you mean 'control'?"),
        ("masks: mask", "factors: {mask.voxels: [1]}", "a study has both `vary` and `factors`"),
    ],
)  # fmt: skip
def test_mistakes_have_their_place(blocks: Path, before: str, after: str, said: str) -> None:
    assert said in problem(blocks, before, after)


def test_all_mistakes_are_told_at_once(blocks: Path) -> None:
    text = (
        (blocks / "study.yaml")
        .read_text()
        .replace("mask.voxels: -1", "mask.voxel: -1")
        .replace("labels: manual, mask.voxels: 1", "lab: m")
    )
    with pytest.raises(PipelineError) as caught:
        read(blocks, text)
    assert caught.value.message.startswith("2 problems")


FACTORS = """name: f
pipeline: block.yaml
cases: cases.csv
{design}
inputs: {labels: manual}
factors:
  density.slope: {slope}
  mask.voxels: [-1, 0, 1]
"""


@pytest.mark.parametrize(
    ("design", "slope", "said"),
    [
        ("design: sobl", "{from: 0.0006, to: 0.0008}", "f:4:9: there is no design 'sobl'; did you mean 'sobol'?"),
        (
            "design: {use: morris, with: {trajectory: 3}}",
            "{from: 0.0006, to: 0.0008}",
            "design 'morris' has no option 'trajectory'",
        ),
        (
            "design: {use: sobol, with: {samples: 12}}",
            "{from: 0.0006, to: 0.0008}",
            "takes a power of two, and `samples` is 12",
        ),
        ("design: grid", "{low: 0.0006, high: 0.0008}", "is a list of values, {from: , to: } or {mean: , sd: }"),
        ("design: grid", "{mean: 0.0006, sd: 0}", "an SD is above 0"),
        ("design: quadrature", "{mean: 0.0007, sd: 0.00001}", "'mask.voxels': a list of values has no Gauss points"),
        ("design: grid\ncontrol: a", "{from: 0.0006, to: 0.0008}", "`control` goes with `vary`"),
    ],
)
def test_mistakes_of_designs(blocks: Path, design: str, slope: str, said: str) -> None:
    text = FACTORS.replace("{design}", design).replace("{slope}", slope)
    with pytest.raises(PipelineError) as caught:
        read(blocks, text)
    assert said.removeprefix("f:") in caught.value.message


def test_a_design_asks_for_its_usual_analysis(blocks: Path) -> None:
    text = FACTORS.replace("{design}", "").replace("{slope}", "{from: 0.0006, to: 0.0008}")
    study = read(blocks, text)
    assert study.design.facts["use"] == "one-at-a-time"
    assert [asked.offer.step.name for asked in study.analyses] == ["sensitivity"]
    assert len(study.design.variations) == 1 + 5 + 3


def test_an_empty_cell_is_a_problem_of_that_run_alone(blocks: Path) -> None:
    table = blocks / "cases.csv"
    table.write_text(
        table.read_text().replace("case,scan,manual,group", "case,scan,manual,group,automatic").replace("blocks\n", "blocks,\n")
    )
    text = (blocks / "study.yaml").read_text().replace("larger: {labels: manual,", "larger: {labels: automatic,")
    study = read(blocks, text)
    runs = expand(study, study.cohorts[0], study.cohorts[0].graph)
    assert [bool(run.row.problems) for run in runs] == [False, False, True] * 3
    assert "from the column 'automatic', which is empty" in runs[2].row.problems[0].message


def test_what_ships_is_right() -> None:
    assert "study_segmentation_sensitivity" in shipped_studies()
    study = read_study(find_study("study_segmentation_sensitivity"), CATALOGUE)
    assert [len(cohort.table.rows) for cohort in study.cohorts] == [2, 1]
    runs = [run for cohort in study.cohorts for run in expand(study, cohort, cohort.graph)]
    assert len(runs) == 18
    assert not any(run.row.problems for run in runs)
    assert all(path.exists() for run in runs for path in run.row.case.inputs.values())
    masks = {run.row.case.inputs["labels"].name for run in runs if run.row.case.inputs["scan"].parent.name == "vertebra_l3_ct"}
    assert masks == {"vertebrae.nii.gz", "l3_vertebra_halves.nii.gz"}


def test_variants_of_a_pipeline_are_cases_of_their_own(blocks: Path) -> None:
    study = read(blocks)
    run = expand(study, study.cohorts[0], study.cohorts[0].graph)[1]
    results = (
        Result("left", "strength", failure_load_n=4000.0, stiffness_n_mm=9000.0),
        Result("right", outcome="skipped", error="the image cuts the head"),
    )
    rows, why = outcomes_of(run, Record(run.row.case.id, "done", results=results))
    assert [(row.case, row.variation, row.outcome) for row in rows] == [
        ("a, left", "smaller", "done"),
        ("a, right", "smaller", "skipped"),
    ]
    assert rows[0].numbers == {"failure_load_n": 4000.0, "stiffness_n_mm": 9000.0}
    assert rows[0].facts == {"group": "blocks", "variant": "left"}
    assert why == ""  # a bone that the image cuts is no failure of the study
    rows, why = outcomes_of(run, Record(run.row.case.id, "died", error="killed by SIGSEGV"))
    assert (rows[0].outcome, why) == ("died", "killed by SIGSEGV")
