"""The step `figures`: `curve.png` and `failure.png`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from culmann.config import Config
from culmann.data import Report, Response, Scan, Strength
from culmann.journal import Journal
from culmann_report.curve import curve_picture
from culmann_report.failure import Look, failure_picture


class FiguresConfig(Config):
    """Options of the pictures."""

    plane: Literal["sagittal", "coronal"] = Field("sagittal", description="The plane of the CT slice in `failure.png`.")
    offset_mm: float = Field(
        0.0, description="How far the slice lies from the middle of the loaded part, towards the left or towards posterior."
    )
    view: tuple[float, float, float] = Field(
        (0.75, -0.75, 0.5),
        description="From where the bone is seen, in patient coordinates (left, posterior, superior); by default from its "
        "left front and above.",
    )
    window_hu: tuple[float, float] = Field((-500.0, 900.0), description="HU drawn black and white in the slice.")
    strain_top: float | None = Field(
        None, gt=0, description="Plastic strain at the upper end of the colours; null for one that suits the result."
    )


def figures(
    response: Response, strength: Strength, config: FiguresConfig, journal: Journal, scan: Scan | None = None
) -> Report:
    """Draw the curve with the failure load, and where the bone fails.

    `failure.png` shows the moment nearest to the failure load that the response holds fields of, the peak or the end: on the
    left the scan in a plane through the middle of the loaded part, with the cells that yield in colour, on the right the bone
    from outside, below them the caveats of the strength. Without a scan, or with one that was not moved as the mesh was, the
    left side shows the cells alone. Of a linear run it shows the equivalent strain.

    Raises
    ------
    InputError
        When the direction of `view` is straight up or zero.
    """
    if scan is not None and not scan.placement.same_as(response.mesh.placement):
        journal.warn("the scan was not moved as the mesh was (mirrored, registered): failure.png shows the cells without it")
        scan = None
    look = Look(config.plane, config.offset_mm, config.view, config.window_hu, config.strain_top)
    return Report(
        {"curve.png": curve_picture(response, strength), "failure.png": failure_picture(response, strength, scan, look)}
    )
