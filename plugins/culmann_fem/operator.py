"""y = K u without a matrix, on a lattice of bricks with stiffness E_e K_0, in the parity basis.

A line of elements along the last axis is worked on at once. Its rows of scratch fit the first cache. A slab of node planes is
written by one call and by nothing else, so that threads need no locks and the result does not depend on how many there are.

Lines end in void: E is stored with a place for every node along the last axis, and so many nodes are added at its end that
a vector which begins at the last one stays on its line. There it adds zeros.
"""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from culmann.data.arrays import FloatArray, IntArray
from culmann_fem.simd import from_last, from_second, lanes, load, spread, store

_njit = numba.njit(nogil=True, cache=True)
# Parts of kernels: the cache has the kernels, and need not have these besides.
_part = numba.njit(nogil=True)
_inlined = numba.njit(nogil=True, forceinline=True)

#: Floats of a vector.
LANES = 16


def padded(nodes: int) -> int:
    """Length in memory of a line of so many nodes: of whole vectors, one of which may begin at any of the nodes."""
    return (nodes + 2 * LANES - 2) // LANES * LANES


@_inlined
def _gather(u, s, width, at, along_i, along_j, along_c, vectors):
    """Rows 0 to 11 of the scratch: the nodes of a line of elements in parities of i and j."""
    step = lanes(s)
    for c in range(3):
        row, a0 = 4 * c * width, at + c * along_c
        for v in range(vectors):
            k = v * step
            a, b = load(u, a0 + k), load(u, a0 + along_i + k)
            d, e = load(u, a0 + along_j + k), load(u, a0 + along_i + along_j + k)
            ab, de, ba, ed = a + b, d + e, a - b, d - e
            store(s, row + k, ab + de)
            store(s, row + width + k, ba + ed)
            store(s, row + 2 * width + k, ab - de)
            store(s, row + 3 * width + k, ba - ed)


@_inlined
def _respond(E, blocks, s, width, at, vectors):
    """Rows 12 to 23 of the scratch: forces on the nodes of the line, in parities of i and j.

    Block q couples mode q^1 of x with mode q^2 of y and mode q^4 of z. Modes q and q^4 share their parity in i and j, so
    that blocks are done in pairs (q, q+4): rows px, py, pz of scratch give both.
    """
    step = lanes(s)
    for q in range(4):
        px, py, pz = (q ^ 1) * width, (4 + (q ^ 2)) * width, (8 + q) * width
        out, h = 12 * width, q + 4
        xx, yy, zz = spread(blocks[q, 0]), spread(blocks[q, 1]), spread(blocks[q, 2])
        xy, yz, zx = spread(blocks[q, 3]), spread(blocks[q, 4]), spread(blocks[q, 5])
        hxx, hyy, hzz = spread(blocks[h, 0]), spread(blocks[h, 1]), spread(blocks[h, 2])
        hxy, hyz, hzx = spread(blocks[h, 3]), spread(blocks[h, 4]), spread(blocks[h, 5])
        x_before = y_before = z_before = xx - xx
        x_here, y_here, z_here = load(s, px), load(s, py), load(s, pz)
        for v in range(vectors):
            k = v * step
            w = load(E, at + k)
            ahead = load(s, px + k + step)
            a, b, x_here = x_here, from_second(x_here, ahead), ahead
            x0, x1 = w * (a + b), w * (a - b)
            ahead = load(s, py + k + step)
            a, b, y_here = y_here, from_second(y_here, ahead), ahead
            y0, y1 = w * (a + b), w * (a - b)
            ahead = load(s, pz + k + step)
            a, b, z_here = z_here, from_second(z_here, ahead), ahead
            z0, z1 = w * (a + b), w * (a - b)
            # mode q: x and y even in k, z odd; mode q+4 the other way round
            even, odd = xx * x0 + xy * y0 + zx * z1, hxx * x1 + hxy * y1 + hzx * z0
            upper = even - odd
            store(s, out + px + k, even + odd + from_last(x_before, upper))
            x_before = upper
            even, odd = xy * x0 + yy * y0 + yz * z1, hxy * x1 + hyy * y1 + hyz * z0
            upper = even - odd
            store(s, out + py + k, even + odd + from_last(y_before, upper))
            y_before = upper
            odd, even = zx * x0 + yz * y0 + zz * z1, hzx * x1 + hyz * y1 + hzz * z0
            upper = even - odd
            store(s, out + pz + k, even + odd + from_last(z_before, upper))
            z_before = upper


