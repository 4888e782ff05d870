"""The matrix-free operators against element-by-element assembly in plain numpy."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from trilinear import interpolation

from culmann_fem.coarse import coarse_topology
from culmann_fem.galerkin import child_interpolation, child_stiffness, coarsen_lattice
from culmann_fem.hexahedron import CORNERS, brick, elasticity
from culmann_fem.lines import LANES, lines_of, spans
from culmann_fem.operator import Bricks, apply_slab


def assembled(E, stiffness):
    nodes = [n + 1 for n in E.shape]
    K = np.zeros((3 * np.prod(nodes),) * 2)
    for place in np.argwhere(E > 0):
        corner = np.ravel_multi_index((place + CORNERS).T, nodes)
        freedom = (3 * corner[:, None] + np.arange(3)).ravel()
        K[np.ix_(freedom, freedom)] += E[tuple(place)] * stiffness
    return K


def bricks_of(E, elements):
    """Moduli (groups, ni, nj, nk) and an element for each group, as kernels take them."""
    lines = lines_of((E > 0).any(axis=0))
    on_nodes = np.pad(E, [(0, 0), (0, 1), (0, 1), (0, 1)])
    return Bricks(lines.from_box(on_nodes), np.stack([e.blocks for e in elements]), spans(E), lines)


def applied(E, elements, u, planes):
    """`apply_slab` for each of the slabs in turn, from and to vectors on the box."""
    bricks = bricks_of(E, elements)
    on_lines = bricks.lines.from_box(u)
    y = np.full_like(on_lines, np.nan)
    for first, last in planes:
        apply_slab(on_lines, y, bricks, first, last)
    return bricks.lines.on_box(y)


lattices = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 5), st.integers(0, 2**31))


@settings(max_examples=25, deadline=None)
@given(lattices, st.booleans())
def test_operator_is_the_assembled_matrix(case, b_bar):
    *shape, seed = case
    rng = np.random.default_rng(seed)
    E = rng.random((2, *shape)) * (rng.random((2, *shape)) > 0.4)
    E[0].flat[0] = 1.0
    elements = [brick(rng.uniform(0.5, 2, 3), elasticity(ratio), b_bar=b_bar) for ratio in (0.2, 0.4)]
    u = rng.standard_normal((3, *(n + 1 for n in shape)))
    cut = int(rng.integers(0, shape[0] + 2))
    y = applied(E, elements, u, ((0, cut), (cut, shape[0] + 1)))
    K = sum(assembled(e, element.stiffness) for e, element in zip(E, elements, strict=True))
    expected = K @ np.moveaxis(u, 0, -1).ravel()
    assert np.allclose(np.moveaxis(y, 0, -1).ravel(), expected, atol=1e-12)


def test_a_long_line_is_the_sum_of_its_pieces():
    rng = np.random.default_rng(3)
    E = rng.random((1, 2, 700)) * (rng.random((1, 2, 700)) > 0.1)
    element = brick(np.ones(3), elasticity(0.3), b_bar=False)
    u = rng.standard_normal((3, 2, 3, 701))
    y, parts = applied(E[None], [element], u, [(0, 2)]), np.zeros_like(u)
    for first in range(0, 700, 100):
        piece = np.zeros_like(E)
        piece[:, :, first : first + 100] = E[:, :, first : first + 100]
        parts += applied(piece[None], [element], u, [(0, 2)])
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
    level, bricks = coarse_topology(E > 0), bricks_of(E[None], [element])
    above = coarse_topology(level.cell >= 0)
    stencil = np.zeros((level.n_nodes, 3, 27, 3), dtype=np.float32)
    cells = np.zeros((int(above.cell.max()) + 1, 24, 24))
    T = child_interpolation()
    for parity in (0, 1):
        coarsen_lattice(
            bricks,
            element.stiffness[None],
            child_stiffness(element.stiffness)[None],
            T,
            bricks.lines.from_box(free),
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


def test_lines_hold_the_corners_of_every_cell_and_little_else():
    rng = np.random.default_rng(8)
    filled = np.zeros((3, 4, 60), dtype=bool)
    filled[1, 2, 3] = filled[1, 3, 17] = filled[2, 3, 30:50] = True
    lines = lines_of(filled)
    # Whole vectors of sixteen, from the side of the box on.
    expected = {(1, 2): (0, 16), (2, 2): (0, 16), (1, 3): (0, 32), (2, 3): (0, 64), (3, 3): (16, 64)}
    expected |= {(1, 4): (16, 32), (2, 4): (16, 64), (3, 4): (16, 64)}
    assert {place: tuple(lines.span[place]) for place in expected} == expected
    assert lines.size == sum(last - first for first, last in expected.values())
    corners = np.unique((np.argwhere(filled)[:, None] + CORNERS).reshape(-1, 3), axis=0)
    at = lines.at(corners)
    assert len(np.unique(at)) == len(corners)
    values = rng.random((2, lines.size))
    box = lines.on_box(values)
    assert (box[:, *corners.T] == values[:, at]).all()
    kept = lines.from_box(box)
    assert (kept[:, at] == values[:, at]).all()
    assert lines.size % LANES == 0
