"""Classical solutions of elasticity and plasticity: a sphere under pressure, a twisted bar, a bent plate.

They stand where benchmarks of NAFEMS would: LE1 and LE10 are loaded by pressure, and its tests of plasticity by strains that
change their direction, while a load case here prescribes displacements along one path. What a pressure does is measured as a
reaction instead.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from six_tetrahedra import as_tets

from culmann import Grid, LoadCase, Mesh, Prescribed
from culmann.voxels import CORNERS, hexahedra

E, NU, YIELD = 1000.0, 0.3, 4.0


def bar(size, spacing, kind):
    """A bar along x whose axis is the x axis."""
    mesh = hexahedra(Grid(size, spacing), np.ones(size[::-1], dtype=int), {1: "bone"})
    middle = (mesh.points_mm.max(axis=0) + mesh.points_mm.min(axis=0)) / 2
    if kind == "hex8":
        grid = Grid(size, spacing, tuple(-middle))
        return hexahedra(grid, np.ones(size[::-1], dtype=int), {1: "bone"})
    tets = as_tets(mesh)
    return Mesh(tets.points_mm - middle, tets.cells, "tet10", tets.region, {1: "bone"})


def each(mesh, nodes, move):
    """A set for every node, so that the reaction of each is told."""
    return {f"node {n}": Prescribed(np.array([n]), move(mesh.points_mm[n])) for n in nodes}


def torque(answer, mesh, nodes):
    """Of the forces on a face across x, at every point of the curve."""
    y, z = mesh.points_mm[nodes, 1], mesh.points_mm[nodes, 2]
    force = np.array([answer.reactions_n[f"node {n}"] for n in nodes])
    return (y[:, None] * force[..., 2] - z[:, None] * force[..., 1]).sum(axis=0)


def twisted(mesh, angle, steps):
    """One end is held against turning, the other is turned; both are free to warp."""
    x = mesh.points_mm[:, 0]
    far = np.flatnonzero(x == x.max())
    sets = each(mesh, far, lambda at: (None, float(-angle * at[2]), float(angle * at[1])))
    sets["end"] = Prescribed(np.flatnonzero(x == x.min()), (None, 0.0, 0.0))
    on_axis = np.flatnonzero((x == x.min()) & (np.abs(mesh.points_mm[:, 1:]).max(axis=1) < 1e-9))
    sets["axis"] = Prescribed(on_axis, (0.0, None, None))
    corner = far[np.argmax(mesh.points_mm[far, 1:].sum(axis=1))]
    return LoadCase(sets, f"node {corner}", (0.0, -1.0, 0.0), float(np.ptp(x)), load_steps=steps), far


@pytest.mark.parametrize(("kind", "cells", "within"), [("hex8", (3, 12, 12), 0.01), ("tet10", (1, 4, 4), 0.01)])
def test_a_square_bar_is_twisted_as_saint_venant_has_it(kind, cells, within, make_material, native):
    """T = G J φ / L, J = a⁴ / 3 (1 - 192 / π⁵ Σ tanh(n π / 2) / n⁵) over odd n: 0.1406 a⁴ (Timoshenko, Goodier 1951)."""
    side, angle = 6.0, 0.01
    mesh = bar(cells, (1.0, side / cells[1], side / cells[2]), kind)
    load, far = twisted(mesh, angle, (1.0,))
    answer = native(mesh, make_material(mesh.n_cells, E, NU), load)
    odd = np.arange(1, 40, 2)
    constant = side**4 / 3 * (1 - 192 / np.pi**5 * (np.tanh(odd * np.pi / 2) / odd**5.0).sum())
    assert constant == pytest.approx(0.1406 * side**4, rel=1e-3)
    exact = E / (2 * (1 + NU)) * constant * angle / np.ptp(mesh.points_mm[:, 0])
    assert torque(answer, mesh, far)[-1] == pytest.approx(exact, rel=within)


@pytest.mark.parametrize(("kind", "cells", "within"), [("hex8", (2, 12, 12), 0.005), ("tet10", (1, 4, 4), 0.01)])
def test_a_twisted_bar_flows_at_the_torque_of_the_sand_heap(kind, cells, within, make_material, native):
    """Fully plastic: T = τ a³ / 3 with τ = σ / √3 after von Mises (Nadai's heap of sand on a square)."""
    side = 6.0
    mesh = bar(cells, (1.0, side / cells[1], side / cells[2]), kind)
    shear = YIELD / np.sqrt(3)
    first = shear / (E / (2 * (1 + NU))) / (0.675 * side) * np.ptp(mesh.points_mm[:, 0])  # yields at the middle of the sides
    load, far = twisted(mesh, 12 * first, tuple(np.array([1, 2, 4, 8, 12]) / 12))
    answer = native(mesh, make_material(mesh.n_cells, E, NU, stress=YIELD), load)
    exact = shear * side**3 / 3
    found = torque(answer, mesh, far)
    assert (np.diff(found) > -1e-6 * exact).all()
    assert found[2] < 0.95 * exact, "the load must go far beyond first yield to say anything"
    assert found[-1] == pytest.approx(exact, rel=within)


def bent(mesh, curvature, steps):
    """A wide plate, as long as it is bent to an arc: its ends turn, its sides stay where they are."""
    x, _, z = mesh.points_mm.T
    sets = {"sides": Prescribed(np.arange(mesh.n_points), (None, 0.0, None))}
    rows = {f"row {n}": height for n, height in enumerate(np.unique(z[x == x.max()].round(9)))}
    for sign, name in ((1, ""), (-1, "far ")):
        for row, height in rows.items():
            there = np.flatnonzero((x == sign * x.max()) & (np.abs(z - height) < 1e-6))
            sets[f"{name}{row}"] = Prescribed(there, (float(sign * curvature * x.max() * height), None, None))
    sets["hold"] = Prescribed(np.flatnonzero((x == x.min()) & (np.abs(z) < 1e-9)), (None, None, 0.0))
    return LoadCase(sets, list(rows)[-1], (1.0, 0.0, 0.0), float(np.ptp(x)), load_steps=steps), rows


def moment(answer, rows):
    return sum(height * answer.reactions_n[row][:, 0] for row, height in rows.items())


@pytest.mark.parametrize(("kind", "cells", "within"), [("hex8", (12, 1, 12), 0.01), ("tet10", (4, 1, 2), 1e-5)])
def test_a_plate_is_as_stiff_as_kirchhoff_has_it(kind, cells, within, make_material, native):
    """Bent to a cylinder: M = D κ w, D = E t³ / 12 (1 - ν²), which is exact in three dimensions; quadratic cells hold it."""
    thickness, width = 6.0, 2.0
    mesh = bar(cells, (1.0, width, thickness / cells[2]), kind)
    load, rows = bent(mesh, 1e-3, (1.0,))
    answer = native(mesh, make_material(mesh.n_cells, E, NU), load, residual_tolerance=1e-9)
    exact = E * thickness**3 / 12 / (1 - NU**2) * 1e-3 * width
    assert moment(answer, rows)[-1] == pytest.approx(exact, rel=within)


def pushed_in_the_middle(mesh, clamped):
    """A quarter of a square plate, pushed along a line through its middle, held at its outer edges."""
    x, y, _ = (mesh.points_mm - mesh.points_mm.min(axis=0)).T
    near, far = 1e-6, x.max() - 1e-6
    along_x, along_y = ((0.0, 0.0, 0.0),) * 2 if clamped else ((None, 0.0, 0.0), (0.0, None, 0.0))
    sets = {
        "push": Prescribed(np.flatnonzero((x < near) & (y < near)), (0.0, 0.0, -0.01)),
        "edge x": Prescribed(np.flatnonzero(x > far), along_x),
        "edge y": Prescribed(np.flatnonzero(y > far), along_y),
        "middle x": Prescribed(np.flatnonzero(x < near), (0.0, None, None)),
        "middle y": Prescribed(np.flatnonzero(y < near), (None, 0.0, None)),
    }
    return LoadCase(sets, "push", (0.0, 0.0, -1.0), float(x.max()))


@pytest.mark.parametrize(("kind", "cells", "within"), [("hex8", (80, 80, 4), 0.05), ("tet10", (20, 20, 1), 0.02)])
@pytest.mark.parametrize("clamped", [False, True])
def test_a_square_plate_is_pushed_in_as_navier_has_it(kind, cells, within, clamped, make_material, native):
    """w = α P a² / D (Timoshenko, Woinowsky-Krieger 1959).

    Simply supported, Navier's series gives α = 4 / π⁴ Σ Σ 1 / (m² + n²)² = 0.01160 over odd m, n; clamped it is 0.00560 there.
    A plate of finite thickness is a little softer (it shears, and gives way under the push): 40 times as wide as thick.
    """
    half, thickness, depth = 30.0, 1.5, 0.01
    odd = np.arange(1, 200, 2.0)
    series = 4 / np.pi**4 * (1 / (odd[:, None] ** 2 + odd[None, :] ** 2) ** 2).sum()
    assert series == pytest.approx(0.0116, abs=5e-6)
    mesh = bar(cells, (half / cells[0], half / cells[1], thickness / cells[2]), kind)
    answer = native(mesh, make_material(mesh.n_cells, E, NU), pushed_in_the_middle(mesh, clamped))
    stiffness = E * thickness**3 / 12 / (1 - NU**2)
    exact = depth * stiffness / ((0.0056 if clamped else series) * (2 * half) ** 2)
    assert 4 * answer.force_n[-1] == pytest.approx(exact, rel=within)


@pytest.mark.parametrize(("kind", "cells"), [("hex8", (12, 1, 24)), ("tet10", (4, 1, 8))])
def test_a_plate_flows_at_the_plastic_moment_of_plane_strain(kind, cells, make_material, native):
    """Fully plastic: M = (2 / √3) σ t² / 4 w after von Mises, where the width cannot change (Hill 1950)."""
    thickness, width = 6.0, 2.0
    mesh = bar(cells, (1.0, width, thickness / cells[2]), kind)
    first = YIELD / E / (thickness / 2)
    load, rows = bent(mesh, 15 * first, tuple(np.array([1, 2, 4, 8, 15]) / 15))
    answer = native(mesh, make_material(mesh.n_cells, E, NU, stress=YIELD), load)
    exact = 2 / np.sqrt(3) * YIELD * thickness**2 / 4 * width
    assert moment(answer, rows)[-1] == pytest.approx(exact, rel=0.01)


def hollow_octant(inner, outer, around, through):
    """An eighth of a hollow sphere in three blocks of curved quadratic tetrahedra."""
    x, y, z = np.eye(3)
    middle = (x + y + z) / np.sqrt(3)
    s = np.linspace(0, 1, around + 1)
    points, cells = [], []
    for one, two, three in ((x, y, z), (y, z, x), (z, x, y)):
        corner = np.array([one, (one + two) / np.sqrt(2), middle, (one + three) / np.sqrt(2)])
        u, v, r = np.meshgrid(s, s, np.linspace(inner, outer, through + 1), indexing="ij")
        weight = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=-1)
        way = weight @ corner
        number = np.arange(u.size).reshape(u.shape) + sum(map(len, points))
        points.append((r[..., None] * way / np.linalg.norm(way, axis=-1, keepdims=True)).reshape(-1, 3))
        at = np.stack(np.meshgrid(*(np.arange(n) for n in (around, around, through)), indexing="ij"), axis=-1).reshape(-1, 1, 3)
        cells.append(number[tuple(np.moveaxis(at + CORNERS, -1, 0))])
    found, same = np.unique(np.concatenate(points).round(9), axis=0, return_inverse=True)
    bricks = Mesh(found, same[np.concatenate(cells)], "hex8", np.ones(sum(map(len, cells)), dtype=int), {1: "bone"})
    tets = as_tets(bricks)
    ends = np.zeros((tets.n_points, 2), dtype=int)
    for slot, (a, b) in enumerate([(0, 1), (1, 2), (2, 0), (0, 3), (1, 3), (2, 3)]):
        ends[tets.cells[:, 4 + slot]] = tets.cells[:, [a, b]]
    radius = np.linalg.norm(tets.points_mm[ends], axis=2).mean(axis=1)
    curved = tets.points_mm / np.linalg.norm(tets.points_mm, axis=1, keepdims=True) * radius[:, None]
    curved[: bricks.n_points] = found
    return Mesh(curved, tets.cells, "tet10", tets.region, {1: "bone"})


