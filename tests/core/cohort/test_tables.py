"""Tables of cases: what is wrong is told with its line and column, before anything runs, and the other cases go on."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk
from typer.testing import CliRunner

from culmann.cli import app
from culmann.cohort import read_table
from culmann.cohort.folder import Setup
from culmann.cohort.plan import plan, told
from culmann.errors import InputError
from culmann.pipeline import read_pipeline
from culmann.plugins import load_catalogue


@pytest.fixture
def graph(ward):
    return read_pipeline(ward.pipeline, load_catalogue())


def write(ward, text: str, name: str = "cases.csv"):
    path = ward.folder / name
    path.write_text(text, encoding="utf-8")
    return path


def planned(ward, graph, text: str, *facts: str):
    """{case: (what is to be done, what is wrong)}."""
    table = read_table(write(ward, text), graph, facts)
    found = plan(table.rows, Setup(ward.pipeline, ward.folder / "store"), graph.catalogue, ward.out)
    place = f"{ward.folder}/"
    return {entry.id: (entry.todo, [told(problem).replace(place, "") for problem in entry.problems]) for entry in found}


def test_columns_are_files_settings_and_facts(ward, graph):
    text = "case,labels,group,centre,boom.how,strength.newton\na,mask.nii.gz,x,Lyon,,2\n"
    [row] = read_table(write(ward, text), graph, ["centre"]).rows
    assert row.case.inputs == {"labels": ward.folder / "mask.nii.gz"}
    assert row.case.facts == {"group": "x", "centre": "Lyon"}
    assert row.case.settings == ("strength.newton=2",)  # an empty cell leaves the option alone


def test_semicolons_a_mark_of_windows_and_quotes_are_understood(ward, graph):
    text = '\ufeffcase;labels;group\r\n"a";"mask.nii.gz";"one; or ""two"""\r\n'
    [row] = read_table(write(ward, text), graph).rows
    assert (row.case.id, row.case.facts["group"]) == ("a", 'one; or "two"')


def test_every_mistake_in_a_row_is_told_for_its_case_and_the_others_go_on(ward, graph):
    mask = sitk.ReadImage(str(ward.folder / "mask.nii.gz"))
    sitk.WriteImage(mask * 0, str(ward.folder / "empty.nii.gz"))
    (ward.folder / "text.nii.gz").write_text("no image")
    (ward.folder / "half.nii.gz").write_bytes((ward.folder / "mask.nii.gz").read_bytes()[:150])
    found = planned(
        ward,
        graph,
        "case,labels,strength.newton\n"
        "good,mask.nii.gz,1\n"
        "missing,nask.nii.gz,1\n"
        "twice,mask.nii.gz,1\n"
        "Twice,mask.nii.gz,2\n"
        "empty,empty.nii.gz,1\n"
        "text,text.nii.gz,1\n"
        "half,half.nii.gz,1\n"
        "number,mask.nii.gz,many\n"
        "unnamed,,1\n"
        "../up,mask.nii.gz,1\n"
        "short,mask.nii.gz\n"
        "records,mask.nii.gz,1\n"
        "also good,mask.nii.gz,\n",
    )
    assert {name: todo for name, (todo, _) in found.items() if todo == "run"} == {"good": "run", "also good": "run"}
    wrong = {name: problems for name, (todo, problems) in found.items() if todo == "refused"}
    assert wrong.pop("missing") == ["cases.csv:3:9: there is no file or folder nask.nii.gz"]
    assert wrong.pop("twice") == [
        "cases.csv:4:1: the case 'twice' is there 2 times",
        "cases.csv:5:1: the case 'Twice' is there 2 times",
    ]
    assert wrong.pop("empty") == ["cases.csv:6:7: empty.nii.gz: no voxel is labelled, all are 0"]
    for name, says in {
        "text": "cases.csv:7:6: text.nii.gz",
        "half": "cases.csv:8:6: half.nii.gz cannot be read",
        "number": "cases.csv:9:20: strength.newton=many",
        "unnamed": "cases.csv:10:9: the file of 'labels' is not named",
        "line 11": "cases.csv:11:1: '../up' cannot be the id of a case",
        "line 12": "cases.csv:12:1: this row has 2 cells and the header 3",
        "line 13": "cases.csv:13:1: 'records' cannot be the id of a case",
    }.items():
        [problem] = wrong.pop(name)
        assert problem.startswith(says)
    assert wrong == {}


