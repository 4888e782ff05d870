"""Femurs of a synthetic pelvis whose truth is known by formula: found whole, apart, closed, however the image lies."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy import ndimage

from culmann import Grid, InputError, Labels, Scan
from culmann.journal import QuietJournal
from culmann_segment.classical_femur import ClassicalFemursConfig, classical_femurs
from culmann_segment.classical_femur_bone import neck_seen
from culmann_segment.classical_femur_head import Head
from culmann_segment.classical_femur_joint import head_surface
from culmann_segment.classical_femur_working import resampled, turned

Mask = npt.NDArray[np.bool_]

HEAD_MM = np.array([88.0, 5.0, 0.0])
RADIUS_MM = 23.0
GRID = Grid((176, 108, 68), (2.0, 2.0, 2.5), (-175.0, -104.0, -120.0))

#: Around the left hip.
HALF = GRID.part((slice(16, 68), slice(12, 100), slice(88, 176)))


@dataclass(frozen=True)
class Phantom:
    """A pelvis with both femurs; the truth of each side and what no femur may contain."""

    scan: Scan
    femur: dict[str, Mask]
    other: Mask


def positions(grid: Grid) -> Any:
    k, j, i = np.indices(grid.shape)
    return grid.to_world(np.stack([i, j, k], axis=-1).reshape(-1, 3)).reshape(*grid.shape, 3)


def at(x: float, y: float, z: float) -> Any:
    """A place relative to the centre of the left head."""
    return HEAD_MM + np.array([x, y, z])


def ball(p: Any, centre: Any, radius: float) -> Any:
    return np.linalg.norm(p - np.asarray(centre), axis=-1) - radius


def rod(p: Any, start: Any, end: Any, radius: float) -> Any:
    """Signed distance of a rod with round ends."""
    a, b = np.asarray(start, dtype=float), np.asarray(end, dtype=float)
    along = np.clip(((p - a) @ (b - a)) / ((b - a) @ (b - a)), 0, 1)
    return np.linalg.norm(p - a - along[..., None] * (b - a), axis=-1) - radius


def draw_hip(hu: Any, p: Any, gap_mm: float) -> tuple[Mask, Mask]:
    """Draw a left hip around HEAD_MM; the masks are the femur and the other bone."""
    c = HEAD_MM
    head = ball(p, c, RADIUS_MM)
    neck = rod(p, c, at(42, 8, -36), 15)
    shaft = np.minimum(rod(p, at(46, 8, -40), at(40, 2, -220), 15), ball(p, at(52, 14, -22), 14))
    shaft = np.minimum(shaft, ball(p, at(36, 18, -62), 9))
    femur = np.minimum(np.minimum(head, neck), shaft)
    # Pelvis: a cup of two plates with spongy bone between, the ilium above it, ischium and pubis.
    distance = np.linalg.norm(p - c, axis=-1)
    facing = ((p - c) @ np.array([-0.75, 0.1, 0.65])) / np.maximum(distance, 1e-6)
    inner, outer = RADIUS_MM + gap_mm, RADIUS_MM + gap_mm + 9
    cup = (facing > 0.05) & (distance > inner) & (distance < outer)
    hu[cup] = np.where((distance < inner + 2.5) | (distance > outer - 2), 750, 250)[cup]
    ilium = rod(p, at(-12, 5, 36), at(-2, 0, 90), 12)
    ischium = rod(p, at(-32, 24, -14), at(-36, 32, -62), 11)
    pubis = rod(p, at(-34, -16, -4), at(-84, -22, -34), 8)
    pelvis = np.minimum(np.minimum(ilium, ischium), pubis)
    pelvis_in = (pelvis < 0) & (distance > outer - 2)
    hu[pelvis_in] = np.where(pelvis > -2.5, 800, 180)[pelvis_in]
    # Artery with contrast agent, a finger's width before the head.
    hu[(np.hypot(p[..., 0] - c[0] + 12, p[..., 1] - c[1] + 38) < 5)] = 260
    # The cortex of the head is thin, that of the shaft thick; the marrow of the shaft is fat.
    inside = femur < 0
    thick = np.where(shaft < -0.5, 4.5, np.where(neck < head, 2.5, 1.6))
    spongy = np.where(distance < RADIUS_MM, 260, np.where(p[..., 2] > c[2] - 55, 90, -40))
    hu[inside] = np.where(-femur < thick, np.where(thick > 2, 950, 600), spongy)[inside]
    return inside, (cup | pelvis_in) & ~inside


def phantom(grid: Grid = GRID, gap_mm: float = 3.5, sides: str = "both") -> Phantom:
    p = positions(grid)
    body = (p[..., 0] / 165) ** 2 + (p[..., 1] / 92) ** 2
    hu = np.where(body < 0.85, 55.0, np.where(body < 1, -100.0, -1000.0))
    hu[np.abs(p[..., 1] - 98) < 2.5] = 350  # the table
    bladder = ball(p, [0, -15, -5], 33) < 0
    hu[bladder] = 420
    mirrored = p * [-1, 1, 1]
    other = bladder | (np.abs(p[..., 1] - 98) < 2.5)
    femur = {}
    for side, where in (("left", p), ("right", mirrored)):
        femur[side], bone = draw_hip(hu, where, gap_mm)
        other |= bone
    noise = np.random.default_rng(3).normal(0, 12, grid.shape)
    blurred = ndimage.gaussian_filter(hu, 0.45) + noise
    return Phantom(Scan(grid, blurred.astype(np.float32), {}, ("made",)), femur, other)


@cache
def whole() -> Phantom:
    return phantom()


def left_half(p: Phantom, low: int = 18, high: int | None = None) -> Phantom:
    """The patient's left half, and slices from `low` to `high` of it."""
    window = (slice(low, high or p.scan.grid.shape[0]), slice(12, 100), slice(88, p.scan.grid.shape[2]))
    scan = replace(p.scan, grid=p.scan.grid.part(window), hu=p.scan.hu[window])
    return Phantom(scan, {side: mask[window] for side, mask in p.femur.items()}, p.other[window])


