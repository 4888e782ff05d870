"""Phantoms in synthetic hips of known density: found, measured, fitted, and refused where they do not fit."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from synthetic_hips import K2HPO4, MATRIX, WATER, Hips, Phantom, mindways, synthetic_hips

from culmann import DensityMap, Grid, InputError, Scan
from culmann.journal import QuietJournal
from culmann_calibration.phantom import (
    PhantomCalibrationConfig,
    PhantomConfig,
    asynchronous_calibration,
    phantom_calibration,
)

CERTIFICATE = {"serial": "#4541A", "k2hpo4_mg_cc": K2HPO4, "water_mg_cc": WATER}
SHARED = Path(__file__).parents[4] / "shared" / "data"


def calibrate(scan: Scan, **options: Any) -> tuple[DensityMap, QuietJournal]:
    journal = QuietJournal()
    options = {"certificate": CERTIFICATE, **options}
    return phantom_calibration(scan, PhantomCalibrationConfig(**options), journal), journal


@cache
def plain() -> Hips:
    return synthetic_hips(mindways())


@cache
def without_phantom() -> Hips:
    return synthetic_hips()


def worst_error(hips: Hips, density: DensityMap) -> float:
    """Largest relative error of the mean density of the heads' cancellous bone, of the cortices, and of each whole femur."""
    found, truth, errors = density.g_cm3 * 1000, hips.k2hpo4_mg_cc, []
    z, y, x = np.indices(truth.shape)
    at = hips.scan.grid.to_world(np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)).reshape(*truth.shape, 3)
    for side, centre in hips.head_mm.items():
        bone = hips.side == side
        head = np.linalg.norm(at - centre, axis=-1) < 15
        for part in (bone, bone & head, bone & (truth > 500)):
            assert part.sum() > 50
            errors.append(abs(found[part].mean() / truth[part].mean() - 1))
    return float(max(errors))


@pytest.mark.parametrize(
    ("seed", "scan", "phantom"),
    [
        (0, {}, mindways()),
        (1, {"noise_hu": 30, "length_mm": 120}, mindways(turn_deg=5, lean_deg=4)),
        (2, {"noise_hu": 25, "flip_i": True}, mindways(turn_deg=-7, lean_deg=-5)),
        (3, {"slice_mm": 5, "pixel_mm": 2}, mindways(mirrored=True, turn_deg=3)),
        (
            4,
            {"pixel_mm": 0.9, "slice_mm": 5},
            mindways(mirrored=True, lean_deg=6, radius_mm=6.5, spacing_mm=30),
        ),
        (5, {"blur_mm": 1.5}, mindways(radius_mm=11, spacing_mm=25, centre_mm=(-20.0, 122.0))),
    ],
)
def test_the_true_density_comes_back(seed: int, scan: dict[str, Any], phantom: Phantom) -> None:
    hips = synthetic_hips(phantom, seed=seed, **scan)
    density, journal = calibrate(hips.scan)
    assert worst_error(hips, density) < 0.03
    assert journal.warnings == []
    mirrored = phantom.rods_hu[0] > phantom.rods_hu[-1]
    assert density.kind == "qct-k2hpo4"
    assert density.calibration["rod_order"] == ("left to right" if mirrored else "right to left")
    assert density.calibration["rods"] == "found"


def test_what_is_recorded() -> None:
    density, journal = calibrate(plain().scan)
    record = density.calibration
    assert record["method"] == "phantom"
    assert record["phantom_serial"] == "#4541A"
    assert (record["scan_kvp"], record["scan_kernel"]) == (120.0, "B30")
    assert record["sigma_ct"] == pytest.approx(float(record["sigma_ref"]) - 0.2174, abs=1e-12)
    assert record["beta_ct"] == pytest.approx(float(record["beta_ref"]) + 999.6, abs=1e-9)
    assert record["slope_g_cm3_per_hu"] == pytest.approx(0.001 / float(record["sigma_ct"]), rel=1e-12)
    assert record["sigma_ref"] == pytest.approx(1.46696, rel=0.005)
    assert float(record["r2"]) > 0.9999
    assert density.placement == plain().scan.placement
    assert journal.attachments["phantom.png"].startswith(b"\x89PNG")


