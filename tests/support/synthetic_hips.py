"""A made-up CT of the hips whose true density is known: two femurs, soft tissue, table and phantom, with noise and blur."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import erf

from culmann.data import Grid, Scan
from culmann.data.arrays import FloatArray

#: A certificate of the kind that Mindways phantoms have.
K2HPO4 = (-51.83, -53.40, 58.88, 157.05, 375.83)
WATER = (1012.25, 1056.95, 1103.57, 1119.52, 923.20)
SIGMA_REF, BETA_REF = 1.46695849554, -1009.75004687

AIR, FAT, MUSCLE, MATRIX = -1000.0, -105.0, 52.0, 8.0


@dataclass(frozen=True)
class Phantom:
    """A slab with a row of rods under the patient.

    Parameters
    ----------
    rods_hu
        From the patient's right to the left.
    turn_deg, lean_deg
        Rotation of the row in the slice, and inclination of the rods against the slice axis.
    ends_mm
        Where it begins and ends along the slice axis; None for all of the scan.
    """

    rods_hu: tuple[float, ...]
    radius_mm: float = 8.0
    spacing_mm: float = 26.0
    centre_mm: tuple[float, float] = (5.0, 118.0)
    turn_deg: float = 0.0
    lean_deg: float = 0.0
    ends_mm: tuple[float, float] | None = None


def mindways(*, mirrored: bool = False, order: tuple[int, ...] | None = None, **pose: float | tuple[float, ...]) -> Phantom:
    """A phantom with the certificate above, as a CT with the coefficients above sees it."""
    hu = [w + SIGMA_REF * k + BETA_REF for k, w in zip(K2HPO4, WATER, strict=True)]
    hu = [hu[n] for n in order] if order else hu
    return Phantom(tuple(hu[::-1] if mirrored else hu), **pose)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Hips:
    """A scan and its truth.

    Parameters
    ----------
    scan
        With noise.
    k2hpo4_mg_cc
        (z, y, x) density of every voxel, blurred as the scan is and without noise.
    side
        (z, y, x) 1 in the right femur, 2 in the left one, cortex included.
    head_mm
        {side: centre of the femoral head}, LPS.
    rods_mm
        Two ends of each rod, LPS.
    """

    scan: Scan
    k2hpo4_mg_cc: FloatArray
    side: FloatArray
    head_mm: dict[int, tuple[float, float, float]]
    rods_mm: tuple[tuple[tuple[float, float, float], tuple[float, float, float]], ...] = field(default=())


Distance = Callable[[FloatArray], FloatArray]


def _capsule(p: FloatArray, a: FloatArray, b: FloatArray, ra: float, rb: float) -> FloatArray:
    """Signed distance to a cone with round ends, nearly."""
    axis = b - a
    t = np.clip((p - a) @ axis / (axis @ axis), 0, 1)
    return np.linalg.norm(p - a - t[..., None] * axis, axis=-1) - (ra + t * (rb - ra))


def synthetic_hips(
    phantom: Phantom | None = None,
    *,
    seed: int = 0,
    noise_hu: float = 15.0,
    pixel_mm: float = 1.6,
    slice_mm: float = 4.0,
    length_mm: float = 60.0,
    blur_mm: float = 0.8,
    drift: float = 0.0,
    flip_i: bool = False,
) -> Hips:
    """Two hips from above the femoral heads to below the lesser trochanters; z runs upwards, the heads lie at 30 mm.

    Every edge is blurred as a scanner does it (the coverage of a half-space by a Gaussian of `blur_mm`), and averaged over
    the thickness of a slice, so that thin cortices lose density to their surroundings.

    Parameters
    ----------
    drift
        Share by which all HU + 1000 grow from the lowest slice to the highest.
    flip_i
        The same patient in an image whose i axis points to the right.
    """
    nx, ny, nz = round(400 / pixel_mm), round(270 / pixel_mm), round(length_mm / slice_mm)
    x = (np.arange(nx) - (nx - 1) / 2) * pixel_mm
    y = (np.arange(ny) - (ny - 1) / 2) * pixel_mm + 15
    z = (np.arange(nz) + 0.5) * slice_mm + 50 - length_mm
    sub = (np.arange(3) - 1) * slice_mm / 3
    sigma_ct, beta_ct = SIGMA_REF - 0.2174, BETA_REF + 999.6
    head_mm = {1: (-85.0, -5.0, 30.0), 2: (85.0, -5.0, 30.0)}
    hu, bone = np.empty((nz, ny, nx)), np.zeros((nz, ny, nx), dtype=np.uint8)
    for k in range(nz):
        layers = [_slice(x, y, z[k] + dz, blur_mm, phantom, head_mm, sigma_ct, beta_ct) for dz in sub]
        hu[k] = np.mean([layer[0] for layer in layers], axis=0)
        bone[k] = layers[1][1]
    truth = (hu - beta_ct) / sigma_ct
    hu = (hu + 1000) * (1 + drift * np.linspace(-0.5, 0.5, nz))[:, None, None] - 1000
    noisy = hu + np.random.default_rng(seed).normal(0, noise_hu, hu.shape)
    grid = Grid((nx, ny, nz), (pixel_mm, pixel_mm, slice_mm), (x[0], y[0], z[0]))
    image = np.clip(np.round(noisy), -1024, 3071).astype(np.float32)
    if flip_i:
        grid = Grid(grid.size, grid.spacing_mm, (x[-1], y[0], z[0]), (-1.0, 0, 0, 0, 1, 0, 0, 0, 1))
        image, truth, bone = image[..., ::-1].copy(), truth[..., ::-1], bone[..., ::-1]
    rods = ()
    if phantom is not None:
        ends = phantom.ends_mm or (z[0], z[-1])
        rods = tuple(
            tuple((*_rod_centre(phantom, n, end), float(end)) for end in ends)  # type: ignore[misc]
            for n in range(len(phantom.rods_hu))
        )
    return Hips(Scan(grid, image, {"kvp": 120.0, "kernel": "B30"}), truth, bone, head_mm, rods)  # type: ignore[arg-type]


def _rod_centre(phantom: Phantom, rod: int, z: float) -> tuple[float, float]:
    along = (rod - (len(phantom.rods_hu) - 1) / 2) * phantom.spacing_mm
    turn, lean = np.radians(phantom.turn_deg), np.tan(np.radians(phantom.lean_deg))
    x = phantom.centre_mm[0] + along * np.cos(turn) + lean * z
    return float(x), float(phantom.centre_mm[1] + along * np.sin(turn) - 0.5 * lean * z)


def _slice(
    x: FloatArray,
    y: FloatArray,
    z: float,
    blur_mm: float,
    phantom: Phantom | None,
    head_mm: dict[int, tuple[float, float, float]],
    sigma_ct: float,
    beta_ct: float,
) -> tuple[FloatArray, FloatArray]:
    """HU without noise, and the femurs, of one plane."""
    X, Y = np.meshgrid(x, y)
    p = np.stack([X, Y, np.full_like(X, z)], axis=-1)

    def cover(distance: FloatArray) -> FloatArray:
        return 0.5 * (1 - erf(distance / (np.sqrt(2) * blur_mm)))

    hu = np.full(X.shape, AIR)

    def fill(distance: FloatArray, value: FloatArray | float) -> None:
        share = cover(distance)
        hu[:] = hu * (1 - share) + share * value

    def ellipse(cx: float, cy: float, a: float, b: float) -> FloatArray:
        r = np.hypot((X - cx) / a, (Y - cy) / b)
        return (r - 1) * min(a, b)

    fill(ellipse(0, 0, 182, 100), FAT)
    fill(ellipse(0, 0, 160, 82), MUSCLE)
    fill(ellipse(0, -25, 45, 38), 5.0)  # the bladder
    fill(ellipse(0, 60, 30, 14), FAT)
    table = np.hypot(X, Y + 700) - 855
    fill(np.abs(table) - 1.5, 100.0)
    fill(np.abs(table - 12) - 10, -930.0)
    if phantom is not None and (phantom.ends_mm is None or phantom.ends_mm[0] <= z <= phantom.ends_mm[1]):
        _draw_phantom(fill, X, Y, z, phantom)

    bone = np.zeros(X.shape, dtype=np.uint8)
    for side, centre in head_mm.items():
        c = np.array(centre)
        out = np.array([1.0 if side == 2 else -1.0, 0, 0])
        near = np.abs(X - (c + 20 * out)[0]) < 70
        q = p[near]
        base, up = c + 42 * out + np.array([0, 8, -32]), np.array([0, 0, 14.0])
        parts = [
            np.linalg.norm(q - c, axis=-1) - 23,
            _capsule(q, c, base, 15, 15),
            _capsule(q, base + up, base - 9 * up, 17, 14),
        ]
        distance = np.min(parts, axis=0)
        shaft = np.clip((base[2] - q[:, 2]) / 40, 0, 1)
        cortex_mm = 1.6 + 3.5 * shaft
        # Dense around the head's centre, less in the neck, marrow in the shaft.
        rho = 60 + 260 * np.exp(-((np.linalg.norm(q - c, axis=-1) / 25) ** 2)) - 90 * shaft
        inner = cover(distance + cortex_mm)
        density = inner * rho + (1 - inner) * 1100
        share = cover(distance)
        hu[near] = hu[near] * (1 - share) + share * (sigma_ct * density + beta_ct)
        bone[near] = np.where(distance < 0, side, bone[near])
    return hu, bone


def _draw_phantom(
    fill: Callable[[FloatArray, FloatArray | float], None], X: FloatArray, Y: FloatArray, z: float, phantom: Phantom
) -> None:
    centres = [_rod_centre(phantom, n, z) for n in range(len(phantom.rods_hu))]
    turn = np.radians(phantom.turn_deg)
    middle = np.mean(centres, axis=0)
    u = (X - middle[0]) * np.cos(turn) + (Y - middle[1]) * np.sin(turn)
    v = -(X - middle[0]) * np.sin(turn) + (Y - middle[1]) * np.cos(turn)
    half = (len(centres) - 1) / 2 * phantom.spacing_mm + phantom.radius_mm + 6
    fill(np.maximum(np.abs(u) - half, np.abs(v) - phantom.radius_mm - 4), MATRIX)
    for (cx, cy), value in zip(centres, phantom.rods_hu, strict=True):
        fill(np.hypot(X - cx, Y - cy) - phantom.radius_mm, value)
