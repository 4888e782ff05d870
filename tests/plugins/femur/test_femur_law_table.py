"""femur-law against hand-computed values of the published formulas, and what it says of strengths that a law does not give."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError

from culmann.errors import InputError
from culmann.journal import QuietJournal
from culmann_femur.relatives import LAWS, FemurLawConfig, femur_law

#: law, density, modulus, yield stress with its own strength (None: none of its own); worked out with a calculator.
VALUES = [
    ("keyak-1998", 0.2, 982.92, None),
    ("keyak-1998", 0.27, 1901.6, None),
    ("keyak-1998", 0.4, 5307 * 0.4 + 469, None),
    ("keyak-1998", 0.6, 5307 * 0.6 + 469, None),
    ("keyak-1998", 1.0, 10200.0, None),
    ("keyak-1998-strength-unverified", 1.0, 10200.0, 114.0),
    ("morgan-2003-femoral-neck", 0.5, 2438.7, None),
    ("morgan-2003-trochanter", 0.25, 730.96, None),
    ("morgan-2003-pooled", 1.0, 8920.0, None),
    ("keller-1994-femur", 0.5, 2147.0, None),
    ("kaneko-2004", 0.25, 1167.6, None),
    ("carter-hayes-1977", 0.5, 3790 * 0.125 * 0.01**0.06, None),
    ("keaveny-hip-neck", 0.5, 1.28 * 2438.7, 0.0085 * 1.28 * 2438.7),
    ("keaveny-hip-trochanter", 0.25, 1.28 * 730.96, 0.0070 * 1.28 * 730.96),
]


@pytest.mark.parametrize(("name", "rho", "modulus", "strength"), VALUES)
def test_values(make_bone, name, rho, modulus, strength):
    journal = QuietJournal()
    mesh, density = make_bone(np.full((2, 2, 2), rho), 2.0, LAWS[name].takes)
    said = femur_law(mesh, density, FemurLawConfig(law=name, largest_share_outside=1), journal)
    assert said.youngs_modulus_mpa == pytest.approx(np.full(8, modulus), rel=2e-4)
    assert said.stress_mpa[:, 0] == pytest.approx(np.full(8, 0.0085 * modulus if strength is None else strength), rel=2e-4)
    assert any("gives no strength" in told for told in journal.warnings) == (strength is None)
    assert any("not checked against their source" in told for told in journal.warnings) == name.endswith("-unverified")
    assert (said.law, said.unloading, said.stress_mpa.shape[1]) == (name, "plastic", 1)


@pytest.mark.parametrize("name", LAWS)
def test_pieces_meet_and_unverified_laws_say_so(name):
    law = LAWS[name]
    for pieces in filter(None, (law.modulus, law.strength)):
        for below, above in pairwise(pieces):
            end = below.upto
            low, high = (piece.a * end**piece.b + piece.c for piece in (below, above))
            assert low == pytest.approx(high, rel=0.01)
    assert law.verified == (not name.endswith("-unverified"))


def test_a_stated_yield_strain_and_rate_need_no_caveat(make_bone):
    journal = QuietJournal()
    mesh, density = make_bone(np.full((2, 2, 2), 0.5), 2.0, "apparent")
    said = femur_law(mesh, density, FemurLawConfig(law="carter-hayes-1977", yield_strain=0.007, strain_rate_per_s=1.0), journal)
    assert said.youngs_modulus_mpa == pytest.approx(np.full(8, 3790 / 8))
    assert said.stress_mpa[:, 0] == pytest.approx(np.full(8, 0.007 * 3790 / 8))
    assert journal.warnings == []


def test_ash_and_apparent_are_not_mixed_up(make_bone):
    mesh, density = make_bone(np.full((2, 2, 2), 0.5), 2.0, "ash")
    with pytest.raises(InputError, match="takes a density of kind 'apparent' and was given 'ash'") as error:
        femur_law(mesh, density, FemurLawConfig(law="morgan-2003-pooled"), QuietJournal())
    assert "convert-density" in error.value.hint
    with pytest.raises(ValidationError, match="keyak-1998"):
        FemurLawConfig(law="keyak")


def test_the_help_lists_every_law():
    for name, law in LAWS.items():
        assert f"{name}: {law.takes}, {law.source}" in str(femur_law.__doc__)
