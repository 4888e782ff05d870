"""register: a scan laid onto a reference scan by a rigid or affine movement."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Scan
from culmann.errors import InputError
from culmann.image_files import read_image_file, read_label_file
from culmann.journal import Journal
from culmann.regridding import labels_onto
from culmann_images.overlay import overlay
from culmann_images.registration import Kind, find_move, fit, moved_onto, starting_move

#: Less of the reference than this in view of the scan is worth a warning, and a volume that changes by more than this.
_COVERED, _VOLUME_CHANGE = 0.9, 0.02


class RegisterConfig(Config):
    """Options of `register`."""

    reference: Path = Field(
        description="The scan in HU that stays: an image file. It is of the same bone and side; `mirror` brings sides together."
    )
    mask: Path | None = Field(
        None,
        description="A label map of the reference: the images are compared where it is labelled only, such as around the "
        "femur. null: everywhere.",
    )
    kind: Kind = Field(
        "rigid",
        description="`rigid` turns and shifts. `affine` stretches and shears as well: the bone that comes out has another "
        "size, and another failure load.",
    )
    start: Literal["centres", "as-they-lie"] = Field(
        "centres", description="First guess: the centres of the two images laid onto each other, or no movement."
    )
    window_hu: tuple[float, float] = Field(
        (-200.0, 1500.0), description="Grey values beyond these ends count as the ends, in HU: air and metal do not steer."
    )
    interpolation: Literal["linear", "bspline"] = Field("bspline", description="Of the moved scan: linear, or cubic B-splines.")
    lowest_correlation: float = Field(
        0.5, ge=-1, le=1, description="A scan that correlates less with the reference after the registration is refused."
    )


def register(scan: Scan, config: RegisterConfig, journal: Journal) -> Scan:
    """Lay a scan onto the voxels of a reference scan. Its placement leads back to the patient.

    Labels and densities of the patient follow: `pick-labels` lays labels onto a registered scan by its placement.

    Raises
    ------
    InputError
        When a file cannot be read, the images do not overlap, or they lie worse on each other than before, or too badly.
    """
    scan.expect_hu("register")
    file = read_image_file(config.reference)
    reference = Scan(file.grid, file.array.astype(np.float32))
    mask = None
    if config.mask is not None:
        mask = labels_onto(read_label_file(config.mask), reference.grid, "nearest").foreground
        if not mask.any():
            raise InputError(f"nothing labelled in {config.mask} lies in {config.reference}")
    start = starting_move(scan.grid, reference.grid, config.start)
    before = fit(scan, reference, start, config.window_hu, mask)
    journal.progress(f"before: {before.describe()}")
    move = find_move(scan, reference, config.kind, start, config.window_hu, mask)
    after = fit(scan, reference, move, config.window_hu, mask)
    hu, _ = moved_onto(scan, reference.grid, move, 1 if config.interpolation == "linear" else 3)
    journal.attach("registration.png", overlay(reference, scan, hu, (start, move), (before, after)))
    if after.correlation < before.correlation or after.correlation < config.lowest_correlation:
        worse = "it got worse" if after.correlation < before.correlation else f"wanted is {config.lowest_correlation:g}"
        raise InputError(
            f"the registration onto {config.reference.name} failed, {worse}; before: {before.describe()}; "
            f"after: {after.describe()}",
            hint="do both show the same bone and side? crop both to it, choose another `start`, or give a `mask`",
        )
    if after.covered < _COVERED:
        journal.warn(f"the scan reaches {100 * after.covered:.0f} % of the reference only; the rest was filled with air")
    volume = 1 / float(np.linalg.det(move[:3, :3]))
    if abs(volume - 1) > _VOLUME_CHANGE:
        journal.warn(
            f"the affine registration changed the volume of the bone by {100 * (volume - 1):+.0f} %: its failure load is not "
            "that of the patient's bone"
        )
    told = f"register: {config.kind} onto {config.reference.name}, {after.describe()} (before: {before.correlation:.3f})"
    placement = scan.placement.moved(np.asarray(np.linalg.inv(move)), f"register: {config.kind} onto {config.reference.name}")
    return replace(scan, grid=reference.grid, hu=hu, history=(*scan.history, told), placement=placement)
