"""Placeholder descriptors of culmann_segment."""

from __future__ import annotations

api = 1
