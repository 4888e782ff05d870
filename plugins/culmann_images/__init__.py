"""Placeholder descriptors of culmann_images."""

from __future__ import annotations

api = 1