@pytest.mark.parametrize("criterion", ["von-mises", "tresca"])
def test_a_hollow_sphere_flows_from_inside_to_outside(criterion, make_material, native):
    """Pressure over widening of the bore, elastic to nearly fully plastic (Hill 1950, chapter 5.2).

    With the front at c, between a and b: p = 2 σ ln(c/a) + 2/3 σ (1 - c³/b³). The dilatation is elastic everywhere,
    (1 - 2 ν) / E times d(r³ σr)/dr / r², so that u r² = (1 - 2 ν) / E r³ σr + C; the elastic part outside of c gives
    C = (1 - ν) σ c³ / E, and u(a) = (1 - ν) σ c³ / (E a²) - (1 - 2 ν) a p / E. Both criteria agree here.
    """
    a, b = 3.0, 6.0
    front = np.array([3.0, 3.5, 4.0, 5.0, 5.8])
    pressure = 2 * YIELD * np.log(front / a) + 2 / 3 * YIELD * (1 - front**3 / b**3)
    widening = (1 - NU) * YIELD * front**3 / (E * a**2) - (1 - 2 * NU) * a * pressure / E
    mesh = hollow_octant(a, b, 3, 4)
    radius = np.linalg.norm(mesh.points_mm, axis=1)
    bore = np.flatnonzero(np.abs(radius - a) < 1e-6)
    sets = each(mesh, bore, lambda at: tuple(float(v) for v in widening[-1] * at / np.linalg.norm(at)))
    for n, name in enumerate("xyz"):
        held = tuple(0.0 if k == n else None for k in range(3))
        sets[f"plane {name}"] = Prescribed(np.flatnonzero(np.abs(mesh.points_mm[:, n]) < 1e-6), held)
    at_corner = bore[np.argmax(mesh.points_mm[bore, 0])]
    load = LoadCase(sets, f"node {at_corner}", (1.0, 0.0, 0.0), b, load_steps=tuple(widening / widening[-1]))

    law = replace(make_material(mesh.n_cells, E, NU, stress=YIELD), criterion=criterion)
    answer = native(mesh, law, load)
    outwards = mesh.points_mm[bore] / a
    found = sum(answer.reactions_n[f"node {n}"] @ way for n, way in zip(bore, outwards, strict=True)) / (np.pi / 2 * a**2)
    assert found[1:] == pytest.approx(pressure, rel=0.005)
