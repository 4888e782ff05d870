"""Placeholder descriptors of culmann_calibration."""

from __future__ import annotations

api = 1
