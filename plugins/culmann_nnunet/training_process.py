"""The process that trains: nnU-Net's Python API on one job, telling its parent about every step in lines of JSON.

It is a process of its own because nnU-Net is told its folders and its number of processes by the environment.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from culmann_nnunet.job import ALL, Job, Work
from culmann_nnunet.model_files import write_model

#: What begins a line that is for the parent.
MARK = "@culmann "

#: A checkpoint is kept so often, in epochs: nnU-Net's own 50 lose hours on a CPU.
_SAVE_EVERY = 5


def tell(event: str, **facts: Any) -> None:
    """One line for the parent."""
    sys.__stdout__.write(MARK + json.dumps({"event": event, **facts}) + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]


def main(folder: Path) -> None:
    """Do the job of a work folder, from where an earlier process left off."""
    work = Work(folder)
    job = Job.read(folder)
    number = int(job.dataset[7:10])
    _prepare(job, work, number)
    folds = {str(fold): _fold(job, work, fold) for fold in job.folds}
    largest = _postprocessing(job, work) if job.validate and job.postprocess and ALL not in job.folds else []
    tell("stage", text="the model is put together")
    write_model(work.trained(job), folder / "model", list(job.folds), largest, folds, job)
    tell("done")


def _prepare(job: Job, work: Work, number: int) -> None:
    """Fingerprint, plans and preprocessed images."""
    from nnunetv2.experiment_planning import plan_and_preprocess_api as api

    home = work.preprocessed / job.dataset
    ready = home / "ready"
    if ready.is_file():
        return
    planner = api.recursive_find_python_class(
        str(Path(api.nnunetv2.__path__[0]) / "experiment_planning"), job.planner, "nnunetv2.experiment_planning"
    )
    if planner is None:
        raise LookupError(f"nnU-Net has no planner {job.planner!r}")
    tell("stage", text="nnU-Net looks at the cases")
    api.extract_fingerprint_dataset(number, num_processes=job.processes, clean=True, show_progress_bar=False)
    tell("stage", text="nnU-Net plans")
    _, name = api.plan_experiment_dataset(
        number, planner, gpu_memory_target_in_gb=job.memory_gb, overwrite_plans_name="nnUNetPlans"
    )
    plans = json.loads((home / f"{name}.json").read_text(encoding="utf-8"))
    if job.configuration not in plans["configurations"]:
        planned = ", ".join(plans["configurations"])
        raise LookupError(f"nnU-Net planned no configuration {job.configuration!r} for these images; it has {planned}")
    chosen = plans["configurations"][job.configuration]
    tell("plan", patch=chosen.get("patch_size"), batch=chosen.get("batch_size"), spacing_mm=chosen.get("spacing"))
    tell("stage", text="nnU-Net preprocesses")
    api.preprocess_dataset(number, name, (job.configuration,), (job.processes,), show_progress_bar=False)
    splits = [{"train": list(train), "val": list(validation)} for train, validation in job.splits]
    (home / "splits_final.json").write_text(json.dumps(splits, indent=2), encoding="utf-8")
    ready.write_text("", encoding="utf-8")


def _fold(job: Job, work: Work, fold: int | str) -> dict[str, Any]:
    """Train one fold and predict its validation cases; gives back what was reached."""
    import torch
    from nnunetv2.run.run_training import get_trainer_from_args, maybe_load_checkpoint

    if job.processes == 1:
        os.environ["nnUNet_n_proc_DA"] = "0"  # noqa: SIM112 (batches are made here; the planner does not bear this number)
    ours = work.trained(job) / f"fold_{fold}" / "culmann.json"
    if ours.is_file():
        facts: dict[str, Any] = json.loads(ours.read_text(encoding="utf-8"))
        tell("stage", text=f"fold {fold} was trained before")
        return facts
    again = (work.trained(job) / f"fold_{fold}").is_dir()
    trainer = get_trainer_from_args(
        job.dataset, job.configuration, fold, job.trainer, "nnUNetPlans", again, torch.device(job.device)
    )
    trainer.num_epochs, trainer.num_iterations_per_epoch = job.epochs, job.iterations
    trainer.num_val_iterations_per_epoch, trainer.save_every = job.validation_iterations, _SAVE_EVERY
    trainer.initialize()
    if again:
        maybe_load_checkpoint(trainer, continue_training=True, validation_only=False)
    if not work.finished(job, fold):
        _watch(trainer, job, fold)
        trainer.run_training()
    reached = {"epochs": trainer.current_epoch}
    if job.validate and fold != ALL:
        tell("stage", text=f"fold {fold}: its validation cases are predicted")
        trainer.perform_actual_validation(save_probabilities=False)
        summary = json.loads(Path(trainer.output_folder, "validation", "summary.json").read_text(encoding="utf-8"))
        reached |= {
            "validation_dice": {label: facts["Dice"] for label, facts in summary["mean"].items()},
            "cases": len(summary["metric_per_case"]),
        }
        tell("validated", fold=fold, dice=reached["validation_dice"], cases=reached["cases"])
    ours.write_text(json.dumps(reached), encoding="utf-8")
    return reached


def _watch(trainer: Any, job: Job, fold: int | str) -> None:
    """Tell every epoch, and every batch now and then; the trainer's class stays nnU-Net's own, so that others can load it."""
    epoch_ends, step = trainer.on_epoch_end, trainer.train_step
    began = time.monotonic()
    batches = {"epoch": -1, "done": 0, "told": began}

    def told_step(batch: Any) -> Any:
        result = step(batch)
        if batches["epoch"] != trainer.current_epoch:
            batches.update(epoch=trainer.current_epoch, done=0)
        batches["done"] += 1
        if time.monotonic() - batches["told"] > 5:
            batches["told"] = time.monotonic()
            tell("batch", fold=fold, epoch=trainer.current_epoch, batch=batches["done"], batches=job.iterations)
        return result

    def told_epoch() -> None:
        nonlocal began
        epoch_ends()
        logged = trainer.logger.local_logger.my_fantastic_logging
        dice = [float(value) for value in logged["dice_per_class_or_region"][-1]]
        tell(
            "epoch",
            fold=fold,
            epoch=trainer.current_epoch,
            epochs=job.epochs,
            train_loss=float(logged["train_losses"][-1]),
            validation_loss=float(logged["val_losses"][-1]),
            dice=[None if value != value else value for value in dice],
            seconds=round(time.monotonic() - began, 1),
        )
        began = time.monotonic()

    trainer.on_epoch_end, trainer.train_step = told_epoch, told_step


def _postprocessing(job: Job, work: Work) -> list[list[int]]:
    """Groups of labels of which only the largest part is to be kept, as nnU-Net finds it on all validation cases."""
    from nnunetv2.postprocessing.remove_connected_components import determine_postprocessing

    tell("stage", text="nnU-Net looks whether keeping the largest parts helps")
    trained, known = work.trained(job), work.preprocessed / job.dataset / "gt_segmentations"
    predicted, truth = work.folder / "crossval" / "predicted", work.folder / "crossval" / "truth"
    shutil.rmtree(work.folder / "crossval", ignore_errors=True)
    predicted.mkdir(parents=True)
    truth.mkdir()
    for fold in job.folds:
        for path in (trained / f"fold_{fold}" / "validation").glob("*.nii.gz"):
            shutil.copyfile(path, predicted / path.name)
            shutil.copyfile(known / path.name, truth / path.name)
    _, options = determine_postprocessing(
        str(predicted), str(truth), str(trained / "plans.json"), str(trained / "dataset.json"), job.processes, False
    )
    groups = []
    for entry in options:
        labels = entry["labels_or_regions"]
        groups.append([int(v) for v in (labels if isinstance(labels, list | tuple) else [labels])])
    return groups


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(130)
    except BaseException as problem:
        traceback.print_exc()
        tell("error", kind=type(problem).__name__, text=str(problem))
        sys.exit(1)
