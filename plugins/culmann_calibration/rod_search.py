"""The search for the rods of a phantom: rows of circles that go on from slab to slab of the scan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from culmann.data import Scan
from culmann.data.arrays import FloatArray
from culmann.errors import InputError
from culmann_calibration.circles import FEWEST_SLABS, Span, circles_in, slabs
from culmann_calibration.rods import Rods, where_alike

#: A row in fewer of the slabs is chance.
_FEWEST_SHARE = 0.2
_STEEPEST = np.tan(np.radians(15))
#: Largest ratio of the radii of circles that are rods of one phantom: the search knows them in steps of 12 %.
_ALIKE = 1.35
#: Rows of so many rods are still a row when one of them is invisible.
_MAY_HIDE_ONE = 5
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
    through the slabs. In a row of five or more, one rod that is not an end of it may be invisible: the others say where it is.
    The rods are numbered from the patient's right to the left.

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
    if rods < 3 or scan.grid.shape[0] < FEWEST_SLABS:
        few = "a phantom of two rods" if rods < 3 else f"a scan of {scan.grid.shape[0]} slices"
        raise InputError(f"the rods of {few} are not looked for: two circles lie everywhere", hint=_GIVE_THEM)
    circles = {k: circles_in(image, scan, radius_mm) for k, image in slabs(scan)}
    rows = {k: list(_rows(seen, rods, spacing_mm)) for k, seen in circles.items()}
    lattice, support = _follow(rows, scan.grid.spacing_mm[2], rods)
    if len(support) < max(FEWEST_SLABS, _FEWEST_SHARE * len(circles)):
        most = max((len(found) for found in rows.values()), default=0)
        where = f"{sum(map(bool, rows.values()))} of {len(circles)} slabs"
        what = f"rows of {rods} round rods in {where}, but none that goes on from slab to slab"
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


def _rows(circles: FloatArray, rods: int, spacing_mm: Span) -> Iterator[Row]:
    """Every straight, equally spaced row of so many circles of one size, left to right as the image has it."""
    if len(circles) < rods:
        return
    at, radius, score = circles[:, :2], circles[:, 2], circles[:, 3]
    tree = cKDTree(at)
    for pair in tree.query_pairs(spacing_mm[1] * (2 if rods >= _MAY_HIDE_ONE else 1), output_type="ndarray"):
        left, right = sorted(pair, key=lambda n: (at[n, 0], at[n, 1]))
        if radius[pair].max() > _ALIKE * radius[pair].min():
            continue
        places = _chain(tree, left, right, rods, spacing_mm)
        if places is None:
            continue
        chain = list(places.values())
        if radius[chain].max() > _ALIKE * radius[chain].min():
            continue
        terms = np.column_stack([np.ones(len(chain)), list(places)])
        start, step = np.linalg.lstsq(terms, at[chain], rcond=None)[0]
        apart = float(np.linalg.norm(step))
        if np.abs(terms @ [start, step] - at[chain]).max() <= 0.08 * apart and apart > 2.05 * np.median(radius[chain]):
            even = start + np.arange(rods)[:, None] * step
            even[list(places)] = at[chain]
            yield Row(even, float(np.median(radius[chain])), float(score[chain].sum() / rods))


def _chain(tree: cKDTree, left: int, right: int, rods: int, spacing_mm: Span) -> dict[int, int] | None:
    """{place in the row: circle} of the row that begins with two circles; None when it is shorter.

    In a row of five or more, one rod inside it may be too faint to be a circle: its neighbours say where it is.
    """
    at = tree.data
    for faint in range(rods - 1) if rods >= _MAY_HIDE_ONE else (0,):  # 0: none is
        found = {0: left, (2 if faint == 1 else 1): right}
        if not spacing_mm[0] <= np.linalg.norm(at[right] - at[left]) / max(found) <= spacing_mm[1]:
            continue
        for place in range(max(found) + 1, rods):
            if place == faint:
                continue
            (a, first), (b, last) = min(found.items()), max(found.items())
            step = (at[last] - at[first]) / (b - a)
            distance, following = tree.query(at[last] + (place - b) * step)
            if distance > 0.12 * np.linalg.norm(step) or following in found.values():
                break
            found[place] = int(following)
        else:
            return found
    return None


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
            alike = np.abs(np.log(circles[k][:, 2] / row.radius_mm)) < np.log(_ALIKE)
            more[end] += bool((alike & (apart < 0.12 * np.hypot(*lattice.per_rod))).any())
    if max(more.values()) > len(support) / 2:
        raise InputError(
            f"the certificate has {lattice.rods} rods, and the row in the scan has more",
            hint="is it the certificate of this phantom? If it is, give the positions of its rods with `rods_mm`",
        )
