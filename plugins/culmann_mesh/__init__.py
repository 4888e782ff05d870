"""Placeholder descriptors of culmann_mesh."""

from __future__ import annotations

api = 1
