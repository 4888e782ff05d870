"""Colours of fields: perceptually even maps that serve eyes that see fewer colours, and one for each phase of a law."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from culmann.data import Materials
from culmann.data.arrays import BoolArray, FloatArray

#: {field: (map of matplotlib, from, to)}. Strain begins light, so that a bone that does nothing is pale.
_MAPS = {"density": ("viridis", 0.0, 1.0), "strain": ("magma_r", 0.0, 0.9)}
#: Elastic, then each phase (after Okabe and Ito, apart in lightness too).
_PHASES = ("#dcd3bf", "#e69f00", "#cc4c02", "#7a1f5c", "#2c2a6b", "#111111")
_STEPS = 32


@functools.cache
def colour_map(field: str) -> tuple[str, ...]:
    """Colours in equal steps, from low to high."""
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    name, low, high = _MAPS[field]
    return tuple(to_hex(colormaps[name](at)) for at in np.linspace(low, high, _STEPS))


def phase_colour(phase: int) -> str:
    """The colour of a phase; those beyond the last have its colour."""
    return _PHASES[min(phase, len(_PHASES) - 1)]


def phase_names(materials: Materials | None, is_bone: BoolArray, highest: int) -> Sequence[str]:
    """What each phase means, read off the pieces of the law's curve: 0 to `highest`."""
    names = ["elastic"]
    curve = None if materials is None or materials.stress_update is not None else materials.stress_mpa[is_bone]
    points = 0 if curve is None else curve.shape[1]
    fell = False
    for phase in range(1, highest + 1):
        if curve is None or phase > points:
            names.append("yielded" if highest == 1 else f"piece {phase} of the curve")
            continue
        rise = 0.0 if phase == points else float(np.median(curve[:, phase] / curve[:, phase - 1])) - 1
        if rise < -1e-6:
            names.append("softening")
            fell = True
        elif rise > 1e-6:
            names.append("hardening")
        else:
            names.append("residual stress" if fell else "yielding at constant stress")
    return names


def round_top(values: FloatArray, share: float = 98.0) -> float:
    """A round number near the highest values, past what a few reach."""
    positive = values[values > 0]
    if not len(positive):
        return 0.01
    top = max(float(np.percentile(positive, share)), 1e-9)
    unit = 10.0 ** np.floor(np.log10(top))
    return float(unit * min(n for n in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if n * unit >= top * (1 - 1e-9)))
