"""The search for the rods of a phantom: circles in slabs of the scan, rows of circles, rows that go on from slab to slab."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage
from scipy.spatial import cKDTree

from culmann.data import Scan
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann_calibration.rods import Rods, where_alike

Span = tuple[float, float]

#: Share of the rim of a circle whose gradient must point to its centre, or away from it.
_ROUND = 0.5
#: Slices are averaged over this length: noise goes down, and a rod that leans is not yet smeared.
_SLAB_MM = 10.0
#: In fewer slabs than these, three circles in a row may be chance.
_FEWEST_SLABS = 3
_STEEPEST = np.tan(np.radians(15))
_MOST_CIRCLES = 120
_GIVE_THEM = "give the positions of the rods with `rods_mm` or `rods_voxels`"


@dataclass(frozen=True, slots=True)
class Row:
    """Equally spaced circles of one size in a slab.

    Parameters
    ----------
    at_mm
        (rods, 2) along the i and j axes of the image, from its first voxel.
    radius_mm
        Of the circles.
    score
        Mean of how round they are, 0 to 1.
    """

    at_mm: FloatArray
    radius_mm: float
    score: float


def find_rods(scan: Scan, rods: int, radius_mm: Span, spacing_mm: Span) -> Rods:
    """Find a row of equally spaced, parallel, round rods that run along the slice axis, or nearly so.

    The image is averaged over slabs of 10 mm. In each, a circle is a place to which the gradients on a rim around it point,
    or from which they point away: this asks for no contrast of a certain sign or size, so that a rod that is hardly
    brighter than the body of the phantom counts as much as one that is far brighter. Rows of such circles are followed
    through the slabs. They are numbered from the patient's right to the left.

    Parameters
    ----------
    rods
        How many there are; three at least, as two circles lie everywhere.
    radius_mm, spacing_mm
        Between which bounds the radius of the rods, and the distance of neighbours, are looked for.

    Raises
    ------
    InputError
        When no such row is found, or one of more rods, or there are too few rods or slices to tell.
    """
    if rods < 3 or scan.grid.shape[0] < _FEWEST_SLABS:
        few = "a phantom of two rods" if rods < 3 else f"a scan of {scan.grid.shape[0]} slices"
        raise InputError(f"the rods of {few} are not looked for: two circles lie everywhere", hint=_GIVE_THEM)
    slabs = list(_slabs(scan))
    circles = {k: _circles(image, scan, radius_mm) for k, image in slabs}
    rows = {k: list(_rows(seen, rods, spacing_mm)) for k, seen in circles.items()}
    lattice, support = _follow(rows, scan.grid.spacing_mm[2], rods)
    if len(support) < _FEWEST_SLABS:
        most = max((len(found) for found in rows.values()), default=0)
        what = f"rows of {rods} round rods in {sum(map(bool, rows.values()))} of {len(slabs)} slabs, none that goes on"
        raise InputError(
            f"phantom not found: the scan shows {what if most else f'no row of {rods} equally spaced round rods'} "
            f"(radius {radius_mm[0]:g} to {radius_mm[1]:g} mm, spacing {spacing_mm[0]:g} to {spacing_mm[1]:g} mm)",
            hint=f"{_GIVE_THEM}, or the size of the phantom with `rod_radius_mm` and `rod_spacing_mm`. Where no phantom was "
            "scanned with the patient: `asynchronous-calibration` takes one from another scan, `tissue-calibration` "
            "does without",
        )
    _refuse_more(lattice, support, circles)
    at_mm = np.stack([lattice.at(k) for k in range(scan.grid.shape[0])], axis=1)
    known = np.zeros(scan.grid.shape[0], dtype=bool)
    known[[min(max(round(k), 0), len(known) - 1) for k in support]] = True
    radius = float(np.median([row.radius_mm for row in support.values()]))
    path = Rods(at_mm / np.array(scan.grid.spacing_mm[:2]), np.ones(len(known), dtype=bool), radius, found=True)
    # The i axis may point either way in the patient.
    right_to_left = (scan.grid.axes[:, :2] @ lattice.per_rod)[0] >= 0
    return where_alike(scan, path if right_to_left else path.reversed(), known)


def _slabs(scan: Scan) -> Iterator[tuple[float, FloatArray]]:
    """(middle slice, mean image) of slabs through the whole scan."""
    thick = max(1, round(_SLAB_MM / scan.grid.spacing_mm[2]))
    count = max(_FEWEST_SLABS, scan.grid.shape[0] // thick)
    for part in np.array_split(np.arange(scan.grid.shape[0]), count):
        yield float(part.mean()), scan.hu[part[0] : part[-1] + 1].mean(axis=0, dtype=np.float64)


def _circles(image: FloatArray, scan: Scan, radius_mm: Span) -> FloatArray:
    """(n, 4): i and j in mm, radius in mm, roundness 0 to 1, the roundest first."""
    spacing = np.array(scan.grid.spacing_mm[:2])
    blur = np.maximum(0.8, 1.2 / spacing)
    smooth = np.clip(image, -300, 1000)
    gx = ndimage.gaussian_filter(smooth, blur[::-1], order=(0, 1)) / spacing[0]
    gy = ndimage.gaussian_filter(smooth, blur[::-1], order=(1, 0)) / spacing[1]
    size = np.hypot(gx, gy)
    tissue = image > -200
    if not tissue.any():
        return np.empty((0, 4))
    # Gradients well above those of flat tissue, which are noise, count in full.
    weight = 1 / (size + max(0.5, float(np.median(size[tissue]))))
    shape = [fft.next_fast_len(n + 2 * int(radius_mm[1] / min(spacing)) + 4) for n in image.shape]
    field = fft.fft2((gx + 1j * gy) * weight, shape, workers=1)
    radii = np.geomspace(*radius_mm, max(2, 1 + int(np.ceil(np.log(radius_mm[1] / radius_mm[0]) / np.log(1.12)))))
    scores = np.stack([_roundness(field, r, spacing)[: image.shape[0], : image.shape[1]] for r in radii])
    best = scores.argmax(axis=0)
    score = scores.max(axis=0)
    reach = np.maximum(1, np.round(radius_mm[0] / spacing)).astype(int)
    peak = (score == ndimage.maximum_filter(score, size=tuple(2 * reach[::-1] + 1))) & (score >= _ROUND)
    j, i = np.nonzero(peak)
    order = np.lexsort((i, j, -score[j, i]))[:_MOST_CIRCLES]
    j, i = j[order], i[order]
    at = np.stack([_between(score, j, i, 1), _between(score, j, i, 0)], axis=1) * spacing
    return np.column_stack([at, radii[best[j, i]], score[j, i]])


def _roundness(field: FloatArray, radius_mm: float, spacing: FloatArray) -> FloatArray:
    """|mean of the radial part of the gradients on a rim| around every pixel, from the transform of the gradients."""
    rows, columns = field.shape
    y = fft.fftfreq(rows, 1 / rows)[:, None] * spacing[1]
    x = fft.fftfreq(columns, 1 / columns)[None, :] * spacing[0]
    distance = np.hypot(x, y)
    rim = np.exp(-0.5 * ((distance - radius_mm) / max(0.08 * radius_mm, 0.5 * float(spacing.max()))) ** 2)
    outward = np.where(distance > 0, (x + 1j * y) / np.maximum(distance, 1e-9), 0)
    kernel = fft.fft2(rim * outward / rim.sum())
    return np.asarray(np.abs(fft.ifft2(field * np.conj(kernel)).real))


def _between(score: FloatArray, j: IntArray, i: IntArray, axis: int) -> FloatArray:
    """Position of the maximum between pixels along an axis, by a parabola through three of them."""
    n = np.stack([j, i])[axis]
    step = np.eye(2, dtype=int)[axis]
    low = score[np.maximum(j - step[0], 0), np.maximum(i - step[1], 0)]
    high = score[np.minimum(j + step[0], score.shape[0] - 1), np.minimum(i + step[1], score.shape[1] - 1)]
    curve = low + high - 2 * score[j, i]
    return np.asarray(n + np.where(curve < -1e-9, np.clip((low - high) / np.minimum(2 * curve, -1e-9), -0.5, 0.5), 0))


def _rows(circles: FloatArray, rods: int, spacing_mm: Span) -> Iterator[Row]:
    """Every straight, equally spaced row of so many circles of one size, left to right as the image has it."""
    if len(circles) < rods:
        return
    at, radius, score = circles[:, :2], circles[:, 2], circles[:, 3]
    tree = cKDTree(at)
    for first, second in tree.query_pairs(spacing_mm[1], output_type="ndarray"):
        step = at[second] - at[first]
        if np.linalg.norm(step) < spacing_mm[0]:
            continue
        chain = [first, second] if step[0] > 0 else [second, first]
        while len(chain) < rods:
            ahead = (at[chain[-1]] - at[chain[0]]) / (len(chain) - 1)
            distance, following = tree.query(at[chain[-1]] + ahead)
            if distance > 0.12 * np.linalg.norm(ahead) or following in chain:
                break
            chain.append(following)
        if len(chain) < rods or radius[chain].max() > 1.35 * radius[chain].min():
            continue
        along = np.arange(rods) - (rods - 1) / 2
        step = along @ at[chain] / (along @ along)
        even = at[chain].mean(axis=0) + along[:, None] * step
        apart = float(np.linalg.norm(step))
        if np.abs(at[chain] - even).max() <= 0.08 * apart and apart > 2.05 * np.median(radius[chain]):
            yield Row(at[chain], float(np.median(radius[chain])), float(score[chain].mean()))


@dataclass(frozen=True, slots=True)
class Lattice:
    """Parallel, equally spaced rods: the middle of the row in slice `at_slice`, and how it moves by slice and by rod, in mm."""

    at_slice: float
    middle: FloatArray
    per_slice: FloatArray
    per_rod: FloatArray
    rods: int

    def at(self, k: float, beyond: int = 0) -> FloatArray:
        """(rods, 2) in mm at a slice, with so many places more at either end of the row."""
        along = np.arange(-beyond, self.rods + beyond) - (self.rods - 1) / 2
        return np.asarray(self.middle + (k - self.at_slice) * self.per_slice + along[:, None] * self.per_rod)


def _follow(rows: dict[float, list[Row]], thickness_mm: float, rods: int) -> tuple[Lattice, dict[float, Row]]:
    """The rows of different slabs that best make parallel rods."""
    seeds = sorted(((row.score, k, n) for k, found in rows.items() for n, row in enumerate(found)), reverse=True)[:40]
    best: tuple[Lattice, dict[float, Row]] = (Lattice(0.0, np.zeros(2), np.zeros(2), np.zeros(2), rods), {})
    for _, start, n in seeds:
        seed = rows[start][n]
        chosen: dict[float, Row] = {}
        for k, found in rows.items():
            reach = 2.5 + _STEEPEST * abs(k - start) * thickness_mm
            near = [(float(np.abs(row.at_mm - seed.at_mm).max()), m) for m, row in enumerate(found)]
            # The row as such may have moved; its rods may not have turned or spread.
            near = [(d, m) for d, m in near if d <= reach and _same_shape(found[m], seed)]
            if near:
                chosen[k] = found[min(near)[1]]
        lattice = _fit(chosen, rods)
        for _ in range(3):
            off = {k: float(np.abs(row.at_mm - lattice.at(k)).max()) for k, row in chosen.items()}
            if max(off.values()) <= 2.5 or len(chosen) <= 2:
                break
            chosen.pop(max(off, key=lambda k: off[k]))
            lattice = _fit(chosen, rods)
        if sum(row.score for row in chosen.values()) > sum(row.score for row in best[1].values()) + 1e-9:
            best = lattice, chosen
    return best


def _same_shape(row: Row, other: Row) -> bool:
    shape, wanted = (r.at_mm - r.at_mm.mean(axis=0) for r in (row, other))
    return float(np.abs(shape - wanted).max()) <= 3.0


def _fit(chosen: dict[float, Row], rods: int) -> Lattice:
    """Least squares over all circles of all slabs."""
    along, centre = np.arange(rods) - (rods - 1) / 2, float(np.mean(list(chosen)))
    terms = np.concatenate([np.column_stack([np.ones(rods), np.full(rods, k - centre), along]) for k in chosen])
    points = np.concatenate([row.at_mm for row in chosen.values()])
    middle, per_slice, per_rod = np.linalg.lstsq(terms, points, rcond=None)[0]
    return Lattice(centre, middle, per_slice, per_rod, rods)


def _refuse_more(lattice: Lattice, support: dict[float, Row], circles: dict[float, FloatArray]) -> None:
    """Raise InputError when the row goes on beyond its ends: the certificate is of a phantom with fewer rods."""
    more = {0: 0, -1: 0}
    for k, row in support.items():
        for end in more:
            apart = np.hypot(*(circles[k][:, :2] - lattice.at(k, beyond=1)[end]).T)
            alike = np.abs(np.log(circles[k][:, 2] / row.radius_mm)) < np.log(1.35)
            more[end] += bool((alike & (apart < 0.12 * np.hypot(*lattice.per_rod))).any())
    if max(more.values()) > len(support) / 2:
        raise InputError(
            f"the certificate has {lattice.rods} rods, and the row in the scan has more",
            hint="is it the certificate of this phantom? If it is, give the positions of its rods with `rods_mm`",
        )