def test_positions_by_hand() -> None:
    hips = synthetic_hips(mindways(lean_deg=4), seed=7)
    found, _ = calibrate(hips.scan)
    in_mm, _ = calibrate(hips.scan, rods_mm=hips.rods_mm)
    voxels = [[tuple(hips.scan.grid.to_index(np.array([end]))[0]) for end in rod] for rod in hips.rods_mm]
    in_voxels, _ = calibrate(hips.scan, rods_voxels=voxels)
    assert in_mm.calibration["rods"] == "given by hand"
    assert worst_error(hips, in_mm) < 0.03
    assert np.allclose(in_mm.g_cm3, in_voxels.g_cm3, atol=1e-6)
    assert in_mm.calibration["slope_g_cm3_per_hu"] == pytest.approx(float(found.calibration["slope_g_cm3_per_hu"]), rel=0.01)


def test_a_single_point_is_enough_for_a_rod_that_does_not_lean() -> None:
    one = [tuple(np.mean(rod, axis=0)) for rod in plain().rods_mm]
    density, _ = calibrate(plain().scan, rods_mm=one)
    assert worst_error(plain(), density) < 0.03


def test_positions_in_reverse_order_are_told() -> None:
    with pytest.raises(InputError, match="r² = 0") as caught:
        calibrate(plain().scan, rods_mm=plain().rods_mm[::-1])
    assert "in reverse order the rods do fit (r² = 1.0000): give the positions in the reverse order" in caught.value.hint


def test_a_position_outside_is_refused() -> None:
    with pytest.raises(InputError, match="rod 2 lies outside of the scan"):
        calibrate(plain().scan, rods_mm=[(0, 118, 0), (900, 118, 0), (10, 118, 0), (20, 118, 0), (30, 118, 0)])


def test_a_position_beside_the_rod_warns() -> None:
    off = [list(np.mean(rod, axis=0)) for rod in plain().rods_mm]
    off[2][0] += 6.5
    _, journal = calibrate(plain().scan, rods_mm=off, measured_share=0.9)
    assert any("rod 3 varies by" in text for text in journal.warnings)


def test_the_wrong_end_first_is_told() -> None:
    with pytest.raises(InputError) as caught:
        calibrate(plain().scan, rod_order="left-to-right")
    assert "give `rod_order: right-to-left`" in caught.value.hint


def test_swapped_rods_are_refused_and_named() -> None:
    with pytest.raises(InputError, match=r"phantom #4541A: the fit has r² = 0\.\d+, below 0\.9") as caught:
        calibrate(synthetic_hips(mindways(order=(0, 3, 2, 1, 4))).scan)
    assert "with rods 2 and 4 swapped they do fit" in caught.value.hint


def test_the_certificate_of_another_phantom_is_refused() -> None:
    """Straight densities with the corrections of other rods: the fit cannot be good."""
    other = {"serial": "9", "k2hpo4_mg_cc": [150, -50, 60, 380, 0], "water_mg_cc": [1010, 1050, 1100, 900, 1120]}
    with pytest.raises(InputError, match="phantom 9: the fit has r²") as caught:
        calibrate(plain().scan, certificate=other)
    assert "certificate of this phantom" in caught.value.hint


def test_a_certificate_with_fewer_rods_is_refused() -> None:
    qa = {"serial": "#4408", "k2hpo4_mg_cc": [58.88, -53.4, 157.05, 157.13], "water_mg_cc": [1103.57, 1056.95, 1119.52, 1120.1]}
    with pytest.raises(InputError, match="the certificate has 4 rods, and the row in the scan has more"):
        calibrate(plain().scan, certificate=qa)


@pytest.mark.parametrize("rods", [3, 4, 5])
def test_no_phantom_is_invented(rods: int) -> None:
    with pytest.raises(InputError, match="phantom not found") as caught:
        calibrate(without_phantom().scan, certificate={"serial": "1", "ha_mg_cc": [100.0 * n for n in range(rods)]})
    assert "rods_mm" in caught.value.hint


