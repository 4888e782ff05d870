"""Options of a training: the paper's values are the defaults, and what the paper leaves open has a default that says so."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from culmann.config import Config
from culmann_networks.architecture import Architecture, UnetOptions
from culmann_networks.facts import Spacing


class Augmentation(Config):
    """Random changes of every training patch. The paper names rotation, translation, shear and scaling and no amounts."""

    share: float = Field(default=1.0, ge=0, le=1, description="Share of the patches that are changed.")
    rotation_degrees: NonNegativeFloat = Field(
        default=15.0, description="Rotation up to this about every axis (2-D: within the slice)."
    )
    translation_mm: NonNegativeFloat = Field(default=10.0, description="Shift up to this along every axis.")
    shear_factor: NonNegativeFloat = Field(default=0.1, description="Shear up to this (the tangent of the angle).")
    scaling_factor: float = Field(
        default=0.1, ge=0, lt=1, description="Larger or smaller by up to this share, along every axis alike."
    )
    flip_axes: tuple[Literal["left-right", "front-back", "up-down"], ...] = Field(
        default=(), description="Mirror half of the patches along these. Not in the paper; never for labels that have a side."
    )
    noise_hu: NonNegativeFloat = Field(
        default=0.0, description="Noise with a standard deviation of up to this. Not in the paper."
    )
    contrast_factor: float = Field(
        default=0.0, ge=0, lt=1, description="Grey values stretched or squeezed by up to this share. Not in the paper."
    )


class TrainingOptions(Config):
    """What both architectures have."""

    epochs: PositiveInt = Field(description="Passes over the training cases.")
    learning_rate: PositiveFloat = Field(description="Of Adam.")
    batch_size: PositiveInt = Field(description="Patches of one step.")
    betas: tuple[float, float] = Field(default=(0.9, 0.999), description="Of Adam, as in the paper.")
    weight_decay: NonNegativeFloat = Field(default=0.0, description="More than 0: AdamW with it, in place of Adam.")
    schedule: Literal["constant", "polynomial", "cosine"] = Field(
        default="constant",
        description="How the learning rate falls to 0 over the epochs: not at all (as far as the paper says), as (1 - t)^0.9 "
        "as in nnU-Net, or as half a cosine.",
    )
    loss: Literal["dice", "dice-ce"] = Field(
        default="dice", description="The Dice loss of the paper over the labels, or the sum of it and the cross-entropy."
    )
    loss_over_batch: bool = Field(
        default=True,
        description="The Dice loss of a batch as a whole, so that patches without a label do no harm. The paper does not say.",
    )
    gradient_limit: PositiveFloat | None = Field(default=None, description="Largest norm of the gradient; null: no limit.")
    spacing_mm: Spacing = Field(
        default=(0.78, 0.78, 0.67),
        description="Voxels along left-right, front-back, up-down; the default is the paper's median.",
    )
    window_hu: tuple[float, float] = Field(
        default=(-1000.0, 1500.0),
        description="Grey values that become -1 and 1. The paper says only that volumes are normalised.",
    )
    labels: dict[int, str] | None = Field(
        default=None,
        description="Labels to learn, as {number: name}; others become background. null: all labels of the dataset.",
    )
    merge_as: str | None = Field(
        default=None,
        min_length=1,
        description="Learn all `labels` as one, of this name and number 1 (the binary task); null: each by itself.",
    )
    network: UnetOptions = Field(default=UnetOptions(), description="How the network is built.")
    augmentation: Augmentation = Field(default=Augmentation(), description="Random changes of the patches.")
    foreground_share: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="Share of the patches that are centred on a labelled voxel; the others lie anywhere.",
    )
    validation_share: float = Field(
        default=0.2, ge=0, lt=1, description="Share of the patients kept for validation, where the dataset has no split."
    )
    validate_every_epochs: PositiveInt = Field(
        default=1, description="Validation takes time: it is done after every so many epochs."
    )
    keep: Literal["best", "last"] = Field(
        default="best", description="The weights of the best validation Dice, or the last ones."
    )
    patience_epochs: PositiveInt | None = Field(
        default=None, description="Stop early when the validation Dice did not improve for so many epochs; null: never."
    )
    time_limit_min: PositiveFloat | None = Field(
        default=None,
        description="Stop after so many minutes of training (per network, over all resumed parts); null: no limit.",
    )
    checkpoint_every_epochs: PositiveInt = Field(
        default=1, description="How often what is needed to go on after a kill is written."
    )
    seed: int = Field(default=0, ge=0, description="Of the first weights, the order of the patches, and their changes.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="Where to compute; `auto`: a GPU where there is one."
    )
    bfloat16_on_cpu: bool = Field(
        default=False, description="Compute with bfloat16 on the CPU: faster where the processor has it (avx512_bf16, amx)."
    )
    mixed_precision: bool = Field(default=True, description="Half precision where it is safe, on a GPU.")
    threads: PositiveInt | None = Field(default=None, description="Threads on the CPU; null: as torch has them.")
    workers: int = Field(
        default=0,
        ge=0,
        description="Threads that prepare patches ahead. With a GPU take 4 to 8; the patches do not depend on it.",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.window_hu[0] >= self.window_hu[1]:
            raise ValueError(f"`window_hu: {list(self.window_hu)}` must ascend")
        if self.labels is not None and (not self.labels or min(self.labels) < 1):
            raise ValueError("`labels` are numbers from 1 up; 0 is the background")
        sizes = getattr(self, "patch_voxels", ())
        if any(n < 1 or n % self.network.divisor for n in sizes):
            raise ValueError(
                f"`patch_voxels: {list(sizes)}` must be multiples of {self.network.divisor}, because the network has "
                f"{len(self.network.channels)} levels"
            )
        return self


class Unet3dTraining(TrainingOptions):
    """Options of `culmann train unet3d`; the paper's: 300 epochs, Adam with 3e-5, batches of 4, patches of 64 x 64 x 64."""

    epochs: PositiveInt = Field(default=300, description="Passes over the training cases.")
    learning_rate: PositiveFloat = Field(default=3e-5, description="Of Adam.")
    batch_size: PositiveInt = Field(default=4, description="Patches of one step.")
    patch_voxels: Annotated[tuple[int, ...], Field(min_length=3, max_length=3)] = Field(
        default=(64, 64, 64), description="Size of a patch: z, y, x."
    )
    patches_per_case: PositiveInt = Field(default=4, description="Patches of every case in an epoch. The paper does not say.")


class Unet2dTraining(TrainingOptions):
    """Options of `culmann train unet2d-multiaxial`; the paper's: 500 epochs, Adam with 2e-4, batches of 16, by plane."""

    epochs: PositiveInt = Field(default=500, description="Passes over the training cases.")
    learning_rate: PositiveFloat = Field(default=2e-4, description="Of Adam.")
    batch_size: PositiveInt = Field(default=16, description="Slices of one step.")
    patch_voxels: Annotated[tuple[int, ...], Field(min_length=2, max_length=2)] = Field(
        default=(256, 256), description="Rows and columns that are cut out of a slice. The paper does not say."
    )
    patches_per_case: PositiveInt | None = Field(
        default=None, description="Slices of every case in an epoch; null: as many as the case has along the axis."
    )


OPTIONS: dict[Architecture, type[Unet3dTraining] | type[Unet2dTraining]] = {
    "unet3d": Unet3dTraining,
    "unet2d-multiaxial": Unet2dTraining,
}
