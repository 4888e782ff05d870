"""Calibration with a phantom: in the scan itself, or in another scan of the same scanner and protocol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from culmann.config import Config
from culmann.data import DensityMap, Scan
from culmann.data.scan import Fact
from culmann.journal import Journal
from culmann_calibration.certificates import Certificate
from culmann_calibration.equation import Equation, fit_equation
from culmann_calibration.phantom_picture import phantom_picture
from culmann_calibration.profile import Profile, slice_profile
from culmann_calibration.rod_search import find_rods
from culmann_calibration.rods import GivenRod, Rods, given_rods, voxels_to_mm

#: What must agree between the scan of the patient and the scan of the phantom.
_COMPARED = ("kvp", "kernel", "table_height_mm", "manufacturer", "model")
_RECORDED = ("series_uid", *_COMPARED)


class PhantomConfig(Config):
    """Options of `asynchronous-calibration`; those of `phantom-calibration` are these and more."""

    certificate: Certificate = Field(
        description="What the certificate of the phantom at hand says, in the order of its rods. A Mindways phantom: "
        "`{serial: ..., k2hpo4_mg_cc: [...], water_mg_cc: [...]}`, which gives densities of kind qct-k2hpo4. A hydroxyapatite "
        "phantom: `{serial: ..., ha_mg_cc: [...]}`, or the nominal values of its model, with a warning, `{serial: ..., model: "
        "qrm-bdc-3 | qrm-bdc-6 | image-analysis | b-mas200 | siemens-osteo}`, which gives qct-ha. Certificates differ by "
        "serial number: as an example only, Ogo lists for Mindways #4541A k2hpo4_mg_cc: [-51.83, -53.40, 58.88, 157.05, "
        "375.83] and water_mg_cc: [1012.25, 1056.95, 1103.57, 1119.52, 923.20].",
    )
    rods_mm: tuple[GivenRod, ...] | None = Field(
        None,
        description="Positions of the rods by hand, in mm, LPS, in the order of the certificate: for each rod a point "
        "`[x, y, z]`, from where it runs along the slice axis, or the points at its two ends `[[x, y, z], [x, y, z]]`. "
        "null: they are searched.",
    )
    rods_voxels: tuple[GivenRod, ...] | None = Field(
        None, description="The same as voxel indices i, j, k, which count from 0, as image viewers show them."
    )
    rod_order: Literal["either", "right-to-left", "left-to-right"] = Field(
        "either",
        description="Rods that are found: which end of the row comes first in the certificate, as seen in the patient. "
        "`either` takes the direction that the densities of the certificate fit, which they do in one direction only.",
    )
    rod_radius_mm: tuple[float, float] = Field(
        (5.0, 12.0),
        description="Smallest and largest radius of rods that are searched, in mm. Certificates do not tell the size of a "
        "phantom: the default is a guess that is wide on purpose. With rods given by hand, they are measured as if they had "
        "the smaller one.",
    )
    rod_spacing_mm: tuple[float, float] = Field(
        (15.0, 45.0),
        description="Smallest and largest distance of neighbouring rods that are searched, in mm; a wide guess as well.",
    )
    measured_share: float = Field(
        0.6, gt=0, lt=1, description="Share of the radius of a rod inside which it is measured, away from its blurred rim."
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        for name, (low, high) in (("rod_radius_mm", self.rod_radius_mm), ("rod_spacing_mm", self.rod_spacing_mm)):
            if not 0 < low < high:
                raise ValueError(f"{name} is [smallest, largest], both above 0; this is [{low:g}, {high:g}]")
        given = self.rods_mm or self.rods_voxels
        if self.rods_mm and self.rods_voxels:
            raise ValueError("give either rods_mm or rods_voxels")
        if given and len(given) != len(self.certificate.densities):
            raise ValueError(f"{len(given)} rods are given, and the certificate has {len(self.certificate.densities)}")
        return self


class PhantomCalibrationConfig(PhantomConfig):
    """Options of `phantom-calibration`."""

    per_slice: bool = Field(
        False,
        description="Whether each slice gets a line of its own, smoothed along the slices. false: one line for all of them; "
        "a drift along the slices is told.",
    )
    smoothing_mm: float = Field(
        30.0, gt=0, description="Full width at half maximum of the Gaussian that smooths the lines of the slices, in mm."
    )


def phantom_calibration(scan: Scan, config: PhantomCalibrationConfig, journal: Journal) -> DensityMap:
    """Density by a phantom that lies in the scan: its rods are found, or given, and a line is fitted to their certificate.

    Mindways phantoms: `HU - rho_water = sigma_ref rho_K2HPO4 + beta_ref`, corrected for the base material of the rods.
    Hydroxyapatite phantoms: a straight line. The rods are searched as a row of equally spaced circles that goes on from slice
    to slice; look at the picture `phantom.png`. The fit warns below r² = 0.98 and is refused below 0.90.

    Raises
    ------
    InputError
        When no phantom is found, or its rods do not fit the certificate.
    """
    scan.expect_hu("phantom-calibration")
    equation = _fit(scan, config, journal)
    profile = slice_profile(equation, config.certificate, scan.grid.spacing_mm[2], config.smoothing_mm)
    seen = np.flatnonzero(equation.rods.seen)
    if len(seen) < len(equation.rods.seen):
        beyond = "take the line of the nearest slice" if config.per_slice else "take the same line"
        journal.warn(
            f"the phantom lies in slices {seen[0]} to {seen[-1]} of 0 to {len(equation.rods.seen) - 1}; the others {beyond}"
        )
    if not config.per_slice:
        profile.warn_of_drift(journal)
    journal.attach("phantom.png", phantom_picture(scan, equation, config.certificate, profile))
    hu = scan.hu.astype(np.float64)
    if config.per_slice:
        g_cm3 = profile.slope[:, None, None] * hu + profile.intercept[:, None, None]
    else:
        g_cm3 = equation.line.slope * hu + equation.line.intercept
    record = {
        "method": "phantom, a line for each slice" if config.per_slice else "phantom",
        **_record(equation, config, profile),
        **_acquisition(scan, "scan"),
    }
    return DensityMap(scan.grid, g_cm3.astype(np.float32), config.certificate.kind, record, scan.placement)


def asynchronous_calibration(scan: Scan, phantom: Scan, config: PhantomConfig, journal: Journal) -> DensityMap:
    """Density by a phantom in another scan, of the same scanner and protocol: the line is fitted there and applied here.

    The series, tube voltage, kernel and table height of both scans are recorded, and a difference warns. Where `phantom` is the
    whole scan of which `scan` is a part (the same series), the calibration counts as one with the phantom in view.

    Raises
    ------
    InputError
        When no phantom is found in the phantom's scan, or its rods do not fit the certificate.
    """
    for image in (scan, phantom):
        image.expect_hu("asynchronous-calibration")
    equation = _fit(phantom, config, journal)
    profile = slice_profile(equation, config.certificate, phantom.grid.spacing_mm[2], 30.0)
    profile.warn_of_drift(journal)
    journal.attach("phantom.png", phantom_picture(phantom, equation, config.certificate, profile))
    series = scan.acquisition.get("series_uid")
    same = series is not None and series == phantom.acquisition.get("series_uid")
    if not same:
        _compare(scan.acquisition, phantom.acquisition, journal)
    g_cm3 = (equation.line.slope * scan.hu.astype(np.float64) + equation.line.intercept).astype(np.float32)
    record = {
        "method": "phantom" if same else "asynchronous phantom",
        **_record(equation, config, profile),
        **_acquisition(scan, "scan"),
        **_acquisition(phantom, "phantom_scan"),
    }
    return DensityMap(scan.grid, g_cm3, config.certificate.kind, record, scan.placement)


def _fit(scan: Scan, config: PhantomConfig, journal: Journal) -> Equation:
    """Find the rods, measure them and fit the line."""
    certificate = config.certificate
    if certificate.model is not None:
        journal.warn(
            f"the densities of the rods are the nominal ones of {certificate.model}, not those of phantom {certificate.serial}"
        )
    given = config.rods_mm or (voxels_to_mm(scan, config.rods_voxels) if config.rods_voxels else None)
    rods: Rods
    if given:
        rods = given_rods(scan, given, config.rod_radius_mm[0])
    else:
        journal.progress(f"searching {len(certificate.densities)} rods")
        rods = find_rods(scan, len(certificate.densities), config.rod_radius_mm, config.rod_spacing_mm)
    equation = fit_equation(scan, rods, certificate, config.measured_share, config.rod_order, journal)
    line = equation.line
    journal.progress(f"density = {line.slope * 1000:.4f} HU {line.intercept * 1000:+.2f} mg/cm³, r² = {line.r2:.4f}")
    return equation


def _record(equation: Equation, config: PhantomConfig, profile: Profile) -> dict[str, Fact]:
    certificate, line, seen = config.certificate, equation.line, np.flatnonzero(equation.rods.seen)
    mindways = certificate.water_mg_cc is not None
    facts: dict[str, Fact] = {
        "phantom_serial": certificate.serial,
        "phantom": "Mindways, by certificate" if mindways else certificate.model or "hydroxyapatite, by certificate",
        "slope_g_cm3_per_hu": line.slope,
        "intercept_g_cm3": line.intercept,
        "r2": line.r2,
        "residual_g_cm3": float(np.sqrt(np.mean(line.residual_g_cm3**2))),
        **line.facts,
        "rods_hu": " ".join(f"{value:.2f}" for value in equation.rods_hu),
        "rods_certified_mg_cc": " ".join(f"{value:g}" for value in certificate.densities),
        "rods": "found" if equation.rods.found else "given by hand",
        "rod_order": equation.order,
        "phantom_slices": f"{seen[0]} to {seen[-1]}",
    }
    return facts | ({} if profile.drift is None else {"drift_along_slices": profile.drift})


def _acquisition(scan: Scan, what: str) -> dict[str, Fact]:
    return {f"{what}_{name}": scan.acquisition[name] for name in _RECORDED if name in scan.acquisition}


def _compare(scan: Mapping[str, Fact], phantom: Mapping[str, Fact], journal: Journal) -> None:
    """Warn of what differs between the scan of the patient and that of the phantom, and of what is unknown."""
    journal.warn("the phantom was not scanned with the patient: asynchronous calibration")
    for name in _COMPARED:
        here, there = scan.get(name), phantom.get(name)
        if here is None or there is None:
            continue
        close = isinstance(here, (int, float)) and isinstance(there, (int, float)) and abs(here - there) <= 1
        if here != there and not close:
            journal.warn(f"{name} is {here} in the scan and {there} in the scan of the phantom: the line may not hold here")
    unknown = [name for name in _COMPARED[:3] if name not in scan or name not in phantom]
    if unknown:
        journal.warn(f"whether scan and phantom agree in {', '.join(unknown)} is not known: the images do not say it")