def segment(scan: Scan, **options: Any) -> tuple[Labels, QuietJournal]:
    journal = QuietJournal()
    return classical_femurs(scan, ClassicalFemursConfig(**options), journal), journal


@cache
def whole_result() -> tuple[Labels, QuietJournal]:
    return segment(whole().scan)


@cache
def half_result() -> tuple[Labels, QuietJournal]:
    return segment(left_half(whole()).scan)


def dice(a: Mask, b: Mask) -> float:
    return float(2 * (a & b).sum() / (a.sum() + b.sum()))


@pytest.mark.parametrize(("side", "value"), [("left", 1), ("right", 2)])
def test_each_femur_is_the_true_one(side: str, value: int) -> None:
    labels, _ = whole_result()
    assert labels.names == {1: "femur-left", 2: "femur-right"}
    assert labels.grid.same_as(GRID)
    found, truth = labels.label == value, whole().femur[side]
    assert dice(found, truth) >= 0.95
    # No voxel of it lies in other bone, the bladder or the table, but for the partial volume of the joint.
    assert (found & whole().other).sum() < 0.003 * truth.sum()


@pytest.mark.parametrize("value", [1, 2])
def test_each_femur_is_one_closed_part_with_its_whole_head(value: int) -> None:
    found = whole_result()[0].label == value
    assert ndimage.label(found)[1] == 1
    assert (ndimage.binary_fill_holes(found) == found).all()
    centre = HEAD_MM * ([1, 1, 1] if value == 1 else [-1, 1, 1])
    assert found[ball(positions(GRID), centre, RADIUS_MM) < -2].all()
    # The shaft is solid where the image cuts it.
    assert (ndimage.binary_fill_holes(found[0]) == found[0]).all()


def test_facts_are_those_of_the_phantom() -> None:
    labels, journal = whole_result()
    told = json.loads(journal.attachments["femurs.json"])
    assert set(told) == {"left", "right"}
    for side, x in (("left", 1), ("right", -1)):
        assert told[side]["head_centre_mm"] == pytest.approx(list(HEAD_MM * [x, 1, 1]), abs=1.0)
        assert told[side]["facts"]["head_radius_mm"]["value"] == pytest.approx(RADIUS_MM, abs=0.8)
        assert told[side]["facts"]["length_below_head_mm"]["value"] == pytest.approx(121, abs=2)
        assert told[side]["confidence"] > 0.8
    assert journal.attachments["femurs.png"].startswith(b"\x89PNG")
    assert not journal.warnings
    assert labels.history[-1].startswith("classical-femurs: femur-left")


