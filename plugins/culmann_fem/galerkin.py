"""Galerkin coarse operators, built cell by cell: the stiffness of a coarse cell is the sum over its eight children of T' K T.

T interpolates trilinearly from the corners of the coarse cell to those of the child. Void children add nothing and held
freedoms are struck out of the children, so that the result is P' K P for P restricted to the nodes that exist and are free.
That is what keeps thin shells and free surfaces right on the coarse lattices, where averaged moduli do not.
"""

from __future__ import annotations

import numpy as np

from culmann.data.arrays import FloatArray
from culmann_fem.kernels import fast_kernel, fast_part
from culmann_fem.simd import lanes, load, spread, store, zeros


def child_interpolation() -> FloatArray:
    """(8 children, 8 corners of the child, 8 corners of the coarse cell): trilinear weights."""
    near = np.array([[1.0, 0.0], [0.5, 0.5]])  # child on the low side: its ends at 0 and 1/2
    far = np.array([[0.5, 0.5], [0.0, 1.0]])
    side = (near, far)
    return np.stack([np.kron(side[h >> 2 & 1], np.kron(side[h >> 1 & 1], side[h & 1])) for h in range(8)])


def child_stiffness(stiffness: FloatArray) -> FloatArray:
    """(8, 24, 24): T' K T of a child with E = 1 at each of the eight places."""
    T = np.kron(child_interpolation(), np.eye(3))
    return np.ascontiguousarray(np.einsum("hji,jk,hkl->hil", T, stiffness, T))


@fast_part
def _rows(K, T, out, begin):
    """Out[begin:] += T' K for flat matrices (24, 24) and T (8, 8) that acts on each component alike."""
    step = lanes(K)
    for child in range(8):
        for a in range(8):
            w = T[child, a]
            if w != 0:
                share, to, source = spread(w), begin + 72 * a, 72 * child
                for k in range(0, 72, step):
                    store(out, to + k, load(out, to + k) + share * load(K, source + k))


@fast_part
def _condense(K, T, out, begin, work, turned):
    """Out[begin:] += T' K T for symmetric K."""
    work[:] = 0
    _rows(K, T, work, 0)
    for row in range(24):
        for column in range(24):
            turned[24 * column + row] = work[24 * row + column]
    _rows(turned, T, out, begin)


@fast_part
def _scatter_to_stencil(K, begin, number, ci, cj, ck, stencil):
    """Add a cell's matrix K[begin:] to the 27-point stencils, flat (n, 3, 27, 3), of its corners."""
    for a in range(8):
        m = number[ci + (a & 1), cj + (a >> 1 & 1), ck + (a >> 2 & 1)]
        for b in range(8):
            di = (b & 1) - (a & 1) + 1
            dj = (b >> 1 & 1) - (a >> 1 & 1) + 1
            dk = (b >> 2 & 1) - (a >> 2 & 1) + 1
            to, source = 243 * m + 3 * ((di * 3 + dj) * 3 + dk), begin + 72 * a + 3 * b
            for c in range(3):
                for d in range(3):
                    stencil[to + 81 * c + d] += K[source + 24 * c + d]


@fast_part
def _struck_out(e, stiffness, free, lines, i, j, k, masked):
    """Write e times the stiffness to `masked` without the freedoms of cell i, j, k that are held; whether there are any."""
    held = False
    for a in range(8):
        at = lines.place[i + (a & 1), j + (a >> 1 & 1)] + k + (a >> 2 & 1)
        held |= free[0, at] == 0 or free[1, at] == 0 or free[2, at] == 0
    if held:
        for p in range(24):
            a = p // 3
            is_free = free[p % 3, lines.place[i + (a & 1), j + (a >> 1 & 1)] + k + (a >> 2 & 1)]
            for q in range(24):
                masked[24 * p + q] = e * is_free * stiffness[p, q]
        for q in range(24):
            a = q // 3
            is_free = free[q % 3, lines.place[i + (a & 1), j + (a >> 1 & 1)] + k + (a >> 2 & 1)]
            for p in range(24):
                masked[24 * p + q] *= is_free
    return held


@fast_kernel
def coarsen_lattice(bricks, stiffness, children, T, free, number, stencil, cell2, cells2, parity, first, last):
    """From the lattice to its first coarse level, and on to the cells of the second.

    Parameters
    ----------
    stiffness, children
        (groups, 24, 24) and (groups, 8, 24, 24): element and `child_stiffness` of each group.
    free
        (3, size): 1 for a freedom that is free.
    number, stencil
        Numbers of the coarse nodes by place, and their stencils (n, 3, 27, 3), added to.
    cell2, cells2
        Numbers of the next coarse cells by place, and their matrices (n, 24, 24), added to.
    parity
        Only planes of coarse cells with this parity are done: two neighbouring planes share nodes.
    """
    E, span, lines = bricks.E, bricks.span, bricks.lines
    groups, ni, nj, _ = span.shape
    flat, up, of_child = stencil.reshape(-1), cells2.reshape(-1), children.reshape(-1)
    K, masked, work, turned = zeros(576, of_child), zeros(576, of_child), zeros(576, of_child), zeros(576, of_child)
    for ci in range(first, last):
        if ci & 1 != parity or 2 * ci >= ni:
            continue
        for cj in range((nj + 1) // 2):
            for ck in range((lines.cells + 1) // 2):
                filled = False
                for h in range(8):
                    i, j, k = 2 * ci + (h & 1), 2 * cj + (h >> 1 & 1), 2 * ck + (h >> 2 & 1)
                    if i >= ni or j >= nj:
                        continue
                    for g in range(groups):
                        inside = span[g, i, j, 0] <= k < span[g, i, j, 1]
                        e = E[g, lines.place[i, j] + k] if inside else 0.0
                        if e == 0:
                            continue
                        if not filled:
                            filled = True
                            K[:] = 0
                        if _struck_out(e, stiffness[g], free, lines, i, j, k, masked):
                            _condense(masked, T[h], K, 0, work, turned)
                        else:
                            share, at = spread(e), 576 * (8 * g + h)
                            for p in range(0, 576, lanes(K)):
                                store(K, p, load(K, p) + share * load(of_child, at + p))
                if filled:
                    _scatter_to_stencil(K, 0, number, ci, cj, ck, flat)
                    h = (ci & 1) + 2 * (cj & 1) + 4 * (ck & 1)
                    _condense(K, T[h], up, 576 * cell2[ci // 2, cj // 2, ck // 2], work, turned)


@fast_kernel
def coarsen_cells(cell, cells, T, number, stencil, cell2, cells2):
    """From the cells of a coarse level to its stencils, and on to the cells of the next level."""
    ni, nj, nk = cell.shape
    flat, source, up = stencil.reshape(-1), cells.reshape(-1), cells2.reshape(-1)
    work, turned = zeros(576, source), zeros(576, source)
    for i in range(ni):
        for j in range(nj):
            for k in range(nk):
                n = cell[i, j, k]
                if n >= 0:
                    _scatter_to_stencil(source, 576 * n, number, i, j, k, flat)
                    h = (i & 1) + 2 * (j & 1) + 4 * (k & 1)
                    _condense(source[576 * n : 576 * (n + 1)], T[h], up, 576 * cell2[i // 2, j // 2, k // 2], work, turned)
