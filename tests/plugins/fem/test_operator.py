"""The matrix-free operators against element-by-element assembly in plain numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from trilinear import interpolation

from culmann_fem.coarse import coarse_topology
from culmann_fem.galerkin import child_interpolation, child_stiffness, coarsen_lattice
from culmann_fem.hexahedron import CORNERS, brick, elasticity
from culmann_fem.operator import apply_slab, on_lines, padded, spans
from culmann_fem.slabs import node_spans


def assembled(E, stiffness):
    nodes = [n + 1 for n in E.shape]
    K = np.zeros((3 * np.prod(nodes),) * 2)
    for place in np.argwhere(E > 0):
        corner = np.ravel_multi_index((place + CORNERS).T, nodes)
        freedom = (3 * corner[:, None] + np.arange(3)).ravel()
        K[np.ix_(freedom, freedom)] += E[tuple(place)] * stiffness
    return K


def applied(E, blocks, u, y, planes, add=False):
    """`apply_slab` on lines as long as it wants them, for each of the slabs in turn."""
    length = padded(u.shape[-1])
    on_E, on_u, on_y = (on_lines(a, length) for a in (E, u, y))
    for first, last in planes:
        apply_slab(on_u, on_y, on_E, blocks, spans(on_E), add, first, last)
    assert (on_y[..., u.shape[-1] :] == 0).all()
    return on_y[..., : u.shape[-1]]


lattices = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**31))


@settings(max_examples=25, deadline=None)
@given(lattices, st.booleans())
def test_operator_is_the_assembled_matrix(case, b_bar):
    *shape, seed = case
    rng = np.random.default_rng(seed)
    E = rng.random(shape) * (rng.random(shape) > 0.3)
    element = brick(rng.uniform(0.5, 2, 3), elasticity(0.3), b_bar=b_bar)
    u = rng.standard_normal((3, *(n + 1 for n in shape)))
    y = np.full_like(u, np.nan)
    cut = int(rng.integers(0, shape[0] + 2))
    y = applied(E, element.blocks, u, y, ((0, cut), (cut, shape[0] + 1)))
    expected = assembled(E, element.stiffness) @ np.moveaxis(u, 0, -1).ravel()
    assert np.allclose(np.moveaxis(y, 0, -1).ravel(), expected, atol=1e-12)


def test_a_long_line_is_the_sum_of_its_pieces():
    rng = np.random.default_rng(3)
    E = rng.random((1, 2, 700)) * (rng.random((1, 2, 700)) > 0.1)
    element = brick(np.ones(3), elasticity(0.3), b_bar=False)
    u = rng.standard_normal((3, 2, 3, 701))
    y, parts = np.zeros_like(u), np.zeros_like(u)
    y = applied(E, element.blocks, u, y, [(0, 2)])
    for first in range(0, 700, 100):
        piece = np.zeros_like(E)
        piece[:, :, first : first + 100] = E[:, :, first : first + 100]
        parts = applied(piece, element.blocks, u, parts, [(0, 2)], add=True)
    assert np.allclose(y, parts, atol=1e-12)


@settings(max_examples=10, deadline=None)
@given(lattices)
def test_first_coarse_level_is_the_galerkin_product(case):
    *shape, seed = case
    rng = np.random.default_rng(seed)
    E = rng.random(shape) * (rng.random(shape) > 0.3)
    E.flat[0] = 1.0
    element = brick(rng.uniform(0.5, 2, 3), elasticity(0.3), b_bar=False)
    free = (rng.random((3, *(n + 1 for n in shape))) > 0.2).astype(np.float32)
    level = coarse_topology(E > 0)
    above = coarse_topology(level.cell >= 0)
    stencil = np.zeros((level.n_nodes, 3, 27, 3), dtype=np.float32)
    cells = np.zeros((int(above.cell.max()) + 1, 24, 24))
    T = child_interpolation()
    for parity in (0, 1):
        coarsen_lattice(
            E[None],
            element.stiffness[None],
            child_stiffness(element.stiffness)[None],
            T,
            free,
            level.number,
            stencil,
            above.cell,
            cells,
            parity,
            0,
            level.cell.shape[0],
        )
    P = interpolation(E.shape, level.place) * np.moveaxis(free, 0, -1).ravel()[:, None]
    expected = P.T @ assembled(E, element.stiffness) @ P
    got = np.zeros_like(expected)
    for m in range(level.n_nodes):
        for p, n in enumerate(level.neighbour[m]):
            if n < level.n_nodes:
                got[3 * m : 3 * m + 3, 3 * n : 3 * n + 3] += stencil[m, :, p, :]
    assert np.allclose(got, expected, atol=1e-5 * np.abs(expected).max())


def test_node_spans_cover_the_corners_of_every_cell():
    E = np.zeros((3, 4, 6))
    E[1, 2, 3] = E[1, 3, 1] = 1
    span = node_spans(spans(E))
    # Lengths are whole vectors of sixteen.
    expected = {(i, j): (3, 19) for i in (1, 2) for j in (2,)} | {(i, j): (1, 17) for i in (1, 2) for j in (3,)}
    expected |= {(i, 4): (1, 17) for i in (1, 2)}
    found = {(i, j): tuple(span[i, j]) for i in range(4) for j in range(5) if span[i, j, 1] > 0}
    assert found == expected
