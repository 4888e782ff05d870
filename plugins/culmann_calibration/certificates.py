"""What is known of a calibration phantom: its certificate, or the nominal densities of its model."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from culmann.config import Config
from culmann.data import DensityKind

PhantomModel = Literal["qrm-bdc-3", "qrm-bdc-6", "image-analysis", "b-mas200", "siemens-osteo"]
Densities = Annotated[tuple[float, ...], Field(min_length=2, max_length=20)]


class Certificate(Config):
    """The certificate of a phantom: either `k2hpo4_mg_cc` with `water_mg_cc`, or `ha_mg_cc`, or `model`.

    The order of the rods is that of the certificate, from one end of the row to the other.
    """

    serial: str = Field(
        min_length=1, description="Serial number of the phantom. It is recorded with every density that comes of it."
    )
    k2hpo4_mg_cc: Densities | None = Field(
        None,
        description="Mindways: K2HPO4-equivalent density of each rod in mg/cm3, as its certificate says; negative ones occur.",
    )
    water_mg_cc: Densities | None = Field(
        None, description="Mindways: water-equivalent density of each rod in mg/cm3, as its certificate says."
    )
    ha_mg_cc: Densities | None = Field(
        None, description="Hydroxyapatite phantoms: density of each rod in mg/cm3, as its certificate says."
    )
    model: PhantomModel | None = Field(
        None,
        description="Nominal densities of a model of hydroxyapatite phantom instead of a certificate, with a warning: "
        "`qrm-bdc-3` 100, 400, 800 mg/cm3; `qrm-bdc-6` 0, 100, 200, 400, 600, 800; `image-analysis` 8.0, 97.3, 189.8; "
        "`b-mas200` 0, 50, 100, 150, 200; `siemens-osteo` 0, 200.",
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        given = {
            "k2hpo4_mg_cc with water_mg_cc": self.k2hpo4_mg_cc or self.water_mg_cc,
            "ha_mg_cc": self.ha_mg_cc,
            "model": self.model,
        }
        named = [name for name, value in given.items() if value]
        if len(named) != 1:
            raise ValueError(f"a certificate gives one of {', '.join(given)}; this one gives {' and '.join(named) or 'none'}")
        if (self.k2hpo4_mg_cc is None) != (self.water_mg_cc is None):
            raise ValueError("a Mindways certificate gives both k2hpo4_mg_cc and water_mg_cc")
        if self.k2hpo4_mg_cc and self.water_mg_cc and len(self.k2hpo4_mg_cc) != len(self.water_mg_cc):
            raise ValueError(
                f"k2hpo4_mg_cc has {len(self.k2hpo4_mg_cc)} rods and water_mg_cc has {len(self.water_mg_cc)}: each rod has both"
            )
        if len(set(self.densities)) < 2:
            raise ValueError("all rods have the same density: no line can be fitted to them")
        return self

    @property
    def densities(self) -> tuple[float, ...]:
        """Density of each rod, mg/cm³, of `kind`."""
        if self.model:
            return tuple(float(value) for value in _known()["phantoms"][self.model]["ha_mg_cc"])
        return self.k2hpo4_mg_cc or self.ha_mg_cc or ()

    @property
    def kind(self) -> DensityKind:
        """Which density a calibration with this phantom gives."""
        return "qct-k2hpo4" if self.k2hpo4_mg_cc else "qct-ha"


@cache
def _known() -> Any:
    return json.loads(files("culmann_calibration").joinpath("phantoms.json").read_text(encoding="utf-8"))
