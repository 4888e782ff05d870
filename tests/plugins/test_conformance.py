"""Every plugin that ships keeps the contract, by the same kit that strangers use."""

from __future__ import annotations

from importlib.metadata import entry_points

import pytest

from culmann.testing import check_plugin

SHIPPED = sorted(entry.module for entry in entry_points(group="culmann") if entry.dist and entry.dist.name == "culmann")

#: For steps that do nothing without being told what.
_CERTIFICATE = {"serial": "made up", "model": "b-mas200"}
OPTIONS = {
    "asynchronous-calibration": {"certificate": _CERTIFICATE},
    "convert-density": {"conversion": "k2hpo4-to-ash"},
    "dilate-labels": {"voxels": 1},
    "erode-labels": {"voxels": 1},
    "femur-law": {"law": "keyak-1998"},
    "identity-density": {"unit": "mg/cm3", "kind": "qct-ha"},
    "keep-side": {"side": "left"},
    "labelled-discs": {"superior": 2, "inferior": 1},
    "linear-calibration": {"slope": 0.001, "intercept": 0.0, "kind": "ash", "assumed": False},
    "normalise-intensity": {"method": "z-score"},
    "phantom-calibration": {"certificate": _CERTIFICATE},
    "resample": {"spacing_mm": 2},
    "resample-density": {"spacing_mm": 2},
    "resample-labels": {"spacing_mm": 2},
    "tissue-calibration": {"references_mg_cc": {"air": -800, "fat": -90, "muscle": 40}, "kind": "qct-ha"},
    "vertebra-law": {"law": "kopperdahl-2002"},
}


@pytest.mark.parametrize("plugin", SHIPPED)
def test_shipped_plugin_keeps_the_contract(plugin: str) -> None:
    check_plugin(plugin, options=OPTIONS)
