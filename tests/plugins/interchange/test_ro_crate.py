"""The RO-Crate of a run, read back by rocrate: what it says is what the run was."""

from __future__ import annotations

import hashlib
import json
import shutil

import pytest
from rocrate.rocrate import ROCrate

from culmann.errors import InputError
from culmann.pipeline import read_pipeline, run
from culmann.plugins import load_catalogue
from culmann_interchange.crate_entities import named_by_content
from culmann_interchange.ro_crate import write_crate


@pytest.fixture(scope="module")
def crate(run_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("crate") / "crate"
    write_crate(run_folder, out, licence="CC-BY-4.0")
    return out


def test_every_file_of_the_run_is_there_with_its_digest(crate, run_folder):
    read = ROCrate(crate)
    manifest = json.loads((run_folder / "manifest.json").read_text())
    described = {entity.id: entity for entity in read.data_entities}
    for name in [*manifest["files"], "manifest.json"]:
        if name != "pipeline.yaml":
            content = (run_folder / name).read_bytes()
            assert (crate / name).read_bytes() == content
            assert described[name]["sha256"] == hashlib.sha256(content).hexdigest()
            assert described[name]["contentSize"] == str(len(content))
    assert {entity.id for entity in read.root_dataset["hasPart"]} == set(described)


def test_the_runs_say_what_went_in_and_what_came_out(crate, run_folder):
    read = ROCrate(crate)
    runs = {entity.id: entity for entity in read.get_by_type("CreateAction")}
    assert set(runs) == {"#run-left", "#run-right"}
    left = runs["#run-left"]
    assert left["instrument"] == read.mainEntity
    assert left["agent"]["softwareVersion"] == json.loads((run_folder / "manifest.json").read_text())["culmann"]
    inputs = json.loads((run_folder / "left" / "manifest.json").read_text())["inputs"]
    assert {entity.id for entity in left["object"]} == {named_by_content(facts["sha256"]) for facts in inputs.values()}
    load = json.loads((run_folder / "left" / "strength.json").read_text())["failure_load_n"]
    (value,) = [entity for entity in left["result"] if entity.type == "PropertyValue"]
    assert float(value["value"]) == pytest.approx(load, rel=1e-5)
    assert "left/strength.json" in {entity.id for entity in left["result"]}
    assert not any(entity.id.startswith("right/") for entity in left["result"])


def test_the_workflow_its_steps_and_their_sources(crate, case_folder):
    read = ROCrate(crate)
    workflow = read.mainEntity
    assert (crate / workflow.id).read_text() == (case_folder / "pipeline.yaml").read_text()
    assert set(workflow.type) >= {"File", "SoftwareSourceCode", "ComputationalWorkflow"}
    assert [step["name"] for step in sorted(workflow["step"], key=lambda step: int(step["position"]))][:3] == [
        "turned",
        "bone",
        "density",
    ]
    law = read.get("#tool-kopperdahl")
    assert any("Kopperdahl" in source["name"] for source in law["citation"])
    assert read.get("https://doi.org/10.1038/s41598-024-66934-w").type == "ScholarlyArticle"
    assert read.root_dataset["license"].id == "https://spdx.org/licenses/CC-BY-4.0"
    assert {entity.id for entity in read.root_dataset["conformsTo"]} >= {"https://w3id.org/ro/wfrun/workflow/0.5"}


def test_every_link_leads_somewhere(crate):
    graph = json.loads((crate / "ro-crate-metadata.json").read_text())["@graph"]
    known = [entity["@id"] for entity in graph]
    assert len(known) == len(set(known))
    outside = {"https://w3id.org/ro/crate/1.1", "https://bioschemas.org/profiles/FormalParameter/1.0-RELEASE"}
    outside |= {"https://bioschemas.org/profiles/ComputationalWorkflow/1.0-RELEASE"}

    def links(value):
        if isinstance(value, dict):
            yield from [value["@id"]] if set(value) == {"@id"} else (link for part in value.values() for link in links(part))
        elif isinstance(value, list):
            yield from (link for part in value for link in links(part))

    for entity in graph:
        assert set(links({name: value for name, value in entity.items() if name != "@id"})) <= {*known, *outside}


def test_a_zip_holds_the_same(crate, run_folder, tmp_path):
    write_crate(run_folder, tmp_path / "crate.zip", licence="CC-BY-4.0")
    assert [path.name for path in tmp_path.iterdir()] == ["crate.zip"]
    zipped, plain = ROCrate(tmp_path / "crate.zip"), ROCrate(crate)
    assert {entity.id for entity in zipped.get_entities()} == {entity.id for entity in plain.get_entities()}


def test_inputs_go_along_when_they_are_asked_for_and_are_what_they_were(case_folder, tmp_path):
    for name in ("pipeline.yaml", "ct.nii.gz", "labels.nii.gz"):
        shutil.copy(case_folder / name, tmp_path / name)
    graph = read_pipeline(tmp_path / "pipeline.yaml", load_catalogue(), ["strength.strain=0.01"], ["left"])
    run(graph, out=tmp_path / "run", store=case_folder / "store")
    write_crate(tmp_path / "run", tmp_path / "crate", with_inputs=True)
    assert (tmp_path / "crate/inputs/scan/ct.nii.gz").read_bytes() == (tmp_path / "ct.nii.gz").read_bytes()
    action = ROCrate(tmp_path / "crate").get("#run-left")
    assert {entity.id for entity in action["object"]} == {
        "inputs/scan/ct.nii.gz",
        "inputs/labels/labels.nii.gz",
        "#set-strength.strain",
    }
    (tmp_path / "ct.nii.gz").write_bytes((tmp_path / "labels.nii.gz").read_bytes())
    with pytest.raises(InputError, match="'scan' has changed since the run"):
        write_crate(tmp_path / "run", tmp_path / "again", with_inputs=True)
    (tmp_path / "ct.nii.gz").unlink()
    with pytest.raises(InputError, match="'scan' is no longer at"):
        write_crate(tmp_path / "run", tmp_path / "again", with_inputs=True)
    write_crate(tmp_path / "run", tmp_path / "without")  # they are named by their digests
    assert not (tmp_path / "again").exists()


def test_what_is_no_run_or_not_whole_is_refused(run_folder, tmp_path):
    with pytest.raises(InputError, match="is not the folder of a run"):
        write_crate(tmp_path, tmp_path / "crate")
    shutil.copytree(run_folder, tmp_path / "run")
    (tmp_path / "run" / "left" / "strength.json").unlink()
    with pytest.raises(InputError, match=r"not whole: 1 of its files are missing, the first is left/strength\.json"):
        write_crate(tmp_path / "run", tmp_path / "crate")
    assert not (tmp_path / "crate").exists()


@pytest.mark.parametrize("name", ["crate.tar", "crate.tar.gz", "crate.7Z"])
def test_another_archive_is_refused_before_a_folder_gets_its_name(run_folder, tmp_path, name):
    with pytest.raises(InputError, match=r"a crate is a folder or a \.zip file"):
        write_crate(run_folder, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
