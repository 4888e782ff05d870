"""What a model is besides its weights: everything that inference needs to know, as JSON that travels in the weights file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, PositiveFloat, ValidationError, model_validator

from culmann.config import Config
from culmann.errors import InputError
from culmann_networks.architecture import Architecture, UnetOptions

#: The version of this description.
FORMAT = 1

Spacing = tuple[PositiveFloat, PositiveFloat, PositiveFloat]


class ModelFacts(Config):
    """Facts of a model."""

    format: int = Field(default=FORMAT, description="Version of this description.")
    architecture: Architecture = Field(description="The step that uses the model.")
    network: UnetOptions = Field(description="How the network is built.")
    patch_voxels: Annotated[tuple[int, ...], Field(min_length=2, max_length=3)] = Field(
        description="Size of a window: z, y, x in 3-D; rows and columns of a slice in 2-D."
    )
    spacing_mm: Spacing = Field(description="Voxels of the network along left-right, front-back, up-down of the patient.")
    window_hu: tuple[float, float] = Field(description="Grey values that become -1 and 1; others are cut off.")
    labels: dict[int, str] = Field(
        min_length=1, description="Number and name of what the model labels, in the order of its classes."
    )
    culmann: str = Field(default="", description="The version of culmann that trained it.")
    training: dict[str, Any] = Field(default_factory=dict, description="Data and options of the training.")
    metrics: dict[str, Any] = Field(default_factory=dict, description="What was measured on validation cases.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.format != FORMAT:
            raise ValueError(f"format {self.format} is not known here, which reads format {FORMAT}: update culmann")
        if len(self.patch_voxels) != (2 if self.architecture == "unet2d-multiaxial" else 3):
            raise ValueError(f"`patch_voxels` {self.patch_voxels} has the wrong number of sizes for {self.architecture}")
        if any(n % self.network.divisor or n < 1 for n in self.patch_voxels):
            raise ValueError(f"`patch_voxels` {self.patch_voxels} must be multiples of {self.network.divisor}")
        if self.window_hu[0] >= self.window_hu[1]:
            raise ValueError(f"`window_hu` {self.window_hu} must ascend")
        if min(self.labels) < 1:
            raise ValueError("labels are numbers from 1 up; 0 is the background")
        return self

    @property
    def classes(self) -> int:
        """Outputs of the network: the background and every label."""
        return len(self.labels) + 1

    @property
    def numbers(self) -> tuple[int, ...]:
        """The label of every class; class 0 is the background."""
        return (0, *sorted(self.labels))

    @classmethod
    def read(cls, facts: Mapping[str, Any], where: str) -> Self:
        """Facts from JSON; InputError tells what is wrong with them and where they stand."""
        try:
            return cls.model_validate(dict(facts))
        except ValidationError as problem:
            first = problem.errors(include_url=False)[0]
            at = ".".join(str(part) for part in first["loc"])
            said = first["msg"].removeprefix("Value error, ")
            raise InputError(
                f"{where} does not describe a model of culmann: {f'{at}: ' if at else ''}{said}",
                hint="take the files as `culmann train` wrote them",
            ) from problem
