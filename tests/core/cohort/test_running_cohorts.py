"""Cohorts on this machine: crashes cost their own case, what is done is not done again, and what changed is."""

from __future__ import annotations

import json
import os
import shutil

import numpy as np
import pytest
import SimpleITK as sitk

from culmann.cohort import CohortFolder, read_results
from culmann.cohort.folder import locked, running_in
from culmann.errors import InputError, PipelineError, PluginError

#: Voxels of the mask of the block.
VOXELS = 10 * 14 * 18


def test_of_twelve_one_raises_and_one_is_killed_and_retry_does_only_those(ward):
    cases = ward.cases(12, {3: "raise", 7: "SIGSEGV"})
    records, heard = ward.run(cases)
    assert len(heard.ran) == 12
    assert {name: record.outcome for name, record in records.items() if record.outcome != "done"} == {
        "c03": "failed",
        "c07": "died",
    }
    assert "this bone is not for me" in records["c03"].error
    assert "take another" in records["c03"].error
    assert "SIGSEGV at boom (boom)" in records["c07"].error
    assert "Segmentation fault" in (ward.out / records["c07"].log).read_text()
    rows = {row.case: row for row in read_results(ward.out)}
    loads = {name: row.result.failure_load_n for name, row in rows.items() if row.result.failure_load_n is not None}
    assert loads == {f"c{n:02d}": (n + 1) * VOXELS for n in range(12) if n not in {3, 7}}
    assert rows["c00"].carried["group"] == "a"
    assert rows["c00"].carried["strength.newton"] == "1"
    assert rows["c07"].result.outcome == "died"
    assert len(ward.calls) == 12

    _, heard = ward.run(cases)
    assert heard.ran == []
    _, heard = ward.run(cases, retry=True)
    assert heard.ran == ["c03", "c07"]
    assert sorted(call[2] for call in ward.calls) == ["SIGSEGV", "raise"]


@pytest.mark.parametrize(
    ("how", "outcome", "told"),
    [
        ("SIGKILL", "died", "killed by SIGKILL (out of memory?)"),
        ("exit", "died", "ended with status 7"),
        ("bug", "failed", "ZeroDivisionError: nobody expected this"),
    ],
)
def test_every_way_to_fail_is_told(ward, how, outcome, told):
    records, _ = ward.run(ward.cases(2, {0: how}), options={"workers": 1})
    assert records["c00"].outcome == outcome
    assert told in records["c00"].error
    assert records["c01"].outcome == "done"


def test_a_worker_takes_several_cases_or_one_and_gets_its_share_of_threads(ward):
    ward.run(ward.cases(4), options={"workers": 1, "threads": 3})
    calls = ward.calls
    assert len({process for process, _, _ in calls}) == 1
    assert {threads for _, threads, _ in calls} == {"3"}
    shutil.rmtree(ward.folder / "store")
    shutil.rmtree(ward.out)
    ward.run(ward.cases(4), options={"workers": 1, "cases_per_process": 1})
    assert len({process for process, _, _ in ward.calls}) == 4


def test_a_case_that_takes_too_long_is_ended(ward):
    records, _ = ward.run(ward.cases(1, None, "boom.wait_s=60"), options={"workers": 1, "time_limit_min": 0.05})
    assert records["c00"].outcome == "died"
    assert "longer than the limit of 0.05 min" in records["c00"].error