def test_a_scan_that_is_cut_off_is_told_beforehand(ward):
    ward.pipeline.write_text(ward.pipeline.read_text().replace("  labels:", "  scan: {type: Scan}\n  labels:"))
    text = ward.pipeline.read_text().replace(
        "boom: {use: boom}", "boom: {use: boom}\n  fine: {use: resample, with: {spacing_mm: [1, 1, 1]}}"
    )
    ward.pipeline.write_text(text.replace("[strength]", "{strength: strength, fine: fine}"))
    graph = read_pipeline(ward.pipeline, load_catalogue())
    noise = np.random.default_rng(0).integers(0, 1000, (8, 8, 8)).astype(np.int16)
    sitk.WriteImage(sitk.GetImageFromArray(noise), str(ward.folder / "ct.nii.gz"))
    (ward.folder / "cut.nii.gz").write_bytes((ward.folder / "ct.nii.gz").read_bytes()[:-200])
    found = planned(ward, graph, "case,scan,labels\na,ct.nii.gz,mask.nii.gz\nb,cut.nii.gz,mask.nii.gz\n")
    assert found["a"] == ("run", [])
    assert found["b"][0] == "refused"
    assert "cases.csv:3:3: cut.nii.gz cannot be read: the file is cut off or damaged" in found["b"][1][0]


@pytest.mark.parametrize(
    ("header", "told_of"),
    [
        ("case,label", "cases.csv:1:6: unknown column 'label'; did you mean 'labels'?"),
        ("case,labels,bomb.how", "cases.csv:1:13: column 'bomb.how': there is no step or input 'bomb'; did you mean 'boom'?"),
        ("case,labels,boom.hwo", "column 'boom.hwo': step 'boom' has no option 'hwo'; did you mean 'how'?"),
        ("case,labels,centre", "a fact is carried along with --facts centre"),
        ("case,labels,outcome", "the column 'outcome' has the name of a column of the results"),
        ("case,labels,labels", "cases.csv:1:13: the column 'labels' stands here for a second time"),
        ("case,labels,variant", "the pipeline has no variants"),
        ("name,labels", "there is no column 'case'"),
    ],
)
def test_a_column_that_nobody_understands_stops_the_whole_table(ward, graph, header, told_of):
    with pytest.raises(InputError) as caught:
        read_table(write(ward, header + "\na,mask.nii.gz,1\n"), graph)
    assert told_of in str(caught.value).replace(f"{ward.folder}/", "")


def test_all_wrong_columns_are_told_at_once_and_an_empty_table_too(ward, graph):
    with pytest.raises(InputError, match=r"(?s)'scna'.*'grop'; did you mean 'group'"):
        read_table(write(ward, "case,scna,grop\n"), graph)
    with pytest.raises(InputError, match="no cases below its header"):
        read_table(write(ward, "case,labels\n"), graph)
    with pytest.raises(InputError, match="there is no file"):
        read_table(ward.folder / "none.csv", graph)
    (ward.folder / "nothing").mkdir()
    with pytest.raises(InputError, match=r"is a folder without a table cases\.csv"):
        read_table(ward.folder / "nothing", graph)


