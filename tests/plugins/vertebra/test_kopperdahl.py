"""Kopperdahl's law against printed values."""

from __future__ import annotations

import numpy as np
import pytest

from culmann.data import DensityMap, Grid, Solid
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_vertebra.kopperdahl import KopperdahlConfig, kopperdahl

#: rho, E linear, 1.5 % of it, -0.75 + 24.9 rho, E power, 37.4 rho^1.39, as tabulated for the published laws.
TABLE = [
    (0.05, 126.8, 1.902, 0.495, 128.273, 0.58135),
    (0.10, 288.3, 4.3245, 1.740, 265.593, 1.52360),
    (0.15, 449.8, 6.747, 2.985, 406.548, 2.67694),
    (0.20, 611.3, 9.1695, 4.230, 549.918, 3.99304),
    (0.30, 934.3, 14.0145, 6.720, 841.770, 7.01569),
    (0.40, 1257.3, 18.8595, 9.210, 1138.621, 10.4649),
]


def curve(rho: float, **options: object) -> tuple[float, float]:
    bone = kopperdahl.culmann_law.curve(np.array([rho]), KopperdahlConfig(**options))
    return float(bone.youngs_modulus_mpa[0]), float(bone.stress_mpa[0])


@pytest.mark.parametrize(("rho", "linear", "strain", "yield_linear", "power", "yield_power"), TABLE)
def test_the_tabulated_values(rho, linear, strain, yield_linear, power, yield_power):
    assert curve(rho) == pytest.approx((linear, strain), rel=1e-9)
    assert curve(rho, strength="kopperdahl-linear")[1] == pytest.approx(yield_linear, rel=1e-9)
    assert curve(rho, modulus="power", strength="kopperdahl-power") == pytest.approx((power, yield_power), rel=1e-5)


def test_marrow_and_fat_get_the_floor():
    for rho in (-0.3, 0.0, 34.7 / 3230):
        assert curve(rho) == pytest.approx((0.01, 0.01 * 0.015))
        assert curve(rho, modulus_floor_mpa=1.0, yield_strain=0.007) == pytest.approx((1.0, 0.007))
    assert curve(-0.3, modulus="power", strength="kopperdahl-power") == pytest.approx((0.01, 0.01 * 0.015))
    # The line of the strength is negative below 0.0301 g/cm3, where the modulus is not yet at its floor.
    assert curve(0.02, strength="kopperdahl-linear") == pytest.approx((29.9, 0.01 * 0.015))


def test_a_mesh_with_cement():
    grid = Grid((3, 1, 1), (2.0, 2.0, 2.0))
    mesh = hexahedra(grid, np.array([[[1, 1, 2]]]), {1: "bone", 2: "cement"}, solids={2: Solid(2500.0, 0.3, 70.0)})
    fine = Grid((6, 2, 2), (1.0, 1.0, 1.0), (-0.5, -0.5, -0.5))
    rho = np.zeros(fine.shape, dtype=np.float32)
    rho[..., :2], rho[..., 2], rho[..., 3] = 0.2, 0.3, -0.1
    density = DensityMap(fine, rho, "qct-k2hpo4")
    by_modulus = kopperdahl(mesh, density, KopperdahlConfig(), QuietJournal())
    # The second cell is half bone and half fat: it gets half of the bone's stiffness, not that of the mean density.
    assert by_modulus.youngs_modulus_mpa == pytest.approx([611.3, (934.3 + 0.01) / 2, 2500.0], rel=1e-6)
    assert by_modulus.stress_mpa[:, 0] == pytest.approx([9.1695, 0.015 * (934.3 + 0.01) / 2, 70.0], rel=1e-6)
    by_density = kopperdahl(mesh, density, KopperdahlConfig(averaging="density"), QuietJournal())
    assert by_density.youngs_modulus_mpa[1] == pytest.approx(-34.7 + 3230 * 0.1, rel=1e-6)
    assert (by_modulus.law, by_modulus.criterion, by_modulus.unloading) == ("kopperdahl", "von-mises", "plastic")


def test_bone_that_the_law_says_nothing_about_is_refused():
    grid = Grid((20, 1, 1), (1.0, 1.0, 1.0))
    mesh = hexahedra(grid, np.ones(grid.shape, dtype=int), {})

    def warnings_of(inside: int, **options: object) -> list[str]:
        rho = np.full(grid.shape, 0.04, dtype=np.float32)
        rho[..., :inside] = 0.2
        journal = QuietJournal()
        kopperdahl(mesh, DensityMap(grid, rho, "qct-k2hpo4"), KopperdahlConfig(**options), journal)
        return journal.warnings

    assert warnings_of(18) == []
    (told,) = warnings_of(2)
    assert told.startswith("90 % of the cells lie below and 0 % above")
    with pytest.raises(InputError, match="95 % of the cells lie below") as error:
        warnings_of(1)
    assert "`largest_share_outside: 1`" in error.value.hint
    assert warnings_of(0, largest_share_outside=1)[0].startswith("100 % of the cells lie below")


def test_another_density_is_refused():
    grid = Grid((1, 1, 1), (1.0, 1.0, 1.0))
    density = DensityMap(grid, np.full(grid.shape, 0.2, dtype=np.float32), "ash")
    with pytest.raises(InputError, match="takes a density of kind 'qct-k2hpo4'"):
        kopperdahl(hexahedra(grid, np.ones(grid.shape, dtype=int), {}), density, KopperdahlConfig(), QuietJournal())
