"""Placeholder descriptors of culmann_vertebra."""

from __future__ import annotations

api = 1
