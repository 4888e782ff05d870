"""Femurs: laws of femoral bone, landmarks, stance and sideways fall."""

from __future__ import annotations

api = 1
