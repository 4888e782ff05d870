"""Placeholder descriptors of culmann_strength."""

from __future__ import annotations

api = 1
