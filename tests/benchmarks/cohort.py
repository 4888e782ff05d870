"""What a cohort costs beside its work: `python tests/benchmarks/cohort.py CASES CASES_PER_PROCESS`.

The cases are a mask of 2,520 voxels that is counted, so that all time is overhead: reading the pipeline and the input,
the store, the run folder, the record. Wall time depends on what else the machine does; CPU time hardly.
"""

from __future__ import annotations

import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import numpy as np
import SimpleITK as sitk
from cohort_ward import BOOMS, PIPELINE, Heard, Ward

WORKERS = 2


def held_mb() -> float:
    """The memory that this process holds."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1000


def cpu_s(who: int) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


class Counted(Heard):
    """Prints now and then what the parent holds."""

    over = 0

    def begins(self, folder, planned, running):
        super().begins(folder, planned, running)
        self.began = time.monotonic()
        print(f"checked: parent {held_mb():.0f} MB, {cpu_s(resource.RUSAGE_SELF):.1f} s of CPU", flush=True)

    def ended(self, record):
        super().ended(record)
        self.over += 1
        if self.over in {10, 100} or self.over % 250 == 0:
            print(f"{self.over} cases: {time.monotonic() - self.began:.1f} s, parent {held_mb():.0f} MB", flush=True)


def main(count: int, cases_per_process: int) -> None:
    folder = Path(tempfile.mkdtemp(prefix="culmann-cohort-"))
    os.environ["BOOM_CALLS"] = str(folder / "calls")
    shutil.copy(BOOMS, folder / "booms.py")
    (folder / "ward.yaml").write_text(PIPELINE)
    label = np.zeros((14, 20, 24), dtype=np.uint8)
    label[2:12, 3:17, 3:21] = 1
    sitk.WriteImage(sitk.GetImageFromArray(label), str(folder / "mask.nii.gz"))
    ward, heard = Ward(folder), Counted()
    options = {"workers": WORKERS, "cases_per_process": cases_per_process}
    records, _ = ward.run(ward.cases(count), listener=heard, options=options)
    assert {record.outcome for record in records.values()} == {"done"}
    wall_s = (time.monotonic() - heard.began) * WORKERS / count
    print(f"a case: {cpu_s(resource.RUSAGE_CHILDREN) / count:.2f} s of CPU in the workers, {wall_s:.2f} s of a worker's time")
    began, used = time.monotonic(), cpu_s(resource.RUSAGE_SELF)
    _, again = ward.run(ward.cases(count), options=options)
    print(f"again: {len(again.ran)} run, {time.monotonic() - began:.1f} s, {cpu_s(resource.RUSAGE_SELF) - used:.1f} s of CPU")
    shutil.rmtree(folder)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
