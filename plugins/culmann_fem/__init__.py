"""Placeholder descriptors of culmann_fem."""

from __future__ import annotations

api = 1
