"""A ward: a folder with a pipeline that can fail as it is told to, a mask, and a short way to run cohorts of it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from culmann.cohort import Case, Record, run_cohort
from culmann.cohort.running import Quiet

BOOMS = Path(__file__).with_name("booms.py")
PIPELINE = """name: ward
plugins: [booms.py]
inputs:
  labels: {type: Labels, about: a mask}
steps:
  boom: {use: boom}
  strength: {use: weigh, from: boom}
outputs: [strength]
"""


@dataclass
class Heard(Quiet):
    """A listener that remembers."""

    ran: list[str] = field(default_factory=list)
    why: dict[str, str] = field(default_factory=dict)
    ended_with: dict[str, str] = field(default_factory=dict)

    def begins(self, folder, planned, running):  # noqa: ARG002
        self.ran = list(running)
        self.why = {entry.id: entry.why for entry in planned}

    def ended(self, record):
        self.ended_with[record.case] = record.outcome


@dataclass
class Ward:
    folder: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    @property
    def pipeline(self) -> Path:
        return self.folder / "ward.yaml"

    @property
    def calls(self) -> list[list[str]]:
        """What called the step `boom` since this was last asked: [process, threads, how]."""
        file = self.folder / "calls.log"
        found = file.read_text().splitlines() if file.exists() else []
        file.unlink(missing_ok=True)
        return [line.split(" ") for line in found]

    def cases(self, count: int, hows: dict[int, str] | None = None, *more: str) -> list[Case]:
        """So many cases that differ in the load of a voxel; some of them fail."""
        mask = self.folder / "mask.nii.gz"
        failing = {n: (f"boom.how={how}",) for n, how in (hows or {}).items()}
        return [
            Case(
                f"c{n:02d}",
                {"labels": mask},
                (f"boom.tag={n}", f"strength.newton={n + 1}", *failing.get(n, ()), *more),
                {"group": "ab"[n % 2]},
            )
            for n in range(count)
        ]

    def run(self, cases: Sequence[Case], **more) -> tuple[dict[str, Record], Heard]:
        heard = more.pop("listener", Heard())
        given = {"out": self.out, "store": self.folder / "store", "options": {"workers": 2}, "reports": False, **more}
        return {record.case: record for record in run_cohort(cases, self.pipeline, listener=heard, **given)}, heard


def alive(pid: int) -> bool:
    """Whether a process is there; one that ended and was not waited for is not."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@pytest.fixture
def ward(tmp_path: Path, block_of_bone: Path, monkeypatch: pytest.MonkeyPatch) -> Ward:
    monkeypatch.setenv("BOOM_CALLS", str(tmp_path / "calls.log"))
    shutil.copy(BOOMS, tmp_path / "booms.py")
    shutil.copy(block_of_bone / "labels.nii.gz", tmp_path / "mask.nii.gz")
    (tmp_path / "ward.yaml").write_text(PIPELINE)
    return Ward(tmp_path)
