"""What a training of nnU-Net is to do, and where: one JSON file that the training process reads."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from culmann.errors import InputError

#: A fold that trains on all cases is called so by nnU-Net.
ALL = "all"


@dataclass(frozen=True, slots=True)
class Job:
    """A training.

    Parameters
    ----------
    dataset
        The name of the folder in nnU-Net's words, as `Dataset500_femurs`.
    digest
        sha256 of the cases and of the settings that a result depends on: two trainings never share a work folder.
    folds
        Which folds to train, `"all"` for one on all cases.
    splits
        For every fold, its training and validation cases.
    configuration, planner, trainer
        Names that nnU-Net knows.
    memory_gb
        The GPU memory that the planner aims at: it decides the size of patches.
    epochs, iterations, validation_iterations
        How long to train: an epoch is so many batches.
    processes
        How many processes load and preprocess.
    device
        `cpu` or `cuda`.
    validate, postprocess
        Whether to predict the validation cases in the end, and to find out whether keeping the largest parts helps.
    """

    dataset: str
    digest: str
    folds: tuple[int | str, ...]
    splits: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    configuration: str
    planner: str
    trainer: str
    memory_gb: float
    epochs: int
    iterations: int
    validation_iterations: int
    processes: int
    device: str
    validate: bool
    postprocess: bool

    def write(self, work: Path) -> None:
        """Write `job.json` into the work folder."""
        (work / "job.json").write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, work: Path) -> Job:
        """Read what `write` wrote."""
        facts = json.loads((work / "job.json").read_text(encoding="utf-8"))
        facts["folds"] = tuple(facts["folds"])
        facts["splits"] = tuple((tuple(train), tuple(validation)) for train, validation in facts["splits"])
        return cls(**facts)


@dataclass(frozen=True, slots=True)
class Work:
    """The folders of a training."""

    folder: Path

    @property
    def raw(self) -> Path:
        """Where nnU-Net looks for images."""
        return self.folder / "raw"

    @property
    def preprocessed(self) -> Path:
        """Where it keeps plans and preprocessed images."""
        return self.folder / "preprocessed"

    @property
    def results(self) -> Path:
        """Where it keeps what it trained."""
        return self.folder / "results"

    def trained(self, job: Job) -> Path:
        """The folder of the trained folds."""
        return self.results / job.dataset / f"{job.trainer}__nnUNetPlans__{job.configuration}"

    def finished(self, job: Job, fold: int | str) -> bool:
        """Whether a fold was trained to its end."""
        return (self.trained(job) / f"fold_{fold}" / "checkpoint_final.pth").is_file()

    def environment(self, job: Job) -> dict[str, str]:
        """The environment of the training process: nnU-Net is told everything by variables, and no other process sees them."""
        kept = {name: text for name, text in os.environ.items() if not name.lower().startswith("nnunet")}
        return {
            **kept,
            "nnUNet_raw": str(self.raw),
            "nnUNet_preprocessed": str(self.preprocessed),
            "nnUNet_results": str(self.results),
            "nnUNet_def_n_proc": str(job.processes),
            "nnUNet_n_proc_DA": str(job.processes),
            "nnUNet_compile": "f",
            "MPLBACKEND": "agg",
            "PYTHONUNBUFFERED": "1",
        }


def expect_same_job(work: Path, job: Job) -> None:
    """Raise InputError when a work folder holds another training."""
    if (work / "job.json").is_file() and Job.read(work).digest != job.digest:
        raise InputError(
            f"{work} holds a training on other cases or with other settings",
            hint="remove that folder to start anew, or name another with --work",
        )