def test_a_single_side_is_the_same_and_is_compared_with_the_other_all_the_same() -> None:
    both, journal_of_both = whole_result()
    labels, journal = segment(whole().scan, side="right")
    assert np.array_equal(labels.label == 2, both.label == 2)
    assert labels.present() == {2: "femur-right"}
    told, told_of_both = (json.loads(said.attachments["femurs.json"]) for said in (journal, journal_of_both))
    assert told == {"right": told_of_both["right"]}


@pytest.mark.parametrize(("order", "flips"), [((2, 0, 1), (1, -1, -1))])
def test_the_order_of_the_voxels_changes_nothing(order: tuple[int, int, int], flips: tuple[int, int, int]) -> None:
    scan = left_half(whole()).scan
    grid, sense = scan.grid, np.asarray(flips)
    flipped = scan.hu.transpose(order)[:: flips[0], :: flips[1], :: flips[2]]
    axis_of = [2 - order[2 - a] for a in range(3)]  # the old axis i, j, k behind each new one
    turn = sense[::-1]
    first = np.zeros(3)
    for new, old in enumerate(axis_of):
        first[old] = 0 if turn[new] > 0 else grid.size[old] - 1
    axes = grid.axes[:, axis_of] * turn
    x, y, z = grid.to_world(first[None])[0]
    other = Grid(
        tuple(grid.size[a] for a in axis_of),  # type: ignore[arg-type]
        tuple(grid.spacing_mm[a] for a in axis_of),  # type: ignore[arg-type]
        (float(x), float(y), float(z)),
        tuple(axes.ravel()),
    )
    found, _ = segment(replace(scan, grid=other, hu=np.ascontiguousarray(flipped)))
    back = np.empty(grid.shape, dtype=np.int32)
    back.transpose(order)[:: flips[0], :: flips[1], :: flips[2]] = found.label
    assert (back == half_result()[0].label).all()


def test_a_tilted_image_gives_the_same_femur() -> None:
    angle = np.radians(17)
    about_x = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    about_z = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    axes = about_x @ about_z
    middle = at(15, 0, -30)
    x, y, z = middle - axes @ (np.array([70, 80, 75]) * 0.9)
    grid = Grid((70, 80, 75), (1.8, 1.8, 1.8), (float(x), float(y), float(z)), tuple(axes.ravel()))
    tilted = phantom(grid)
    labels, _ = segment(tilted.scan, side="left")
    assert labels.present() == {1: "femur-left"}
    assert dice(labels.foreground, tilted.femur["left"]) >= 0.95


def test_a_neck_that_was_guessed_wrongly_is_seen_on_the_bone() -> None:
    p = left_half(whole(), low=20)
    image = resampled(turned(p.scan.grid, p.scan.hu), 2.0)
    true = np.array([42, 8, -36]) / np.linalg.norm([42, 8, -36])
    down = np.array([0.45, 0.3, -0.84])
    head = Head(HEAD_MM, RADIUS_MM, down / np.linalg.norm(down), "left", 1.0, 1.0, 1.0)
    assert np.degrees(np.arccos(head.neck @ true)) > 22
    seen = neck_seen(image, head, head_surface(image, head), 200)
    assert np.degrees(np.arccos(seen @ true)) < 8


def test_one_femur_in_view_is_segmented_with_a_warning() -> None:
    labels, journal = half_result()
    assert labels.present() == {1: "femur-left"}
    assert dice(labels.foreground, left_half(whole()).femur["left"]) >= 0.95
    assert any("right femur is not in view" in text for text in journal.warnings)


def test_the_femur_that_is_not_in_view_is_refused() -> None:
    with pytest.raises(InputError, match="right femur is not in view: the only femoral head found is the left one") as refusal:
        segment(left_half(whole()).scan, side="right")
    assert "side: left" in refusal.value.hint


def test_a_narrow_joint_still_holds_the_acetabulum_back() -> None:
    narrow = phantom(HALF, gap_mm=2.5)
    labels, _ = segment(narrow.scan, side="left")
    assert dice(labels.foreground, narrow.femur["left"]) >= 0.95
    assert (labels.foreground & narrow.other).sum() < 0.003 * narrow.femur["left"].sum()


