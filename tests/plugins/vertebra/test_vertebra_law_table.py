"""vertebra-law against hand-computed values of the published formulas, and what it says of facts that a source leaves out."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from culmann.data import DensityMap, Grid, Materials
from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann.voxels import hexahedra
from culmann_vertebra.kopperdahl import KopperdahlConfig, kopperdahl
from culmann_vertebra.relatives import LAWS, VertebraLawConfig, vertebra_law

#: law, density, modulus, yield stress (None: none of its own); worked out with a calculator from the printed formulas.
VALUES = [
    ("kopperdahl-2002", 0.05, 126.8, 0.495),
    ("kopperdahl-2002", 0.40, 1257.3, 9.210),
    ("kopperdahl-2002-power", 0.10, 265.593, 1.52360),
    ("kopperdahl-2002-power", 0.30, 841.770, 7.01569),
    ("keaveny-spine", 0.10, 1.28 * 265.593, 1.536 * 1.52360),
    ("keaveny-spine", 0.30, 1.28 * 841.770, 1.536 * 7.01569),
    ("prado", 1.0, 10494.0, 0.015 * 10494.0),
    ("prado", 0.2, 852.24, 0.015 * 0.2**-0.4 * 852.24),
    ("morgan-2003-vertebra", 0.25, 544.06, None),
    ("keller-1994-spine", 0.1, 22.722, None),
    ("keaveny-1997-lumbar", 0.2, 250.0, None),
    ("kopperdahl-keaveny-1998", 0.2, 340.0, None),
]


def said(name: str, rho: float, journal: QuietJournal | None = None, kind: str | None = None, **options: object) -> Materials:
    grid = Grid((2, 1, 1), (1.0, 1.0, 1.0))
    density = DensityMap(grid, np.full(grid.shape, rho, dtype=np.float32), kind or LAWS[name].takes)
    mesh = hexahedra(grid, np.ones(grid.shape, dtype=int), {1: "bone"})
    config = VertebraLawConfig(law=name, largest_share_outside=1, **options)
    return vertebra_law(mesh, density, config, journal or QuietJournal())


@pytest.mark.parametrize(("name", "rho", "modulus", "strength"), VALUES)
def test_values(name, rho, modulus, strength):
    journal = QuietJournal()
    bone = said(name, rho, journal)
    assert bone.youngs_modulus_mpa == pytest.approx(np.full(2, modulus), rel=1e-4)
    assert bone.stress_mpa[:, 0] == pytest.approx(np.full(2, 0.007 * modulus if strength is None else strength), rel=1e-4)
    assert any("gives no strength" in told for told in journal.warnings) == (strength is None)
    assert any("does not say which density" in told for told in journal.warnings) == ("keaveny-1" in name)
    assert (bone.law, bone.unloading) == (name, "plastic")
    assert bone.criterion == ("tresca" if name == "kopperdahl-2002-power" else "von-mises")


@pytest.mark.parametrize("name", LAWS)
def test_marrow_and_fat_get_the_floor(name):
    bone = said(name, 0.02, averaging="density", modulus_floor_mpa=5000.0)
    assert bone.youngs_modulus_mpa == pytest.approx([5000.0, 5000.0])
    journal = QuietJournal()
    assert (said(name, 0.3, journal, yield_strain=0.01).stress_mpa[:, 0] > 0).all()
    assert not any("gives no strength" in told for told in journal.warnings)


@pytest.mark.parametrize("strain", [0.007, 0.008, 0.010, 0.012, 0.015, 0.020])
def test_the_yield_strains_of_mekanos(strain):
    assert said("kopperdahl-2002", 0.2, yield_strain=strain).stress_mpa[:, 0] == pytest.approx(np.full(2, strain * 611.3))


def test_the_step_kopperdahl_and_the_table_agree():
    for name, options in {
        "kopperdahl-2002": {"strength": "kopperdahl-linear"},
        "kopperdahl-2002-power": {"modulus": "power", "strength": "kopperdahl-power", "criterion": "tresca"},
    }.items():
        rho = np.array([0.05, 0.1, 0.2, 0.4])
        own = kopperdahl.culmann_law.curve(rho, KopperdahlConfig(**options))
        for n, r in enumerate(rho):
            bone = said(name, r)
            assert bone.youngs_modulus_mpa[0] == pytest.approx(own.youngs_modulus_mpa[n], rel=1e-6)
            assert bone.stress_mpa[0, 0] == pytest.approx(own.stress_mpa[n], rel=1e-6)
            assert bone.criterion == KopperdahlConfig(**options).criterion


def test_the_criterion_can_be_chosen_and_densities_are_not_mixed_up():
    assert said("kopperdahl-2002-power", 0.2, criterion="von-mises").criterion == "von-mises"
    assert said("prado", 0.2, criterion="tresca").criterion == "tresca"
    with pytest.raises(InputError, match="takes a density of kind 'ash' and was given 'qct-k2hpo4'"):
        said("prado", 0.2, kind="qct-k2hpo4")
    with pytest.raises(ValidationError, match="kopperdahl-2002"):
        VertebraLawConfig(law="kopperdahl")


def test_the_help_lists_every_law():
    for name, law in LAWS.items():
        assert f"{name}: {law.takes}, {law.source}" in str(vertebra_law.__doc__)
    assert "E = 3230 rho - 34.7; strength 24.9 rho - 0.75; measured from 0.09 to 0.38" in str(vertebra_law.__doc__)
