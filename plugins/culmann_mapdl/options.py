"""What both steps of this plugin can be told: how the model is said in Ansys' words."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from culmann.config import Config


class DeckConfig(Config):
    """How the model is written."""

    scheme: Literal["auto", "linear", "plastic", "secant-lagged"] = Field(
        "auto",
        description="`linear` ignores yielding; `plastic` is Ansys' own von Mises plasticity; `secant-lagged` is the loop of "
        "Sas et al. around linear solutions, written in APDL. `auto` is what the law says: plastic, or secant-lagged.",
    )
    bin_width_mpa: float = Field(
        10.0,
        ge=0,
        description="Cells whose Young's moduli differ by less share a material, the mean of its cells. 10 MPa is what the "
        "authors of the vertebra model use. 0 gives every cell that differs its own. `secant-lagged` has one for each cell.",
    )
    substeps: int = Field(
        1, ge=1, description="Substeps that each increment of the load case begins with; Ansys may cut them further."
    )
    most_substeps: int = Field(100, ge=1, description="Most substeps of an increment before Ansys gives it up.")
    stop_below_peak: float = Field(
        0.0, ge=0, lt=1, description="Stop once the load has fallen below this share of its peak; 0 goes on to the end."
    )
    large_deflection: bool = Field(False, description="NLGEOM: geometric nonlinearity. The published models leave it off.")