@pytest.mark.parametrize("rods", [3, 4, 5, 6])
@pytest.mark.parametrize("folder", ["hips_ct", "trunk_ct"])
def test_no_phantom_is_invented_in_real_scans(folder: str, rods: int) -> None:
    file = SHARED / folder / "ct.nii.gz"
    if not file.exists():
        pytest.skip(f"needs ../shared/data: {folder}")
    image = sitk.ReadImage(str(file))
    grid = Grid(image.GetSize(), image.GetSpacing(), image.GetOrigin(), image.GetDirection())
    scan = Scan(grid, sitk.GetArrayFromImage(image).astype(np.float32))
    with pytest.raises(InputError, match="phantom not found"):
        calibrate(scan, certificate={"serial": "1", "ha_mg_cc": [100.0 * n for n in range(rods)]})


def test_a_phantom_that_ends_within_the_scan() -> None:
    hips = synthetic_hips(mindways(ends_mm=(-30.0, 20.0)), seed=3, length_mm=90)
    density, journal = calibrate(hips.scan)
    z = hips.scan.grid.to_world(np.array([[0, 0, k] for k in range(hips.scan.grid.size[2])]))[:, 2]
    first, last = (int(n) for n in str(density.calibration["phantom_slices"]).split(" to "))
    assert z[first] == pytest.approx(-30, abs=4)
    assert z[last] == pytest.approx(20, abs=4)
    assert journal.warnings[0].startswith(f"the phantom lies in slices {first} to {last} of 0 to {len(z) - 1}")
    assert worst_error(hips, density) < 0.03


def test_a_drift_is_told_and_calibrated_away_slice_by_slice() -> None:
    hips = synthetic_hips(mindways(), seed=5, drift=0.04, length_mm=120)
    common, journal = calibrate(hips.scan)
    each, quiet = calibrate(hips.scan, per_slice=True)
    # 4 % of 1000 + 240 HU, at 0.8 mg/cm³ per HU, over 200 mg/cm³; smoothing takes a little off at the ends.
    assert common.calibration["drift_along_slices"] == pytest.approx(0.04 * 1240 * 0.8 / 200, rel=0.15)
    assert any("drifts by" in text for text in journal.warnings)
    assert quiet.warnings == []

    def error_by_slice(density: DensityMap) -> np.ndarray:
        bone = hips.side > 0
        pairs = zip(density.g_cm3 * 1000, hips.k2hpo4_mg_cc, bone, strict=True)
        return np.array([found[b].mean() / truth[b].mean() - 1 for found, truth, b in pairs if b.sum() > 200])

    assert np.abs(error_by_slice(common)).max() > 0.03
    assert np.abs(error_by_slice(each)).max() < 0.015
    assert each.calibration["method"] == "phantom, a line for each slice"


def hydroxyapatite(rho: tuple[float, ...], **pose: Any) -> Phantom:
    return Phantom(tuple((value + 3.6) / 0.79 for value in rho), **pose)


def test_a_hydroxyapatite_phantom_with_three_rods() -> None:
    rho = (100.0, 400.0, 800.0)
    hips = synthetic_hips(hydroxyapatite(rho, radius_mm=9, spacing_mm=40, turn_deg=3), seed=2)
    density, journal = calibrate(hips.scan, certificate={"serial": "QRM-7", "model": "qrm-bdc-3"})
    assert density.kind == "qct-ha"
    assert density.calibration["slope_g_cm3_per_hu"] == pytest.approx(0.00079, rel=0.01)
    assert density.calibration["intercept_g_cm3"] == pytest.approx(-0.0036, abs=0.003)
    assert journal.warnings == ["the densities of the rods are the nominal ones of qrm-bdc-3, not those of phantom QRM-7"]
    _, quiet = calibrate(hips.scan, certificate={"serial": "QRM-7", "ha_mg_cc": rho})
    assert quiet.warnings == []


