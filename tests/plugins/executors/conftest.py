"""The ward, in which cohorts fail as they are told to."""

from __future__ import annotations

from cohort_ward import ward

__all__ = ["ward"]
