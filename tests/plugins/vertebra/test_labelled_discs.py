"""Discs that the labels hold: a stack of blocks, its outer faces counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from culmann.data import Grid, Mesh, Solid
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_vertebra.compression import CompressionConfig, compression
from culmann_vertebra.labelled_discs import LabelledDiscsConfig, labelled_discs


def stack(flip: float = 1.0) -> Mesh:
    """Bone of 6 x 5 x 20 mm between discs of 2 mm; the upper one reaches over the bone by a cell, and a process stands free."""
    region = np.zeros((12, 7, 9), dtype=int)
    region[0, 1:6, 1:7] = 5
    region[1:11, 1:6, 1:7] = 1
    region[4:12, 1:3, 7] = 3
    region[11, 0:6, 1:7] = 6
    grid = Grid((9, 7, 12), (1.0, 1.0, 2.0), (0.0, 0.0, 0.0), tuple(np.diag([1.0, 1.0, flip]).ravel()))
    return hexahedra(grid, region, {1: "trabecular", 3: "process", 5: "below", 6: "above"})


def discs(mesh: Mesh, journal: QuietJournal | None = None, superior: int | str = 6, inferior: int | str = 5, **options) -> Mesh:
    config = LabelledDiscsConfig(superior=superior, inferior=inferior, **options)
    return labelled_discs(mesh, config, journal or QuietJournal())


def test_the_outer_faces_and_the_material():
    mesh = discs(stack())
    assert mesh.solids == {6: Solid(2500.0, 0.3, 70.0), 5: Solid(2500.0, 0.3, 70.0)}
    assert set(np.unique(mesh.region[mesh.is_bone])) == {1, 3}
    above, below = (mesh.points_mm[mesh.node_sets[f"disc-{side}"]] for side in ("superior", "inferior"))
    # 6 x 6 faces above, though the process is as high; 6 x 5 below.
    assert len(above) == 7 * 7
    assert len(below) == 7 * 6
    assert set(above[:, 2]) == {23.0}
    assert set(below[:, 2]) == {-1.0}
    assert above[:, 0].max() == 6.5
    load = compression(mesh, CompressionConfig(displacement_mm=2, contact="rollers"), QuietJournal())
    assert load.loaded == "disc-superior"
    assert load.prescribed["disc-superior"].displacement_mm == (None, None, -2.0)
    assert load.audit["disc-superior_area_of_faces_mm2"] == 36
    assert load.audit["disc-inferior_area_of_faces_mm2"] == 30


def test_names_do_as_well_and_upside_down_is_told():
    journal = QuietJournal()
    mesh = discs(stack(), journal, superior="above", inferior="below")
    assert set(mesh.points_mm[mesh.node_sets["disc-superior"]][:, 2]) == {23.0}
    assert journal.warnings == []
    discs(stack(flip=-1.0), journal)
    assert journal.warnings[0].startswith("the superior disc lies below the inferior one")
    assert discs(stack(), yield_stress_mpa=None).solids[5].yield_stress_mpa is None


def test_tetrahedra_have_the_middles_of_their_edges_too(make_tet10):
    mesh = make_tet10()
    along = mesh.cell_centres_mm()[:, 2]
    mesh = make_tet10(region=np.where(along > 9, 6, np.where(along < -9, 5, 1)))
    done = discs(mesh)
    for name, height in (("disc-superior", 14), ("disc-inferior", -14)):
        assert set(done.node_sets[name]) == set(np.flatnonzero(np.abs(mesh.points_mm[:, 2] - height) < 1e-6))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"superior": 7}, r"no region 7 for the superior disc; its regions are: 1 \(trabecular\), 3 \(process\)"),
        ({"inferior": "pot"}, "no region 'pot' for the inferior disc"),
        ({"superior": 5}, "are the same region"),
        ({"superior": 1}, "has no face outwards that could be loaded as disc-superior"),
    ],
)
def test_what_is_no_disc_is_refused(options, says):
    with pytest.raises(InputError, match=says):
        discs(stack(), **options)


def test_discs_without_bone_are_refused():
    mesh = stack()
    with pytest.raises(InputError, match="the two discs and no bone"):
        discs(mesh.part(np.isin(mesh.region, [5, 6])))
