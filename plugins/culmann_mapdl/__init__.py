"""Ansys through PyMAPDL, where it is licensed."""

from __future__ import annotations

api = 1
