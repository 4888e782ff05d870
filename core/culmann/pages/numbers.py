"""Numbers for the eye: so many digits as mean something, groups of thousands apart."""

from __future__ import annotations

import math

#: A narrow space that does not break.
_SPACE = "\u202f"


def spaced(value: float) -> str:
    """A whole number, thousands apart: 4 888."""
    return "–" if not math.isfinite(value) else f"{value:,.0f}".replace(",", _SPACE)


def rounded(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, never as a power of ten where it can be read otherwise: 0.517, 13 800."""
    if not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    places = digits - 1 - math.floor(math.log10(abs(value)))
    if places > digits + 4:
        return f"{value:.{digits - 1}e}".replace("e-0", "e-")
    return f"{round(value, places):,.{max(places, 0)}f}".replace(",", _SPACE)