@_inlined
def _scatter(y, s, width, low, high, along_j, along_c, vectors, to_low, to_high):
    """Add the forces of a line of elements to its two lines of nodes in either plane of nodes."""
    step = lanes(s)
    for c in range(3):
        row, a, b = (12 + 4 * c) * width, low + c * along_c, high + c * along_c
        for v in range(vectors):
            k = v * step
            r0, r1 = load(s, row + k), load(s, row + width + k)
            r2, r3 = load(s, row + 2 * width + k), load(s, row + 3 * width + k)
            if to_low:
                even, odd = r0 + r1, r2 + r3
                store(y, a + k, load(y, a + k) + (even + odd))
                store(y, a + along_j + k, load(y, a + along_j + k) + (even - odd))
            if to_high:  # which sees the odd parities in i with the other sign
                even, odd = r0 - r1, r2 - r3
                store(y, b + k, load(y, b + k) + (even + odd))
                store(y, b + along_j + k, load(y, b + along_j + k) + (even - odd))


@_part
def scratch(width, like):
    """Rows for lines of a length in memory."""
    return np.zeros(24 * (width + LANES) + LANES, dtype=like.dtype)


@_part
def add_plane(u, y, E, blocks, span, s, i, low, high, y_along_c, to_low, to_high):
    """Add K u of a plane of elements to node plane i, which begins at `low` of y, and to the next one at `high`.

    Parameters
    ----------
    u
        (3, ni + 1, nj + 1, width).
    y
        Flat; components stand `y_along_c` apart.
    E, blocks, span
        Of one group, as in `apply_slab`.
    s
        From `scratch`.
    to_low, to_high
        Which of the two planes to write to.
    """
    width, along_i, along_c = u.shape[3], u.shape[2] * u.shape[3], u.shape[1] * u.shape[2] * u.shape[3]
    u1, E1, row, step = u.reshape(-1), E.reshape(-1), width + LANES, lanes(s)
    for j in range(E.shape[1]):
        k0, end = span[i, j, 0], span[i, j, 1]
        if end > k0:
            vectors = (end - k0 + step) // step  # nodes are one more than elements
            at = i * along_i + j * width + k0
            _gather(u1, s, row, at, along_i, width, along_c, vectors)
            _respond(E1, blocks, s, row, (i * E.shape[1] + j) * width + k0, vectors)
            here = j * width + k0
            _scatter(y, s, row, low + here, high + here, width, y_along_c, vectors, to_low, to_high)


@_njit
def apply_slab(u, y, E, blocks, span, add, first, last):
    """y = K u (or y += K u) on the node planes first <= i < last.

    Parameters
    ----------
    u, y
        (3, ni + 1, nj + 1, padded(nk + 1)), of one float type.
    E
        (ni, nj, padded(nk + 1)), of the same type; 0 is void.
    blocks
        (8, 6), of the same type.
    span
        (ni, nj, 2): first and past-the-last element that is not void in every line.
    """
    ni, plane, along_c = E.shape[0], u.shape[2] * u.shape[3], u.shape[1] * u.shape[2] * u.shape[3]
    s, flat = scratch(u.shape[3], u), y.reshape(-1)
    if not add:
        y[:, first:last] = 0
    for i in range(max(first, 1) - 1, min(last, ni)):
        add_plane(u, flat, E, blocks, span, s, i, i * plane, (i + 1) * plane, along_c, i >= first, i + 1 < last)


def spans(E: FloatArray) -> IntArray:
    """(ni, nj, 2): where every line of elements begins and ends; an empty line has 0, 0."""
    solid = E != 0
    any_there = solid.any(axis=2)
    first = np.where(any_there, solid.argmax(axis=2), 0)
    last = np.where(any_there, E.shape[2] - solid[:, :, ::-1].argmax(axis=2), 0)
    return np.ascontiguousarray(np.stack([first, last], axis=2).astype(np.int64))


def on_lines(values: npt.NDArray[np.generic], length: int) -> npt.NDArray[np.generic]:
    """The same array with zeros added to its last axis."""
    wide = np.zeros((*values.shape[:-1], length), dtype=values.dtype)
    wide[..., : values.shape[-1]] = values
    return wide
