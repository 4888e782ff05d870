"""y = K u without a matrix, on a lattice of bricks with stiffness E_e K_0, in the parity basis.

A line of elements along the last axis is worked on at once. Its rows of scratch fit the first cache. A slab of node planes is
written by one call and by nothing else, so that threads need no locks and the result does not depend on how many there are.
"""

from __future__ import annotations

from typing import NamedTuple

from culmann.data.arrays import FloatArray, IntArray
from culmann_fem.kernels import inlined, kernel, part
from culmann_fem.lines import LANES, Lines
from culmann_fem.simd import fetch, from_last, from_second, lanes, load, spread, store, zeros


class Bricks(NamedTuple):
    """The lattice as kernels take it, in double or in single precision.

    Parameters
    ----------
    E
        (groups, size): moduli on `lines`, of each group of one elasticity; 0 is void.
    blocks
        (groups, 8, 6): see `culmann_fem.hexahedron.Brick`.
    span
        (groups, ni, nj, 2): first and past-the-last element that is not void in every line.
    lines
        Where nodes and elements stand.
    """

    E: FloatArray
    blocks: FloatArray
    span: IntArray
    lines: Lines


@inlined
def _gather(u, s, width, near, far, along_c, vectors, soon):
    """Rows 0 to 11 of the scratch: the nodes of a line of elements in parities of i and j.

    `near` and `far` are where the two lines of nodes begin in either plane of nodes. `soon` are those of the next line: so many
    come from so many places that the processor does not foresee them by itself.
    """
    step = lanes(s)
    for c in range(3):
        row, more = 4 * c * width, c * along_c
        for v in range(vectors):
            k = v * step
            a, b = load(u, near[0] + more + k), load(u, far[0] + more + k)
            d, e = load(u, near[1] + more + k), load(u, far[1] + more + k)
            fetch(u, soon[0] + more + k)
            fetch(u, soon[1] + more + k)
            ab, de, ba, ed = a + b, d + e, a - b, d - e
            store(s, row + k, ab + de)
            store(s, row + width + k, ba + ed)
            store(s, row + 2 * width + k, ab - de)
            store(s, row + 3 * width + k, ba - ed)


@inlined
def _respond(E, blocks, s, width, at, vectors, soon):
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
            if q == 0:
                fetch(E, soon + k)
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


@inlined
def _scatter(y, s, width, near, far, along_c, vectors, to_low, to_high, soon):
    """Add the forces of a line of elements to its two lines of nodes in either plane of nodes."""
    step = lanes(s)
    for c in range(3):
        row, more = (12 + 4 * c) * width, c * along_c
        for v in range(vectors):
            k = v * step
            fetch(y, soon[0] + more + k)
            fetch(y, soon[1] + more + k)
            r0, r1 = load(s, row + k), load(s, row + width + k)
            r2, r3 = load(s, row + 2 * width + k), load(s, row + 3 * width + k)
            if to_low:
                even, odd, a, b = r0 + r1, r2 + r3, near[0] + more + k, near[1] + more + k
                store(y, a, load(y, a) + (even + odd))
                store(y, b, load(y, b) + (even - odd))
            if to_high:  # which sees the odd parities in i with the other sign
                even, odd, a, b = r0 - r1, r2 - r3, far[0] + more + k, far[1] + more + k
                store(y, a, load(y, a) + (even + odd))
                store(y, b, load(y, b) + (even - odd))


@part
def scratch(lines, like):
    """Rows for the longest of the lines."""
    return zeros(24 * (lines.longest + LANES) + LANES, like)


@part
def add_plane(u, y, bricks, s, i, low, high, along_c, to_low, to_high):
    """Add K u of the plane of elements i to the node planes i and i + 1.

    Parameters
    ----------
    u
        (3, size).
    y
        Flat; components stand `along_c` apart.
    s
        From `scratch`.
    low, high
        How much further on than in u the two planes of nodes stand in y.
    to_low, to_high
        Which of the two planes to write to.
    """
    size, place = u.shape[1], bricks.lines.place
    row, step = bricks.lines.longest + LANES, lanes(s)
    for g in range(bricks.E.shape[0]):
        E, blocks, span = bricks.E[g], bricks.blocks[g], bricks.span[g]
        for j in range(span.shape[1]):
            first, last = span[i, j, 0], span[i, j, 1]
            if last > first:
                k = first // step * step
                vectors = (last + step - k) // step  # nodes are one more than elements
                near, far = (place[i, j] + k, place[i, j + 1] + k), (place[i + 1, j] + k, place[i + 1, j + 1] + k)
                after = min(j + 2, span.shape[1])
                soon = place[i, after] + k, place[i + 1, after] + k
                _gather(u, s, row, near, far, size, vectors, soon)
                _respond(E, blocks, s, row, near[0], vectors, near[1])
                near, far = (near[0] + low, near[1] + low), (far[0] + high, far[1] + high)
                _scatter(y, s, row, near, far, along_c, vectors, to_low, to_high, (soon[0] + low, soon[1] + high))


@kernel
def apply_slab(u, y, bricks, first, last):
    """y = K u on the node planes first <= i < last, for u and y (3, size) of the same float type as the bricks."""
    plane, s, flat = bricks.lines.plane, scratch(bricks.lines, u), y.reshape(-1)
    y[:, plane[first] : plane[last]] = 0
    on = first - first  # 0, but not as a literal, for which `add_plane` would be compiled once more
    for i in range(max(first, 1) - 1, min(last, bricks.span.shape[1])):
        add_plane(u, flat, bricks, s, i, on, on, u.shape[1], i >= first, i + 1 < last)
