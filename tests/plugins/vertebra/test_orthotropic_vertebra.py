"""Orthotropic bone: its axes on tilted bodies, its constants, and what voxels refuse."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import numpy as np
import pytest

from culmann.data import DensityMap, Grid, Materials, Mesh
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.testing.samples import bar
from culmann.voxels import hexahedra
from culmann_fem.native import NativeSolverConfig, native_solver
from culmann_vertebra.endplates import EndplatesConfig, endplates
from culmann_vertebra.kopperdahl import KopperdahlConfig, kopperdahl

_spec = spec_from_file_location("bodies", Path(__file__).with_name("conftest.py"))
assert _spec is not None
assert _spec.loader is not None
bodies = module_from_spec(_spec)
_spec.loader.exec_module(bodies)


@pytest.fixture(autouse=True)
def _no_pictures(monkeypatch):
    monkeypatch.setattr("culmann_vertebra.endplates.endplate_picture", lambda *_: b"")


def law(mesh: Mesh, journal: QuietJournal | None = None, **options: object) -> Materials:
    grid = Grid((40, 40, 40), (3.0, 3.0, 3.0), (-58.0, -58.0, -58.0))
    density = DensityMap(grid, np.full(grid.shape, 0.2, dtype=np.float32), "qct-k2hpo4")
    return kopperdahl(mesh, density, KopperdahlConfig(**{"orthotropic": {}, **options}), journal or QuietJournal())


def with_plates(mesh: Mesh) -> Mesh:
    return endplates(mesh, EndplatesConfig(), QuietJournal())


@pytest.mark.parametrize("tilt", [0, 15, 40])
def test_the_stiff_axis_is_that_of_the_vertebra(tilt):
    bone = law(with_plates(bodies.round_tetrahedra(tilt)))
    assert bone.orthotropy is not None
    z = bodies.axis_of(tilt)
    assert np.abs(bone.orthotropy.axes[2] - z).max() < 1e-6
    # 1 / E along a direction is the compliance there: E along the axis, a third of it across.
    compliance = np.linalg.inv(bone.orthotropy.stiffness())
    assert 1 / np.diag(compliance) == pytest.approx([1 / 3, 1 / 3, 1, 0.121, 0.157, 0.157])
    assert -compliance[1, 0] / compliance[0, 0] == pytest.approx(0.11)
    assert -compliance[2, 0] / compliance[0, 0] == pytest.approx(0.11)
    # y is as posterior as it can be, x leads to the left.
    assert bone.orthotropy.axes[1] @ [0, 1, 0] > 0.75
    assert np.linalg.det(bone.orthotropy.axes) == pytest.approx(1)
    assert bone.orthotropy.axes[0] @ [1, 0, 0] > 0.7


def test_voxels_take_their_nearest_edges_or_refuse():
    journal = QuietJournal()
    bone = law(with_plates(bodies.voxels(tilt_deg=10)), journal)
    assert np.array_equal(np.abs(bone.orthotropy.axes.round(9)), np.eye(3))
    assert any("degrees from the edges of the voxels" in told for told in journal.warnings)
    tilted = with_plates(bodies.voxels(tilt_deg=20))
    with pytest.raises(InputError, match=r"(19|20)\.\d degrees from the edges of the voxels") as error:
        law(tilted)
    assert "resample" in error.value.hint
    assert "tetrahedra" in error.value.hint
    assert law(tilted, orthotropic={"largest_turn_deg": 30}).orthotropy is not None


@pytest.mark.parametrize(("order", "backwards"), bodies.ORDERS[::5])
def test_the_order_of_the_voxels_in_the_file_plays_no_part(order, backwards):
    grid, region = bodies.body()
    turned = hexahedra(*bodies.reordered(grid, region, order, backwards), {1: "body"})
    bone = law(with_plates(turned))
    assert np.allclose(np.abs(bone.orthotropy.axes), np.eye(3), atol=1e-9)
    assert np.linalg.det(bone.orthotropy.axes) == pytest.approx(1)


def test_a_column_is_a_third_as_stiff_across():
    """A bar pressed between smooth plates is as stiff as E A / L says: with E along the vertebra, with E / 3 across it."""
    mesh, load = bar((2, 2, 6), (2.0, 2.0, 2.0), 0.001)
    x, _, z = mesh.points_mm.T
    upright = {"endplate-superior": np.flatnonzero(z == z.max()), "endplate-inferior": np.flatnonzero(z == z.min())}
    lying = {"endplate-superior": np.flatnonzero(x == x.max()), "endplate-inferior": np.flatnonzero(x == x.min())}
    force = {}
    for name, sets in {"upright": upright, "lying": lying}.items():
        bone = law(replace(mesh, node_sets=sets), strength="elastic")
        assert bone.is_linear
        force[name] = native_solver(mesh, bone, load, NativeSolverConfig(), QuietJournal()).force_n[-1]
    assert force["upright"] == pytest.approx(611.3 * 16 * 0.001, rel=1e-5)
    assert force["lying"] == pytest.approx(force["upright"] / 3, rel=1e-5)


def test_without_endplates_there_is_no_axis():
    with pytest.raises(InputError, match="no node set endplate-superior, and so no axis") as error:
        law(bodies.voxels())
    assert "put the step `endplates` before the law" in error.value.hint


def test_ratios_that_create_energy_are_refused():
    with pytest.raises(InputError, match="energy could come from nothing"):
        law(with_plates(bodies.voxels()), orthotropic={"along_poisson_ratio": 0.9})
