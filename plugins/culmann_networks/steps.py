"""The steps `unet3d` and `unet2d-multiaxial`: options, and from a scan to labels. Torch is imported when one of them runs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from culmann.config import Config
from culmann.data import Labels, Scan
from culmann.errors import InputError
from culmann.journal import Journal
from culmann_networks.architecture import Architecture
from culmann_networks.model_file import ModelFile, open_model

for _package in ("torch", "monai", "safetensors"):
    if find_spec(_package) is None:  # pragma: no cover - told before anything is computed, without importing them
        raise ModuleNotFoundError(f"No module named {_package!r}", name=_package)


class NetworkConfig(Config):
    """What both steps have."""

    model: Path | None = Field(
        default=None,
        description="The model: a folder that `culmann train` wrote, or its `weights.safetensors`. Give this or `zoo`.",
    )
    zoo: str | None = Field(
        default=None, min_length=1, description="The name of a model of the zoo, as `culmann models list` shows them."
    )
    sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-fA-F]{64}$",
        description="SHA-256 of `weights.safetensors`: another file is refused. A model of the zoo has it from there.",
    )
    overlap: float = Field(
        default=0.5, ge=0, lt=1, description="Share of a window that the next one covers again, along every axis."
    )
    test_time_flips: tuple[Literal["left-right", "front-back", "up-down"], ...] = Field(
        default=(),
        description="Look at mirrored windows as well, along these axes and all combinations, and take the mean: 2, 4 or 8 "
        "times the work. Not left-right for labels that have a side.",
    )
    skip_below_hu: float | None = Field(
        default=-200.0,
        description="Windows in which nothing is brighter are background without being computed: air around the body. null: "
        "compute all.",
    )
    probabilities: bool = Field(
        default=False,
        description="Keep the share of every label on the grid of the scan, as `probability-<label>.nii.gz` beside the result.",
    )
    when_empty: Literal["error", "warn"] = Field(
        default="error", description="What to do when the network finds nothing at all in the scan."
    )
    check_hu: bool = Field(default=True, description="Refuse a scan whose values do not look like Hounsfield units.")
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", exclude=True, description="Where to compute; `auto`: a GPU where there is one."
    )
    bfloat16_on_cpu: bool = Field(
        default=False,
        description="Compute with bfloat16 on the CPU: nearly twice as fast where the processor has it (avx512_bf16, amx), "
        "slower where not; probabilities change a little.",
    )
    batch_windows: PositiveInt = Field(
        default=2,
        exclude=True,
        description="Windows at a time. More are faster on a GPU; when memory runs out, fewer are taken.",
    )
    threads: PositiveInt | None = Field(default=None, exclude=True, description="Threads on the CPU; null: as torch has them.")

    @model_validator(mode="before")
    @classmethod
    def _pinned_by_zoo(cls, given: Any) -> Any:
        """A model of the zoo is pinned by the zoo: its SHA-256 becomes part of the options, and so of the key of the result."""
        if isinstance(given, Mapping) and isinstance(given.get("zoo"), str) and given.get("sha256") is None:
            from culmann_networks.zoo import find_entry

            try:
                return {**given, "sha256": find_entry(given["zoo"]).sha256}
            except InputError as problem:
                raise ValueError(f"{problem.message} ({problem.hint})") from problem
        return given

    @model_validator(mode="after")
    def _one_model(self) -> Self:
        if (self.model is None) == (self.zoo is None):
            raise ValueError("give `model` or `zoo`, one of the two")
        return self


class Unet3dConfig(NetworkConfig):
    """Options of `unet3d`."""


class Unet2dConfig(NetworkConfig):
    """Options of `unet2d-multiaxial`."""

    batch_windows: PositiveInt = Field(
        default=16,
        exclude=True,
        description="Slices at a time. More are faster on a GPU; when memory runs out, fewer are taken.",
    )
    fusion: Literal["majority", "mean"] = Field(
        default="majority",
        description="`majority`: a voxel gets the label that two of the three planes give it, and where they all differ it is "
        "background, as in the paper. `mean`: the label with the largest mean probability.",
    )


def unet3d(scan: Scan, config: Unet3dConfig, journal: Journal) -> Labels:
    """Label a scan with a 3-D U-Net.

    The scan is turned to the axes of the patient and resampled to the voxels that the model was trained on; windows go through
    the network, weighted by a Gaussian; the probabilities come back onto the grid of the scan, where the largest one decides.

    Raises
    ------
    InputError
        When the model is missing, changed, or of another architecture, the scan is no CT in Hounsfield units or far too coarse,
        or nothing is found in it.
    SolverError
        When memory runs out even with small windows.
    """
    return _segment("unet3d", scan, config, journal)


def unet2d_multiaxial(scan: Scan, config: Unet2dConfig, journal: Journal) -> Labels:
    """Label a scan with three 2-D U-Nets, on axial, coronal and sagittal slices, and fuse what they find.

    As `unet3d`, with slices in place of blocks.

    Raises
    ------
    InputError
        As `unet3d`.
    SolverError
        As `unet3d`.
    """
    return _segment("unet2d-multiaxial", scan, config, journal, config.fusion)


def _segment(
    step: Architecture, scan: Scan, config: NetworkConfig, journal: Journal, fusion: Literal["majority", "mean"] = "majority"
) -> Labels:
    from culmann_networks.zoo import find_entry

    model = _model(config)
    if model.facts.architecture != step:
        raise InputError(
            f"{model.path} is a model for `{model.facts.architecture}`, and the step is `{step}`",
            hint=f"write `use: {model.facts.architecture}`, or take another model",
        )
    if config.sha256 is None:
        journal.warn(f"the weights are not pinned; this keeps them from being exchanged unnoticed: `sha256: {model.sha256}`")
    if config.zoo is not None and (caution := find_entry(config.zoo).facts.caution):
        journal.warn(caution)
    from culmann_networks.segment import segment

    return segment(model, scan, config, fusion, journal)


def _model(config: NetworkConfig) -> ModelFile:
    if config.model is not None:
        return open_model(config.model, config.sha256)
    from culmann_networks.zoo import find_entry

    assert config.zoo is not None
    return open_model(find_entry(config.zoo).here(), config.sha256)
