"""CalculiX: the open referee, run as a separate program."""

from __future__ import annotations

api = 1