def test_a_joint_that_does_not_show_is_refused() -> None:
    told = refused(phantom(HALF, gap_mm=0.0).scan).message
    assert "no femoral head was found" in told


def refused(scan: Scan, **options: Any) -> InputError:
    with pytest.raises(InputError) as refusal:
        segment(scan, **options)
    return refusal.value


def test_a_femur_cut_through_its_head_is_refused() -> None:
    told = refused(left_half(whole(), high=54).scan, side="left").message
    assert "left femur is cut through its head" in told


def test_a_femur_cut_through_its_neck_is_refused() -> None:
    told = refused(left_half(whole(), low=36).scan, side="left").message
    assert "cut through the neck or the trochanters: the image ends 31 mm below" in told


def test_metal_in_the_femur_and_little_shaft_are_told() -> None:
    half = left_half(whole(), low=24)
    nail = rod(positions(half.scan.grid), at(5, 2, -8), at(60, 10, -55), 5) < 0
    labels, journal = segment(replace(half.scan, hu=np.where(nail, 3000, half.scan.hu).astype(np.float32)), side="left")
    assert dice(labels.foreground, half.femur["left"]) > 0.85
    assert any("low confidence 0.30" in text and "of metal lie in it" in text for text in journal.warnings)
    assert any("the image ends 61 mm below the centre of the head" in text for text in journal.warnings)


def test_a_prosthesis_is_refused() -> None:
    half = left_half(whole())
    metal = half.femur["left"] & (positions(half.scan.grid)[..., 2] > -60)
    told = refused(replace(half.scan, hu=np.where(metal, 3000, half.scan.hu).astype(np.float32)), side="left").message
    assert "prosthesis" in told


SMALL = Grid((40, 40, 40), (2.0, 2.0, 2.0))


def made(values: Any, grid: Grid = SMALL) -> Scan:
    return Scan(grid, np.broadcast_to(np.asarray(values, dtype=np.float32), grid.shape).copy())


def test_other_units_are_named() -> None:
    hu = left_half(whole(), low=30, high=60).scan
    low, high = float(hu.hu.min()), float(hu.hu.max())
    share = (hu.hu - low) / (high - low)
    assert "as a mask or a normalised picture does" in refused(replace(hu, hu=share)).message
    assert "as an 8-bit picture does" in refused(replace(hu, hu=(255 * share).round())).message
    assert "offset of 1024 is missing" in refused(replace(hu, hu=np.maximum(hu.hu + 1024, 0))).message
    assert "neither air (-1000) nor fat" in refused(replace(hu, hu=np.maximum(hu.hu, 0))).message
    assert "the scan is empty: every voxel is -1000" in refused(made(-1000)).message


def test_soft_tissue_alone_has_no_bone() -> None:
    noise = np.random.default_rng(0).normal(40, 20, SMALL.shape)
    noise[0] = -1000
    assert "there is no bone in the scan" in refused(made(noise)).message


def test_wide_voxels_are_refused() -> None:
    values = np.full((10, 40, 40), 40.0)
    values[:, :20] = 900
    values[0] = -1000
    assert "too coarse: its voxels are 6 mm wide" in refused(made(values, Grid((40, 40, 10), (2.0, 2.0, 6.0)))).message


def test_a_spine_has_no_femoral_head() -> None:
    grid = Grid((60, 60, 50), (2.0, 2.0, 2.0), (-60.0, -50.0, 0.0))
    p = positions(grid)
    height = np.mod(p[..., 2], 36)
    body = np.hypot(p[..., 0] / 1.3, p[..., 1] + 10) < 18
    shell = np.hypot(p[..., 0] / 1.3, p[..., 1] + 10) > 16
    disc = height > 28
    arch = (np.abs(np.hypot(p[..., 0], p[..., 1] - 16) - 12) < 3) & ~disc
    hu = np.where(np.hypot(p[..., 0], p[..., 1]) < 55, 50.0, -1000.0)
    hu[body] = np.where(disc, 80, np.where(shell | (height > 26) | (height < 2), 500, 180))[body]
    hu[arch] = 600
    assert "no femoral head was found" in refused(made(hu, grid)).message