def test_two_rods_are_only_taken_by_hand() -> None:
    hips = synthetic_hips(hydroxyapatite((0.0, 200.0), spacing_mm=40), length_mm=40)
    certificate = {"serial": "1", "model": "siemens-osteo"}
    with pytest.raises(InputError, match="two rods are not looked for") as caught:
        calibrate(hips.scan, certificate=certificate)
    assert "rods_mm" in caught.value.hint
    density, _ = calibrate(hips.scan, certificate=certificate, rods_mm=hips.rods_mm)
    assert density.calibration["slope_g_cm3_per_hu"] == pytest.approx(0.00079, rel=0.02)


def asynchronous(scan: Scan, phantom: Scan) -> tuple[DensityMap, list[str]]:
    journal = QuietJournal()
    return asynchronous_calibration(scan, phantom, PhantomConfig(certificate=CERTIFICATE), journal), journal.warnings


def with_acquisition(scan: Scan, **facts: str | float) -> Scan:
    return replace(scan, acquisition=facts)


def test_the_line_of_another_scan() -> None:
    facts = {"kvp": 120.0, "kernel": "B30", "table_height_mm": 150.0}
    patient = with_acquisition(without_phantom().scan, series_uid="1.2.3", **facts)
    phantom = with_acquisition(plain().scan, series_uid="1.2.9", **facts)
    density, warnings = asynchronous(patient, phantom)
    assert worst_error(without_phantom(), density) < 0.03
    assert density.grid == patient.grid
    assert density.calibration["method"] == "asynchronous phantom"
    for name, value in facts.items():
        assert density.calibration[f"scan_{name}"] == density.calibration[f"phantom_scan_{name}"] == value
    assert (density.calibration["scan_series_uid"], density.calibration["phantom_scan_series_uid"]) == ("1.2.3", "1.2.9")
    assert warnings == ["the phantom was not scanned with the patient: asynchronous calibration"]


@pytest.mark.parametrize(
    ("fact", "here", "there"), [("kvp", 120.0, 100.0), ("kernel", "B30", "B60"), ("table_height_mm", 150.0, 178.0)]
)
def test_what_differs_between_both_scans_is_told(fact: str, here: Any, there: Any) -> None:
    facts = {"kvp": 120.0, "kernel": "B30", "table_height_mm": 150.0}
    patient = with_acquisition(without_phantom().scan, **{**facts, fact: here})
    _, warnings = asynchronous(patient, with_acquisition(plain().scan, **{**facts, fact: there}))
    assert f"{fact} is {here} in the scan and {there} in the scan of the phantom: the line may not hold here" in warnings


def test_what_is_not_known_of_both_scans_is_told() -> None:
    _, warnings = asynchronous(with_acquisition(without_phantom().scan), with_acquisition(plain().scan, kvp=120.0))
    assert warnings[-1].startswith("whether scan and phantom agree in kvp, kernel, table_height_mm is not known")


def test_a_part_of_the_phantoms_own_series_is_not_asynchronous() -> None:
    whole = with_acquisition(plain().scan, series_uid="1.2.3")
    window = (slice(0, 15), slice(0, 120), slice(0, 250))
    part = replace(whole, grid=whole.grid.part(window), hu=whole.hu[window])
    density, warnings = asynchronous(part, whole)
    together, _ = calibrate(whole)
    assert np.array_equal(density.g_cm3, together.g_cm3[window])
    assert density.calibration["method"] == "phantom"
    assert warnings == []


def test_a_rod_that_cannot_be_seen_is_placed_by_the_others() -> None:
    """A rod of the HU of the phantom's body, as a rod without mineral may have."""
    rho = (200.0, 0.79 * MATRIX - 3.6, 50.0, 100.0, 150.0)
    hips = synthetic_hips(hydroxyapatite(rho, turn_deg=-3, lean_deg=2), seed=6)
    density, _ = calibrate(hips.scan, certificate={"serial": "1", "ha_mg_cc": rho})
    assert float(density.calibration["r2"]) > 0.999
    assert density.calibration["slope_g_cm3_per_hu"] == pytest.approx(0.00079, rel=0.02)
