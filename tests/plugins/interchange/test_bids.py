"""The BIDS derivative: valid for the validator of BIDS, and holding what the runs hold."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from culmann.errors import CulmannError, InputError
from culmann.pipeline import read_pipeline, run
from culmann.plugins import load_catalogue
from culmann_interchange.bids import write_bids
from culmann_interchange.bids_names import read_facts
from culmann_interchange.cases import cases_of


def errors_of(folder: Path) -> list[tuple[str, str]]:
    """What the validator of BIDS finds wrong."""
    validator = Path(sys.executable).with_name("bids-validator-deno")
    program = str(validator) if validator.exists() else shutil.which("bids-validator-deno") or _beside_the_package()
    done = subprocess.run([program, "--json", str(folder)], capture_output=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [(issue["code"], issue.get("location", "")) for issue in issues if issue["severity"] == "error"]


def _beside_the_package() -> str:
    from importlib.metadata import distribution

    files = distribution("bids-validator-deno").files or []
    return str(next(file.locate() for file in files if file.name.startswith("bids-validator-deno")))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def dataset(run_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("bids") / "derivative"
    write_bids(
        cases_of([run_folder], None),
        out,
        subject="01",
        session="first",
        source_datasets=["10.5281/zenodo.1"],
        licence="CC-BY-4.0",
        with_scan=True,
    )
    return out


def test_the_validator_of_bids_finds_no_error(dataset):
    assert errors_of(dataset) == []
    (dataset.parent / "wrong").mkdir()
    shutil.copytree(dataset, dataset.parent / "wrong", dirs_exist_ok=True)
    (dataset.parent / "wrong" / "sub-01" / "ses-first" / "anat" / "sub-02_dseg.nii.gz").write_bytes(b"")
    assert errors_of(dataset.parent / "wrong") != []  # it does look at these files


def test_the_description_names_kind_maker_and_source(dataset):
    told = json.loads((dataset / "dataset_description.json").read_text())
    assert told["DatasetType"] == "derivative"
    assert told["GeneratedBy"][0]["Name"] == "culmann"
    assert told["SourceDatasets"] == [{"DOI": "10.5281/zenodo.1"}]
    assert told["License"] == "CC-BY-4.0"


def test_labels_lie_on_the_scan_with_their_names(dataset, case_folder):
    stem = dataset / "sub-01" / "ses-first" / "anat" / "sub-01_ses-first_space-orig_desc-twoBlocksLeft_dseg"
    labels = sitk.ReadImage(f"{stem}.nii.gz")
    whole = sitk.ReadImage(str(case_folder / "labels.nii.gz"))
    assert np.allclose(labels.GetOrigin(), whole.GetOrigin(), atol=1e-4)
    assert np.array_equal(sitk.GetArrayFromImage(labels) == 1, sitk.GetArrayFromImage(whole) == 3)
    assert rows(Path(f"{stem}.tsv")) == [{"index": "1", "name": "L3", "color": "#f1d691"}]
    told = json.loads(Path(f"{stem}.json").read_text())
    assert told["Inputs"]["scan"]["File"] == "ct.nii.gz"
    assert str(case_folder) not in Path(f"{stem}.json").read_text()  # folders may hold names of patients


def test_the_failure_loads_and_curves_are_those_of_the_run(dataset, run_folder):
    table = {row["desc"]: row for row in rows(dataset / "failure_loads.tsv")}
    assert set(table) == {"twoBlocksLeft", "twoBlocksRight"}
    for desc, variant in (("twoBlocksLeft", "left"), ("twoBlocksRight", "right")):
        strength = json.loads((run_folder / variant / "strength.json").read_text())
        assert float(table[desc]["failure_load_n"]) == pytest.approx(strength["failure_load_n"], rel=1e-8)
        assert table[desc]["participant_id"] == "sub-01"
        assert strength["caveats"][0] in table[desc]["cautions"]
        curve = rows(dataset / "sub-01/ses-first/fe" / f"sub-01_ses-first_desc-{desc}_curve.tsv")
        kept = np.loadtxt(run_folder / variant / "curve.csv", delimiter=",", skiprows=1)
        assert np.allclose([[float(v) for v in row.values()] for row in curve], kept, rtol=1e-8)
        assert (dataset / "sub-01/ses-first/fe" / f"sub-01_ses-first_desc-{desc}_fields.vtu").is_file()


def test_a_table_of_cases_names_subjects_and_their_facts(run_folder, tmp_path):
    shutil.copytree(run_folder, tmp_path / "case-1")
    shutil.copytree(run_folder / "left", tmp_path / "case-2")
    (tmp_path / "cohort.json").write_text("{}")
    table = tmp_path / "cases.csv"
    table.write_text(
        "case,patient,session,side,age,site,mesh.size_mm\ncase-1,P 07,a,,71,Lyon,3\ncase-2,P 07,b,left,71,Saint-Étienne,3\n"
    )
    write_bids(cases_of([tmp_path], None), tmp_path / "out", facts=read_facts(table))
    assert sorted(path.name for path in (tmp_path / "out" / "sub-P07").iterdir()) == ["ses-a", "ses-b"]
    assert rows(tmp_path / "out" / "participants.tsv") == [{"participant_id": "sub-P07", "age": "71"}]
    assert (tmp_path / "out/sub-P07/ses-b/fe/sub-P07_ses-b_desc-twoBlocksLeft_curve.tsv").is_file()
    assert errors_of(tmp_path / "out") == []
    table.write_text("case,patient\ncase-1,1\ncase-1,2\n")
    with pytest.raises(CulmannError, match="'case-1' stands here for a second time"):
        read_facts(table)


def test_the_name_of_a_scan_in_a_bids_dataset_is_taken_and_the_dataset_named(case_folder, tmp_path):
    raw = tmp_path / "raw"
    (raw / "sub-9" / "ct").mkdir(parents=True)
    (raw / "dataset_description.json").write_text('{"Name": "raw", "BIDSVersion": "1.10.0", "DatasetDOI": "10.1/x"}')
    scan = raw / "sub-9" / "ct" / "sub-9_ses-2_ct.nii.gz"
    shutil.copy(case_folder / "ct.nii.gz", scan)
    graph = read_pipeline(case_folder / "pipeline.yaml", load_catalogue(), [], ["left"])
    run(graph, {"scan": scan}, out=tmp_path / "run", store=case_folder / "store")
    write_bids(cases_of([tmp_path / "run"], None), tmp_path / "out")
    assert (tmp_path / "out" / "sub-9" / "ses-2" / "anat").is_dir()
    told = json.loads((tmp_path / "out" / "dataset_description.json").read_text())
    assert told["SourceDatasets"] == [{"URL": "../raw", "DOI": "10.1/x"}]


def test_what_cannot_be_named_is_refused_and_nothing_is_left(run_folder, tmp_path):
    cases = cases_of([run_folder], None)
    with pytest.raises(InputError, match="letters and digits only"):
        write_bids(cases, tmp_path / "out", subject="a b")
    with pytest.raises(InputError, match="would both be sub-01"):
        write_bids([*cases, *cases], tmp_path / "out", subject="01")
    with pytest.raises(InputError, match="no run to export"):
        write_bids([], tmp_path / "out")
    assert not any(tmp_path.iterdir())


def test_two_scans_of_one_session_are_refused(case_folder, tmp_path):
    shutil.copy(case_folder / "ct.nii.gz", tmp_path / "ct.nii.gz")
    sitk.WriteImage(sitk.ReadImage(str(case_folder / "ct.nii.gz")) + 1, str(tmp_path / "other.nii.gz"))
    for name, scan in (("first", "ct"), ("second", "other")):
        pipeline = tmp_path / f"{name}.yaml"
        steps = "steps: {bone: {use: pick-labels}}\noutputs: [bone]\n"
        pipeline.write_text(f"name: {name}\ninputs: {{scan: {{type: Scan}}, labels: {{type: Labels}}}}\n{steps}")
        files = {"scan": tmp_path / f"{scan}.nii.gz", "labels": case_folder / "labels.nii.gz"}
        run(read_pipeline(pipeline, load_catalogue()), files, out=tmp_path / name, store=tmp_path / "store")
    cases = cases_of([tmp_path / "first", tmp_path / "second"], None)
    with pytest.raises(InputError, match="is not that of the other runs of sub-01"):
        write_bids(cases, tmp_path / "out", subject="01", with_scan=True)
    assert not (tmp_path / "out").exists()
    write_bids(cases, tmp_path / "out", subject="01")
    assert errors_of(tmp_path / "out") == []
