"""y = K u on the lattice without a matrix: each line of elements goes through the parity basis, where K is eight 3 x 3 blocks.

Vectors are (3, ni, nj, nk) with k fastest. A call handles a slab of node planes and writes nothing else, so that threads need
no locks and the result does not depend on how many there are. Rows of scratch lie at constant distances in one array: that is
what lets the compiler see that they do not overlap, and vectorise.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from culmann.data.arrays import FloatArray, IntArray

Vector = npt.NDArray[np.floating]

_LINE = 256  # elements of a line handled at once: all rows of scratch then fit the first cache
W = np.uint64(_LINE + 8)
ONE = np.uint64(1)
TWO, THREE, FOUR = np.uint64(2), np.uint64(3), np.uint64(4)
STIFFNESS = np.uint64(12) * W  # rows 0..11 parities in i and j, 12 stiffness, 13..24 lower faces, 25..36 upper faces
LOWER = np.uint64(13) * W
UPPER = np.uint64(25) * W
_ROWS = 37


@numba.njit(nogil=True, fastmath={"contract", "reassoc", "nsz", "arcp", "afn"}, cache=True, inline="always")
def _line(u, E, blocks, s, i, j, k0, n):
    """Rows LOWER and UPPER of the scratch: nodal forces of n elements in parities of i and j."""
    for k in range(n):
        s[STIFFNESS + k] = E[i, j, k0 + k]
    for c in range(np.uint64(3)):
        r = FOUR * c * W
        for k in range(n + ONE):
            a = u[c, i, j, k0 + k]
            b = u[c, i + ONE, j, k0 + k]
            d = u[c, i, j + ONE, k0 + k]
            e = u[c, i + ONE, j + ONE, k0 + k]
            s[r + k] = (a + b) + (d + e)
            s[r + W + k] = (a - b) + (d - e)
            s[r + TWO * W + k] = (a + b) - (d + e)
            s[r + THREE * W + k] = (a - b) - (d - e)
    # Block q couples mode q^1 of x with mode q^2 of y and mode q^4 of z. Modes q and q^4 share their parity in i and j,
    # so that blocks are done in pairs (q, q+4): rows px, py, pz of scratch give both.
    for q in range(np.uint64(4)):
        px = (q ^ ONE) * W
        py = (FOUR + (q ^ TWO)) * W
        pz = (np.uint64(8) + q) * W
        xx, yy, zz, xy, yz, zx = blocks[q, 0], blocks[q, 1], blocks[q, 2], blocks[q, 3], blocks[q, 4], blocks[q, 5]
        h = q + FOUR
        hxx, hyy, hzz, hxy, hyz, hzx = blocks[h, 0], blocks[h, 1], blocks[h, 2], blocks[h, 3], blocks[h, 4], blocks[h, 5]
        for k in range(n):
            w = s[STIFFNESS + k]
            x0 = w * (s[px + k] + s[px + k + ONE])
            x1 = w * (s[px + k] - s[px + k + ONE])
            y0 = w * (s[py + k] + s[py + k + ONE])
            y1 = w * (s[py + k] - s[py + k + ONE])
            z0 = w * (s[pz + k] + s[pz + k + ONE])
            z1 = w * (s[pz + k] - s[pz + k + ONE])
            # mode q: x and y even in k, z odd; mode q+4 the other way round
            fx0 = xx * x0 + xy * y0 + zx * z1
            fy0 = xy * x0 + yy * y0 + yz * z1
            fz1 = zx * x0 + yz * y0 + zz * z1
            fx1 = hxx * x1 + hxy * y1 + hzx * z0
            fy1 = hxy * x1 + hyy * y1 + hyz * z0
            fz0 = hzx * x1 + hyz * y1 + hzz * z0
            s[LOWER + px + k] = fx0 + fx1
            s[UPPER + px + k] = fx0 - fx1
            s[LOWER + py + k] = fy0 + fy1
            s[UPPER + py + k] = fy0 - fy1
            s[LOWER + pz + k] = fz0 + fz1
            s[UPPER + pz + k] = fz0 - fz1


@numba.njit(nogil=True, fastmath={"contract", "reassoc", "nsz", "arcp", "afn"}, cache=True, inline="always")
def _scatter(y, s, i, j, k0, n, side):
    """Add the forces of a line of elements to the two node lines at its side 0 or 1 of axis i."""
    for c in range(np.uint64(3)):
        r = FOUR * c * W
        # side 1 sees the odd parities in i with the other sign
        for k in range(n + ONE):
            lo0, lo1 = s[LOWER + r + k], s[LOWER + r + W + k]
            lo2, lo3 = s[LOWER + r + TWO * W + k], s[LOWER + r + THREE * W + k]
            hi0, hi1 = s[UPPER + r + k - ONE], s[UPPER + r + W + k - ONE]
            hi2, hi3 = s[UPPER + r + TWO * W + k - ONE], s[UPPER + r + THREE * W + k - ONE]
            if side == 0:
                even = (lo0 + lo1) + (hi0 + hi1)
                odd = (lo2 + lo3) + (hi2 + hi3)
            else:
                even = (lo0 - lo1) + (hi0 - hi1)
                odd = (lo2 - lo3) + (hi2 - hi3)
            y[c, i, j, k0 + k] += even + odd
            y[c, i, j + ONE, k0 + k] += even - odd


@numba.njit(nogil=True, cache=True)
def apply_slab(u, y, E, blocks, span, add, first, last):
    """y = K u (or y += K u) on the node planes first <= i < last.

    Parameters
    ----------
    u, y
        (3, ni + 1, nj + 1, nk + 1), of one float type.
    E
        (ni, nj, nk), of the same type; 0 is void.
    blocks
        (8, 6), of the same type.
    span
        (ni, nj, 2): first and past-the-last element that is not void in every line.
    """
    ni, nj = np.uint64(E.shape[0]), np.uint64(E.shape[1])
    first, last = np.uint64(first), np.uint64(last)
    s = np.zeros(_ROWS * W + np.uint64(8), dtype=u.dtype)
    if not add:
        y[:, first:last] = 0
    for i in range(max(first, ONE) - ONE, min(last, ni)):
        for j in range(nj):
            k0, end = np.uint64(span[i, j, 0]), np.uint64(span[i, j, 1])
            while k0 < end:
                n = min(end - k0, np.uint64(_LINE))
                _line(u, E, blocks, s, i, j, k0, n)
                # the first node of the line has no element below it, the last none above
                for r in range(np.uint64(12)):
                    s[UPPER + r * W - ONE] = 0
                    s[LOWER + r * W + n] = 0
                if i >= first:
                    _scatter(y, s, i, j, k0, n, 0)
                if i + ONE < last:
                    _scatter(y, s, i + ONE, j, k0, n, 1)
                k0 += n


def spans(E: FloatArray) -> IntArray:
    """(ni, nj, 2): where every line of elements begins and ends; an empty line has 0, 0."""
    solid = E != 0
    any_there = solid.any(axis=2)
    first = np.where(any_there, solid.argmax(axis=2), 0)
    last = np.where(any_there, E.shape[2] - solid[:, :, ::-1].argmax(axis=2), 0)
    return np.ascontiguousarray(np.stack([first, last], axis=2).astype(np.int64))
