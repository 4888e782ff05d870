"""The JSON Schema of study files takes what `culmann study` takes, and refuses what no study can be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from culmann.cli import app
from culmann.pipeline.problems import Problems, Source
from culmann.pipeline.source import parse
from culmann.plugins import load_catalogue
from culmann.shipped import find_study
from culmann_study.study_file import KEYS
from culmann_study.study_schema import study_schema

VARIED = "name: a\npipeline: p.yaml\ncases: c.csv\nvary: {manual: {labels: manual}, less: {mask.voxels: -1}, same: }\n"
MOVED = "name: a\npipeline: p.yaml\ncases: c.csv\nfactors: {mask.voxels: [1, 2], a.b: {from: 0, to: 1}}\n"


@pytest.fixture(scope="module")
def schema() -> Draft7Validator:
    found = study_schema(load_catalogue())
    Draft7Validator.check_schema(found)
    return Draft7Validator(found)


def accepts(schema: Draft7Validator, text: str) -> bool:
    problems = Problems()
    tree = parse(Source("study", text, Path()), problems)
    problems.stop_if_any()
    assert tree is not None
    return schema.is_valid(tree.plain())


def test_the_study_that_ships(schema: Draft7Validator) -> None:
    assert accepts(schema, find_study("study_segmentation_sensitivity").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "good"),
    [
        (VARIED, True),
        (VARIED + "control: manual\nanalyses: [operators, against-control]", True),
        (VARIED + "analyses: {t: {use: against-control, with: {control: manual}}, operators: }", True),
        (VARIED + "set: {mesh.size_mm: 3}\ninputs: {scan: ct}\nfacts: [age]\nexecutor: {use: local}", True),
        (MOVED + "design: grid", True),
        (MOVED + "design: {use: morris, with: {trajectories: 3}}", True),
        (VARIED + "mask: mask", False),
        (VARIED + "analyses: [figures]", False),
        (VARIED + "analyses: {t: {use: against-control, with: {kontrol: a}}}", False),
        (VARIED + "set: {size: 3}", False),
        (VARIED + "design: grid", False),
        (VARIED + "cohorts: [{pipeline: p.yaml, cases: c.csv}]", False),
        (VARIED + "factors: {a.b: [1]}", False),
        (VARIED + "executor: {use: nobody}", False),
        (MOVED + "control: manual", False),
        (MOVED + "design: sobl", False),
        (MOVED + "design: {use: morris, with: {trajectory: 3}}", False),
        (MOVED.replace("from: 0", "low: 0"), False),
        (MOVED.replace("name: a\n", ""), False),
        (MOVED.replace("cases: c.csv\n", ""), False),
    ],
)
def test_it_knows_what_a_study_can_be(schema: Draft7Validator, text: str, good: bool) -> None:
    assert accepts(schema, text) is good


def test_it_has_the_keys_of_the_file_and_describes_each(schema: Draft7Validator) -> None:
    assert set(schema.schema["properties"]) == set(KEYS)
    assert [key for key, content in schema.schema["properties"].items() if "description" not in content] == []


def test_it_is_written_by_a_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["study-schema", "--out", str(tmp_path / "deep" / "study.json")])
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "deep" / "study.json").read_text(encoding="utf-8"))["title"] == "culmann study"
    refused = CliRunner().invoke(app, ["study-schema", "--out", str(tmp_path)])
    assert refused.exit_code == 2
    assert "cannot be written" in refused.output
