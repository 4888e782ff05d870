"""The training of one network: epochs from where it stands to its end, with validation, checkpoints and the weights to keep."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from monai.losses.dice import DiceCELoss, DiceLoss
from torch import nn

from culmann.errors import SolverError
from culmann_networks import checkpoint
from culmann_networks.architecture import PLANES, Architecture, members_of
from culmann_networks.cases import Case
from culmann_networks.checkpoint import Standing
from culmann_networks.dice import dice_per_class
from culmann_networks.facts import ModelFacts
from culmann_networks.inference import How, shares_of
from culmann_networks.listener import Listener
from culmann_networks.patches import Cutting, batches
from culmann_networks.training_options import Unet2dTraining, Unet3dTraining
from culmann_networks.unets import build
from culmann_networks.windows import is_out_of_memory

Options = Unet3dTraining | Unet2dTraining

#: Validation looks at windows that overlap less than those of inference, to save time.
_OVERLAP = 0.25


@dataclass(slots=True)
class Member:
    """The training of one network."""

    architecture: Architecture
    options: Options
    facts: ModelFacts
    member: str
    device: torch.device
    out: Path
    identity: dict[str, Any]
    listener: Listener

    def train(self, training: Sequence[Case], validation: Sequence[Case]) -> tuple[nn.Module, Standing]:
        """From the checkpoint, or from fresh weights, to the end; gives the network with the weights that are kept."""
        options = self.options
        number = members_of(self.architecture).index(self.member)
        torch.manual_seed(_seed(options.seed, number))
        network = build(self.architecture, options.network, self.facts.classes).to(self.device)
        kind = torch.optim.AdamW if options.weight_decay else torch.optim.Adam
        optimiser = kind(network.parameters(), lr=options.learning_rate, betas=options.betas, weight_decay=options.weight_decay)
        scaler = torch.amp.GradScaler(self.device.type, enabled=self.device.type == "cuda" and options.mixed_precision)
        path = self.out / "training" / f"{self.member}.safetensors"
        standing = checkpoint.restore(path, network, optimiser, scaler, self.identity)
        standing.done = self._ended(standing)
        self.listener.began(self.member, options.epochs, standing)
        while not standing.done:
            began = time.perf_counter()
            rate = self._rate(standing.epoch)
            for group in optimiser.param_groups:
                group["lr"] = rate
            loss = self._epoch(network, optimiser, scaler, training, standing.epoch, number)
            standing.epoch += 1
            dice = self._validate(network, validation, standing)
            seconds = time.perf_counter() - began
            standing.seconds += seconds
            standing.rows.append(
                {"epoch": standing.epoch, "loss": loss, "validation_dice": dice, "learning_rate": rate, "seconds": seconds}
            )
            standing.done = self._ended(standing)
            if standing.done or standing.epoch % options.checkpoint_every_epochs == 0:
                checkpoint.save(path, standing, network, optimiser, scaler, self.identity)
            self.listener.epoch(self.member, standing)
        self.listener.ended(self.member, standing)
        if options.keep == "best" and standing.best:
            network.load_state_dict(standing.best)
        return network, standing

    def _ended(self, standing: Standing) -> str:
        options = self.options
        if standing.epoch >= options.epochs:
            return f"{standing.epoch} epochs"
        if options.time_limit_min is not None and standing.seconds >= 60 * options.time_limit_min:
            return f"the time limit of {options.time_limit_min:g} minutes, after {standing.epoch} epochs"
        if (
            options.patience_epochs is not None
            and standing.best_dice is not None
            and standing.epoch - standing.best_epoch >= options.patience_epochs
        ):
            return f"no better validation Dice for {standing.epoch - standing.best_epoch} epochs"
        return ""

    def _rate(self, epoch: int) -> float:
        options, t = self.options, epoch / self.options.epochs
        factor = {"constant": 1.0, "polynomial": (1 - t) ** 0.9, "cosine": 0.5 * (1 + np.cos(np.pi * t))}[options.schedule]
        return float(options.learning_rate * factor)

    def _cutting(self) -> Cutting:
        options = self.options
        x, y, z = options.spacing_mm
        if self.architecture == "unet3d":
            d, h, w = options.patch_voxels
            plane = None
        else:
            d, (h, w) = 1, options.patch_voxels
            plane = PLANES.index(self.member)
        return Cutting((d, h, w), plane, (z, y, x), options.window_hu, options.foreground_share, options.augmentation)

    def _epoch(
        self, network: nn.Module, optimiser: torch.optim.Optimizer, scaler: Any, cases: Sequence[Case], epoch: int, number: int
    ) -> float:
        """One pass over the cases; the mean loss."""
        options, flat = self.options, self.architecture == "unet2d-multiaxial"
        loss_of = _loss(options)
        network.train()
        torch.manual_seed(_seed(options.seed, number, epoch))  # dropout
        losses = []
        half, kind = self._half()
        seed = (options.seed, number, epoch)
        for image, truth in batches(
            cases, self._cutting(), options.patches_per_case, options.batch_size, seed, options.workers
        ):
            x = (image[:, :, 0] if flat else image).to(self.device, non_blocking=True)
            y = (truth[:, :, 0] if flat else truth).to(self.device, non_blocking=True)
            optimiser.zero_grad(set_to_none=True)
            try:
                with torch.autocast(self.device.type, dtype=kind, enabled=half):
                    out = network(x)
                loss = loss_of(out.float(), y)
                scaler.scale(loss).backward()
            except (RuntimeError, MemoryError) as problem:
                if not is_out_of_memory(problem):
                    raise
                raise SolverError(
                    f"not enough memory for batches of {options.batch_size} patches",
                    hint="choose a smaller `batch_size` or `patch_voxels`, or fewer `network.channels`",
                ) from problem
            if options.gradient_limit is not None:
                scaler.unscale_(optimiser)
                nn.utils.clip_grad_norm_(network.parameters(), options.gradient_limit)
            scaler.step(optimiser)
            scaler.update()
            losses.append(float(loss.detach()))
            if not np.isfinite(losses[-1]):
                raise SolverError(
                    f"the loss is {losses[-1]} in epoch {epoch + 1}",
                    hint="choose a smaller `learning_rate`, a `gradient_limit`, or `mixed_precision: false`",
                )
            self.listener.step(self.member, epoch + 1, losses[-1])
        return float(np.mean(losses))

    def _half(self) -> tuple[bool, torch.dtype]:
        """Whether half precision is used in training, and which."""
        if self.device.type == "cuda":
            return self.options.mixed_precision, torch.float16
        return self.options.bfloat16_on_cpu, torch.bfloat16

    def _validate(self, network: nn.Module, cases: Sequence[Case], standing: Standing) -> float | None:
        """The mean validation Dice when it is due; the best weights are remembered."""
        last = standing.epoch >= self.options.epochs
        if not cases or (standing.epoch % self.options.validate_every_epochs and not last):
            return None
        network.eval()
        how = How(self.device, overlap=_OVERLAP, batch=self.options.batch_size, skip_below_hu=None)
        facts = self.facts
        found = [
            np.argmax(
                shares_of({self.member: network}, facts, case.hu, how, lambda _: None, members=(self.member,)), axis=0
            ).astype(np.uint8)
            for case in cases
        ]
        scores = dice_per_class(found, [case.classes for case in cases], facts.classes)
        dice = float(np.mean(list(scores.values())))
        if standing.best_dice is None or dice > standing.best_dice:
            standing.best_dice, standing.best_epoch = dice, standing.epoch
            standing.best_per_label = {facts.labels[facts.numbers[c]]: round(score, 6) for c, score in scores.items()}
            standing.best = {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
        return dice


def _loss(options: Options) -> nn.Module:
    kind = DiceLoss if options.loss == "dice" else DiceCELoss
    return kind(include_background=False, to_onehot_y=True, softmax=True, batch=options.loss_over_batch)


def _seed(*parts: int) -> int:
    """One number for torch from several."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)
