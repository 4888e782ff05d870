"""Exports: the same model for the solvers of other labs."""

from __future__ import annotations

api = 1
