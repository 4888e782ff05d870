"""Placeholder descriptors of culmann_report."""

from __future__ import annotations

api = 1
