"""What a U-Net is built from, as options of a training and as facts of a model: no network is needed to read them."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from culmann.config import Config

#: The networks of this plugin, by the names of their steps.
Architecture = Literal["unet2d-multiaxial", "unet3d"]

#: Slices that are at right angles to up-down, front-back and left-right: the array axes z, y, x.
PLANES = ("axial", "coronal", "sagittal")


def members_of(architecture: Architecture) -> tuple[str, ...]:
    """The names of the networks that a model is made of."""
    return PLANES if architecture == "unet2d-multiaxial" else ("volume",)


class UnetOptions(Config):
    """How large a U-Net is. The paper gives no widths: the defaults are those of MONAI's documentation."""

    channels: tuple[int, ...] = Field(
        default=(32, 64, 128, 256, 512),
        min_length=2,
        description="Feature maps of every level, the finest first. The paper does not say; fewer and smaller are faster.",
    )
    residual_units: int = Field(
        default=2, ge=0, description="Convolutions of a residual unit; 0: plain convolutions without residual connections."
    )
    normalisation: Literal["instance", "batch"] = Field(
        default="instance", description="Normalisation after every convolution."
    )
    dropout: float = Field(
        default=0.0, ge=0, lt=1, description="Share of the feature maps that are left out at random in training."
    )
    kind: Literal["strided", "basic"] = Field(
        default="strided",
        description="`strided`: MONAI's `UNet`, whose first convolution halves the resolution (fast). `basic`: MONAI's "
        "`BasicUNet`, two convolutions on the full resolution as in Ronneberger et al. (several times slower); it takes five "
        "`channels` and no `residual_units`.",
    )

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if min(self.channels) < 1:
            raise ValueError("`channels` must be positive")
        if self.kind == "basic" and len(self.channels) != 5:
            raise ValueError(f"`kind: basic` takes five `channels`, and these are {len(self.channels)}")
        return self

    @property
    def divisor(self) -> int:
        """Sizes of windows must be multiples of this: every level halves them."""
        return 1 << (len(self.channels) - 1)
