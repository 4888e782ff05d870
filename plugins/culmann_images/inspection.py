"""inspect-scan: warns of what in a scan makes its densities doubtful, and hands the scan on as it is."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Scan
from culmann.drawing import png
from culmann.journal import Journal
from culmann_images.findings import Findings, contrast_agent, metal
from culmann_images.planes import Plane, on_plane, page, plane_grid, show

_COLOURS = {"metal": (1.0, 0.2, 0.1), "contrast agent": (1.0, 0.8, 0.0)}


class InspectConfig(Config):
    """Options of `inspect-scan`."""

    metal_hu: float = Field(
        2500.0, description="Voxels above this are metal. Many scanners end at 3071 HU, and cortical bone stays below 2500."
    )
    smallest_metal_cm3: float = Field(0.05, gt=0, description="Smaller bright spots are passed over, in cm³.")
    smallest_contrast_cm3: float = Field(
        1.0, gt=0, description="Smaller parts that look like contrast agent are passed over, in cm³."
    )


def inspect_scan(scan: Scan, config: InspectConfig, journal: Journal) -> Scan:
    """Look for metal and for contrast agent, warn of them with volume and place, and hand the scan on unchanged.

    Metal is what is brighter than bone can be. Contrast agent is found by a heuristic: even, bright islands in soft tissue
    (vessels), and bright regions as smooth as a liquid without a brighter rim (a bladder). Where it finds nothing, there may
    be some all the same.

    Raises
    ------
    InputError
        When the scan was normalised.
    """
    scan.expect_hu("inspect-scan")
    found = {
        "metal": metal(scan, config.metal_hu, config.smallest_metal_cm3),
        "contrast agent": contrast_agent(scan, config.smallest_contrast_cm3),
    }
    if found["metal"].where.any():
        journal.warn(
            f"metal in view: {_told(found['metal'])}; densities near it are wrong, by streaks too. `clip-hu` cuts off its grey "
            "values, and nothing here takes away its streaks"
        )
    if found["contrast agent"].where.any():
        journal.warn(
            f"probably contrast agent in view: {_told(found['contrast agent'])}, even as a liquid, of 130 to 600 HU (a "
            "heuristic: the rods of a phantom look the same); it raises the density of bone by an unknown amount"
        )
    journal.attach("inspection.png", _picture(scan, found))
    return scan


def _told(finding: Findings) -> str:
    volume, centre = finding.largest()
    place = ", ".join(f"{axis} {v:.0f}" for axis, v in zip("LPS", centre, strict=True))
    return f"{finding.volume_cm3:.2g} cm³, the largest part {volume:.2g} cm³ around {place} mm"


def _picture(scan: Scan, found: dict[str, Findings]) -> bytes:
    """A PNG: three planes through the largest finding, or through the middle, with what was found in colour."""
    from matplotlib.figure import Figure

    at = np.mean(scan.grid.extent_mm(), axis=0)
    for finding in found.values():
        if finding.where.any():
            at = np.array(finding.largest()[1])
            break
    planes: tuple[tuple[Plane, int], ...] = (("axial", 2), ("coronal", 1), ("sagittal", 0))
    figure = Figure(figsize=(13, 5), layout="constrained")
    for panel, (plane, across) in zip(figure.subplots(1, 3), planes, strict=True):
        target = plane_grid(scan.grid, plane, float(at[across]))
        grey = np.nan_to_num(np.clip((on_plane(scan.hu, scan.grid, target, 1) + 200) / 1000, 0, 1))
        colour = np.repeat(grey[..., None], 3, axis=-1)
        for name, finding in found.items():
            here = on_plane(finding.where, finding.grid, target, 0, 0.0) > 0
            colour[here] = 0.4 * colour[here] + 0.6 * np.array(_COLOURS[name])
        show(panel, page(colour, plane), target, plane)
        panel.set_title(f"{plane} at {'LPS'[across]} {at[across]:.0f} mm", fontsize=9)
    said = [f"{name} {finding.volume_cm3:.2g} cm³" for name, finding in found.items() if finding.where.any()]
    figure.suptitle("found: " + (", ".join(said) or "nothing") + " (metal red, contrast agent yellow)", fontsize=10)
    return png(figure, dpi=110)
