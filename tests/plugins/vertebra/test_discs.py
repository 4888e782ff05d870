"""Cement discs: counted by hand on a block, and by brute force on a tilted cylinder."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from culmann.data import Grid, Mesh, Solid
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra, region_map
from culmann_vertebra.discs import PmmaDiscsConfig, pmma_discs
from culmann_vertebra.endplates import EndplatesConfig, endplates


def positions(mesh: Mesh, name: str) -> set[tuple[float, ...]]:
    return {tuple(p) for p in mesh.points_mm[mesh.node_sets[name]].round(6) + 0.0}


@pytest.fixture(scope="module")
def tilted(make_voxels):
    return endplates(make_voxels(tilt_deg=15), EndplatesConfig(), QuietJournal())


@pytest.mark.parametrize("flip", [1.0, -1.0])
def test_a_block(flip):
    grid = Grid((4, 5, 6), (2.0, 2.0, 1.5), (0.0, 0.0, 10.0), tuple(np.diag([1.0, 1.0, flip]).ravel()))
    bone = hexahedra(grid, np.full(grid.shape, 7), {7: "bone"})
    z = bone.points_mm[:, 2]
    sets = {
        "endplate-superior": np.flatnonzero(z == z.max()),
        "endplate-inferior": np.flatnonzero(z == z.min()),
        "one": np.array([3]),
    }
    bone = replace(bone, node_sets=sets)
    cast = pmma_discs(bone, PmmaDiscsConfig(thickness_mm=3.2, youngs_modulus_mpa=3000))
    # 3.2 mm are two layers of 1.5 mm.
    assert cast.n_cells == 4 * 5 * (6 + 2 + 2)
    assert cast.region_names == {7: "bone", 8: "pmma-superior", 9: "pmma-inferior"}
    assert cast.solids == {8: Solid(3000.0, 0.3, 70.0), 9: Solid(3000.0, 0.3, 70.0)}
    assert {p[2] for p in positions(cast, "disc-superior")} == {round(z.max() + 3, 6)}
    assert {p[2] for p in positions(cast, "disc-inferior")} == {round(z.min() - 3, 6)}
    assert len(cast.node_sets["disc-superior"]) == len(cast.node_sets["disc-inferior"]) == 5 * 6
    for name in sets:
        assert positions(cast, name) == positions(bone, name)
    above = cast.cell_centres_mm()[cast.region == 8]
    assert above[:, 2].min() > z.max()


def test_a_tilted_cylinder_is_covered_without_gaps(tilted):
    cast = pmma_discs(tilted, PmmaDiscsConfig(thickness_mm=4.5))
    for name in tilted.node_sets:
        assert positions(cast, name) == positions(tilted, name)
    bone = cast.region == 1
    assert np.allclose(cast.cell_centres_mm()[bone], tilted.cell_centres_mm(), atol=1e-9)
    region = region_map(cast)
    for number, name, step in ((3, "superior", 1), (4, "inferior", -1)):
        assert cast.region_names[number] == f"pmma-{name}"
        plane = cast.points_mm[cast.node_sets[f"disc-{name}"]][:, 2]
        outermost = step * (step * tilted.points_mm[tilted.node_sets[f"endplate-{name}"]][:, 2]).max()
        assert np.allclose(plane, outermost + step * 4.5)
        layers = []
        for column in np.argwhere((region == number).any(axis=0)):
            line = region[:, column[0], column[1]][::step]
            cement = np.flatnonzero(line == number)
            assert np.array_equal(cement, np.arange(cement[0], cement[-1] + 1))
            assert line[cement[0] - 1] == 1
            layers.append(cement[-1])
        assert len(set(layers)) == 1
        # The outline is that of the disc seen from above: a circle of 18 mm radius under 15 degrees, in cells of 1.5 mm.
        assert len(layers) * 1.5**2 == pytest.approx(np.pi * 18**2 * np.cos(np.radians(15)), rel=0.06)


def test_linear_cement(tilted):
    assert {s.yield_stress_mpa for s in pmma_discs(tilted, PmmaDiscsConfig(yield_stress_mpa=None)).solids.values()} == {None}


def test_what_cannot_be_cast_is_refused(tilted, make_tetrahedra):
    with pytest.raises(InputError, match="voxel meshes only"):
        pmma_discs(make_tetrahedra(), PmmaDiscsConfig())
    with pytest.raises(InputError, match="no node set endplate-superior"):
        pmma_discs(replace(tilted, node_sets={}), PmmaDiscsConfig())
