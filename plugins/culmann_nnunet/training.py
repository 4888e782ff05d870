"""Training nnU-Net on a dataset: its folders made, its process started and listened to, its model put in place."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from culmann.dataset import Dataset, Splits
from culmann.dataset.nnunet_raw import nnunet_name, write_nnunet_raw
from culmann.errors import CulmannError, InputError, PluginError
from culmann.pipeline.digests import digest_of, file_digest, path_digest
from culmann.whole import expect_free
from culmann_nnunet.job import ALL, Job, Work, expect_same_job

#: The number of the data set with nnU-Net. It is in a folder of its own, so that no other has the number.
_NUMBER = 500

#: Takes what the training process says: {"event": "epoch", …}.
Hear = Callable[[dict[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train; the defaults are those of nnU-Net and of Saillard et al. 2024.

    Parameters
    ----------
    configuration, planner, trainer
        Names that nnU-Net knows.
    memory_gb
        The GPU memory that its planner aims at.
    epochs, iterations, validation_iterations
        An epoch is `iterations` batches.
    processes
        How many processes load and preprocess.
    device
        `cpu` or `cuda`.
    validate, postprocess
        Whether to predict the validation cases, and to find out whether keeping the largest parts helps.
    """

    configuration: str = "3d_fullres"
    planner: str = "ExperimentPlanner"
    trainer: str = "nnUNetTrainer"
    memory_gb: float = 8.0
    epochs: int = 1000
    iterations: int = 250
    validation_iterations: int = 50
    processes: int = 2
    device: str = "cpu"
    validate: bool = True
    postprocess: bool = True


def train_nnunet(
    dataset: Dataset,
    splits: Splits | None,
    folds: Sequence[int] | None,
    out: Path,
    work: Path,
    settings: Settings,
    hear: Hear,
    *,
    keep_work: bool = False,
) -> str:
    """Train and put the model at its place; gives back its SHA-256. What an earlier training left in `work` is gone on with.

    Parameters
    ----------
    splits
        Which cases train and validate in each fold; test cases are not shown to nnU-Net. None trains one network on all cases.
    folds
        Which folds, all for None.
    out
        The model folder to be made.
    work
        Where nnU-Net keeps what it needs until then.
    hear
        Called with what the training process says.
    keep_work
        Leave the work folder in the end.

    Raises
    ------
    InputError
        When something is at `out`, a fold does not exist or cannot be validated, the work folder belongs to another training,
        or nnU-Net cannot plan or train with what it is given.
    PluginError
        When its process breaks for another reason; the log is named.
    """
    out, work = out.expanduser().resolve(), work.expanduser().resolve()
    expect_free(out)
    chosen = _folds(splits, folds)
    shown, parts = _parts(dataset, splits, chosen)
    job = Job(
        nnunet_name(dataset, _NUMBER),
        _digest(shown, parts, settings),
        tuple(chosen),
        parts,
        settings.configuration,
        settings.planner,
        settings.trainer,
        settings.memory_gb,
        settings.epochs,
        settings.iterations,
        settings.validation_iterations,
        settings.processes,
        settings.device,
        settings.validate,
        settings.postprocess,
    )
    expect_same_job(work, job)
    place = Work(work)
    for folder in (place.raw, place.preprocessed, place.results):
        folder.mkdir(parents=True, exist_ok=True)
    job.write(work)
    if not (place.raw / job.dataset).is_dir():
        write_nnunet_raw(
            shown, place.raw / job.dataset, lambda case, _: hear({"event": "case", "case": case}), axes_of_patient=True
        )
    _run(place, job, hear)
    if out.exists():
        out.rmdir()
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(work / "model", out)
    if not keep_work:
        shutil.rmtree(work, ignore_errors=True)
    return path_digest(out)


def _folds(splits: Splits | None, folds: Sequence[int] | None) -> list[int | str]:
    if splits is None:
        return [ALL]
    chosen = list(range(len(splits.folds))) if folds is None else sorted(set(folds))
    for fold in chosen:
        if not 0 <= fold < len(splits.folds):
            raise InputError(f"there is no fold {fold}; the splits have {len(splits.folds)}, counted from 0")
        if not splits.folds[fold].validation:
            raise InputError(
                f"fold {fold} has no validation cases, and nnU-Net watches its training by them",
                hint="split again with validation cases, or train on all cases with --all-cases",
            )
    return list(chosen)


def _parts(
    dataset: Dataset, splits: Splits | None, folds: Sequence[int | str]
) -> tuple[Dataset, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]]:
    """The cases that nnU-Net may see, and the training and validation cases of every fold."""
    if splits is None:
        return dataset, ()
    wanted = {
        case for fold in folds if isinstance(fold, int) for case in splits.folds[fold].train + splits.folds[fold].validation
    }
    shown = dataset.only(tuple(case.case for case in dataset.cases if case.case in wanted))
    return shown, tuple((fold.train, fold.validation) for fold in splits.folds)


def _digest(dataset: Dataset, parts: Any, settings: Settings) -> str:
    """sha256 of what a trained fold depends on."""
    return digest_of(
        {
            "cases": {case.case: [file_digest(case.scan), file_digest(case.labels)] for case in dataset.cases},
            "labels": dict(dataset.labels),
            "splits": parts,
            "settings": [
                settings.configuration,
                settings.planner,
                settings.trainer,
                settings.memory_gb,
                settings.epochs,
                settings.iterations,
                settings.validation_iterations,
            ],
        }
    )


def _run(work: Work, job: Job, hear: Hear) -> None:
    """Start the training process, pass on what it tells, and raise what it ends in."""
    from culmann_nnunet.training_process import MARK

    log = work.folder / "nnunet.log"
    problem: dict[str, Any] = {}
    command = [sys.executable, "-m", "culmann_nnunet.training_process", str(work.folder)]
    with (
        log.open("a", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            env=work.environment(job),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                if not line.startswith(MARK):
                    file.write(line)
                    continue
                event = json.loads(line.removeprefix(MARK))
                if event["event"] == "error":
                    problem = event
                else:
                    hear(event)
        except KeyboardInterrupt as stopped:
            process.send_signal(signal.SIGTERM)
            stopped.add_note(f"what was trained stays in {work.folder}: the same command goes on from the last checkpoint")
            raise
    if process.returncode:
        raise _told(problem, process.returncode, log)


def _told(problem: dict[str, Any], code: int, log: Path) -> CulmannError:
    kind, text = problem.get("kind", ""), problem.get("text", "")
    if kind == "LookupError":
        return InputError(text, hint="`3d_fullres`, `2d` and `3d_lowres` are the usual ones")
    if kind == "OutOfMemoryError":
        return InputError(
            "the memory of the GPU does not suffice for a batch",
            hint="let nnU-Net plan for less, with --memory-gb, in a new work folder",
        )
    what = (
        f"{kind}: {text}"
        if kind
        else f"its process ended with {code}" + (" (killed, for want of memory?)" if code == -9 else "")
    )
    return PluginError(f"nnU-Net could not train: {what}", hint=f"what it printed is in {log}")