def test_the_folder_of_a_dataset_is_a_table(ward, graph):
    folder = ward.folder / "dataset"
    folder.mkdir()
    (folder / "cases.csv").write_text("case,patient,side,scan,labels\na,p1,left,ct.nii.gz,../mask.nii.gz\n")
    table = read_table(folder, graph)
    assert table.rows[0].case.facts == {"patient": "p1", "side": "left", "scan": "ct.nii.gz"}
    assert table.notes == ("the pipeline has no input 'scan': the column is carried along and not used",)


def test_an_input_that_all_cases_have_from_the_pipeline_is_said(ward):
    text = ward.pipeline.read_text().replace("about: a mask", "path: mask.nii.gz")
    text = text.replace("  labels:", "  other: {type: Labels}\n  labels:").replace(
        "boom: {use: boom}", "boom: {use: boom, from: labels}"
    )
    ward.pipeline.write_text(
        text.replace("steps:", "steps:\n  twin: {use: boom, from: other}").replace("[strength]", "{a: strength, b: twin}")
    )
    graph = read_pipeline(ward.pipeline, load_catalogue())
    [note] = read_table(write(ward, "case,other\na,mask.nii.gz\n"), graph).notes
    assert note == f"every case takes 'labels' from {ward.folder / 'mask.nii.gz'}, as the pipeline file says"


def test_variants_of_a_case_are_chosen_in_its_row(ward):
    ward.pipeline.write_text(
        ward.pipeline.read_text() + "variants: {one: {strength: {newton: 1}}, two: {strength: {newton: 2}}}\n"
    )
    graph = read_pipeline(ward.pipeline, load_catalogue())
    rows = read_table(write(ward, "case,labels,variant\na,mask.nii.gz,two\nb,mask.nii.gz,\nc,mask.nii.gz,tow\n"), graph).rows
    assert [row.case.variants for row in rows[:2]] == [("two",), ()]
    assert told(rows[2].problems[0]).endswith("cases.csv:4:15: there is no variant 'tow'; did you mean 'two'?")
    records, _ = ward.run([row.case for row in rows[:2]], options={"workers": 1})
    loads = {name: {row.variant: row.failure_load_n for row in record.results} for name, record in records.items()}
    assert loads == {"a": {"two": 2 * 2520.0}, "b": {"one": 2520.0, "two": 2 * 2520.0}}


def test_a_dry_run_tells_the_same_and_writes_nothing(ward):
    write(ward, "case,labels\ngood,mask.nii.gz\nbad,nask.nii.gz\n")
    command = ["cohort", str(ward.folder / "cases.csv"), str(ward.pipeline), "--out", str(ward.out), "--dry-run"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert "cases.csv:3:5: there is no file or folder" in done.stderr
    assert "2 cases: 1 to run, 1 cannot be run" in done.stderr
    assert done.stdout.split() == ["good", "to", "run", "bad", "cannot", "be", "run"]
    assert not ward.out.exists()
    assert ward.calls == []


def test_what_is_refused_has_a_record_and_runs_when_it_is_mended(ward, monkeypatch):
    monkeypatch.setenv("CULMANN_STORE", str(ward.folder / "store"))
    write(ward, "case,labels\ngood,mask.nii.gz\nbad,nask.nii.gz\n")
    table = str(ward.folder / "cases.csv")
    command = ["cohort", table, str(ward.pipeline), "--out", str(ward.out), "--workers", "1", "--no-report"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 2
    assert "2 cases: 1 refused, 1 done" in done.stdout or "2 cases: 1 done, 1 refused" in done.stdout
    assert json.loads((ward.out / "records" / "bad.json").read_text())["outcome"] == "refused"
    status = CliRunner().invoke(app, ["cohort", "status", str(ward.out)])
    assert "cases.csv:3:5: there is no file" in status.stdout
    write(ward, "case,labels\ngood,mask.nii.gz\nbad,mask.nii.gz\n")
    done = CliRunner().invoke(app, ["cohort", "resume", str(ward.out)])
    assert done.exit_code == 0
    assert "[1/1] bad: done  2520 N" in done.stderr