def test_what_changed_is_run_again_and_said(ward):
    cases = ward.cases(3)
    ward.run(cases)
    label = np.zeros((4, 4, 4), dtype=np.uint8)
    label[1:3, 1:3, 1:3] = 1
    other = ward.folder / "other.nii.gz"
    sitk.WriteImage(sitk.GetImageFromArray(label), str(other))
    shutil.copy(ward.folder / "mask.nii.gz", ward.folder / "own.nii.gz")
    cases[1].inputs["labels"] = ward.folder / "own.nii.gz"  # the same content: nothing to do
    assert ward.run(cases)[1].ran == []
    shutil.copy(other, ward.folder / "own.nii.gz")
    records, heard = ward.run(cases)
    assert heard.ran == ["c01"]
    assert heard.why["c01"] == "the file of 'labels' changed"
    assert records["c01"].results[0].failure_load_n == 2 * 8

    _, heard = ward.run(cases, settings=["boom.how=warn"])
    assert set(heard.why.values()) == {"the pipeline or a setting changed"}
    plugin = ward.folder / "booms.py"
    plugin.write_text(plugin.read_text() + "\n# better now\n")
    _, heard = ward.run(cases, settings=["boom.how=warn"])
    assert set(heard.why.values()) == {"culmann or a plugin changed"}
    (ward.out / "c02" / "strength.json").unlink()
    _, heard = ward.run(cases, settings=["boom.how=warn"])
    assert heard.ran == ["c02"]
    assert heard.why["c02"] == "its run folder is not whole"


def test_retry_after_the_plugin_was_mended_leaves_the_results_of_the_others_alone(ward):
    cases = ward.cases(3, {1: "raise"})
    ward.run(cases)
    plugin = ward.folder / "booms.py"
    plugin.write_text(plugin.read_text().replace('if config.how == "raise":', 'if config.how == "raised":'))
    (ward.folder / "mask.nii.gz").rename(ward.folder / "away.nii.gz")
    shutil.copy(ward.folder / "away.nii.gz", ward.folder / "own.nii.gz")
    cases[1].inputs["labels"] = ward.folder / "own.nii.gz"
    records, heard = ward.run(cases, retry=True)
    assert heard.ran == ["c01"]
    assert heard.why["c01"] == "culmann or a plugin changed"
    assert {name: record.outcome for name, record in records.items()} == {"c00": "done", "c01": "done", "c02": "done"}
    assert all(row.result.failure_load_n for row in read_results(ward.out))
    _, heard = ward.run(cases)  # what is not there any more cannot be confirmed
    assert heard.ran == []
    assert {row.case: row.result.outcome for row in read_results(ward.out)} == {
        "c00": "refused",
        "c01": "done",
        "c02": "refused",
    }


def test_a_lock_of_a_process_that_is_gone_or_of_a_machine_that_went_silent_does_not_hold(tmp_path):
    lock = tmp_path / ".lock"
    with locked(tmp_path):
        assert running_in(tmp_path) == f"process {os.getpid()}"
        with pytest.raises(InputError, match="is being run by process"), locked(tmp_path):
            pass
    assert not lock.exists()
    lock.write_text(json.dumps({"where": "elsewhere", "pid": 1}))
    assert running_in(tmp_path) == "process 1 on elsewhere"
    os.utime(lock, (0, 0))
    assert running_in(tmp_path) == ""
    with locked(tmp_path):
        pass


def test_warnings_of_steps_come_into_the_table(ward):
    ward.run(ward.cases(1), settings=["boom.how=warn"])
    assert read_results(ward.out)[0].result.caveats == ("it looks odd",)


def test_a_cohort_can_be_opened_from_its_folder(ward):
    cases = ward.cases(2)
    ward.run(cases)
    folder = CohortFolder.open(ward.out)
    assert folder.cases == tuple(cases)
    assert folder.executor == {"use": "local", "with": {"workers": 2}}
    assert {name: record.outcome for name, record in folder.by_case().items()} == {"c00": "done", "c01": "done"}


def test_cases_of_one_id_are_refused(ward):
    with pytest.raises(InputError, match="the same id: c00"):
        ward.run([*ward.cases(1), *ward.cases(1)])


def test_a_wrong_executor_or_option_is_told(ward):
    with pytest.raises(PluginError, match="no executor 'locl'; did you mean 'local'"):
        ward.run(ward.cases(1), executor="locl")
    with pytest.raises(PipelineError, match="no option 'worker'; did you mean 'workers'"):
        ward.run(ward.cases(1), options={"worker": 2})
    assert not ward.out.exists()


def test_a_folder_with_something_else_in_it_is_left_alone(ward):
    ward.out.mkdir()
    (ward.out / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="is not empty and holds no cohort"):
        ward.run(ward.cases(1))
    assert [path.name for path in ward.out.iterdir()] == ["thesis.txt"]
