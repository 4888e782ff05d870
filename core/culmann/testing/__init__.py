"""The conformance kit: one call that holds a plugin to culmann's contract, for the plugin's own tests.

>>> from culmann.testing import check_plugin
>>> check_plugin("culmann_strength")
"""

from __future__ import annotations

from culmann.testing.check import check_plugin, find_faults
from culmann.testing.samples import response_with_curve, row_of_cells

__all__ = ["check_plugin", "find_faults", "response_with_curve", "row_of_cells"]
