"""Galerkin coarse operators, built cell by cell: the stiffness of a coarse cell is the sum over its eight children of T' K T.

T interpolates trilinearly from the corners of the coarse cell to those of the child. Void children add nothing and held
freedoms are struck out of the children, so that the result is P' K P for P restricted to the nodes that exist and are free.
That is what keeps thin shells and free surfaces right on the coarse lattices, where averaged moduli do not.
"""

from __future__ import annotations

import numba
import numpy as np

from culmann.data.arrays import FloatArray

_njit = numba.njit(nogil=True, fastmath={"contract", "reassoc", "nsz", "arcp", "afn"}, cache=True)


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


@_njit
def _condense(K, T, out, work):
    """Out += T' K T for K (24, 24) and T (8, 8) that acts on each component alike."""
    for row in range(24):
        for b in range(8):
            for c in range(3):
                total = 0.0
                for a in range(8):
                    total += K[row, 3 * a + c] * T[a, b]
                work[row, 3 * b + c] = total
    for a in range(8):
        for child in range(8):
            w = T[child, a]
            if w != 0:
                for c in range(3):
                    for column in range(24):
                        out[3 * a + c, column] += w * work[3 * child + c, column]


@_njit
def _scatter_to_stencil(K, number, ci, cj, ck, stencil):
    """Add a cell's matrix to the 27-point stencils (n, 3, 27, 3) of its corners."""
    for a in range(8):
        m = number[ci + (a & 1), cj + (a >> 1 & 1), ck + (a >> 2 & 1)]
        for b in range(8):
            di = (b & 1) - (a & 1) + 1
            dj = (b >> 1 & 1) - (a >> 1 & 1) + 1
            dk = (b >> 2 & 1) - (a >> 2 & 1) + 1
            at = (di * 3 + dj) * 3 + dk
            for c in range(3):
                for d in range(3):
                    stencil[m, c, at, d] += K[3 * a + c, 3 * b + d]


@_njit
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
    E, span, place, nk = bricks.E, bricks.span, bricks.lines.place, bricks.lines.cells
    groups, ni, nj, _ = span.shape
    K, masked, work = np.zeros((24, 24)), np.zeros((24, 24)), np.zeros((24, 24))
    corner_free = np.zeros(24)
    for ci in range(first, last):
        if ci & 1 != parity or 2 * ci >= ni:
            continue
        for cj in range((nj + 1) // 2):
            for ck in range((nk + 1) // 2):
                K[:] = 0
                filled = False
                for h in range(8):
                    i, j, k = 2 * ci + (h & 1), 2 * cj + (h >> 1 & 1), 2 * ck + (h >> 2 & 1)
                    if i >= ni or j >= nj or k >= nk:
                        continue
                    for g in range(groups):
                        inside = span[g, i, j, 0] <= k < span[g, i, j, 1]
                        e = E[g, place[i, j] + k] if inside else 0.0
                        if e == 0:
                            continue
                        filled = True
                        held = False
                        for a in range(8):
                            for c in range(3):
                                value = free[c, place[i + (a & 1), j + (a >> 1 & 1)] + k + (a >> 2 & 1)]
                                corner_free[3 * a + c] = value
                                held |= value == 0
                        if held:
                            for p in range(24):
                                for q in range(24):
                                    masked[p, q] = e * stiffness[g, p, q] * corner_free[p] * corner_free[q]
                            _condense(masked, T[h], K, work)
                        else:
                            for p in range(24):
                                for q in range(24):
                                    K[p, q] += e * children[g, h, p, q]
                if filled:
                    _scatter_to_stencil(K, number, ci, cj, ck, stencil)
                    up = (ci & 1) + 2 * (cj & 1) + 4 * (ck & 1)
                    _condense(K, T[up], cells2[cell2[ci // 2, cj // 2, ck // 2]], work)


@_njit
def coarsen_cells(cell, cells, T, number, stencil, cell2, cells2):
    """From the cells of a coarse level to its stencils, and on to the cells of the next level."""
    ni, nj, nk = cell.shape
    work = np.zeros((24, 24))
    for i in range(ni):
        for j in range(nj):
            for k in range(nk):
                n = cell[i, j, k]
                if n >= 0:
                    _scatter_to_stencil(cells[n], number, i, j, k, stencil)
                    up = (i & 1) + 2 * (j & 1) + 4 * (k & 1)
                    _condense(cells[n], T[up], cells2[cell2[i // 2, j // 2, k // 2]], work)
