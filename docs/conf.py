"""How Sphinx builds the manual: `sphinx-build -W -b html docs docs/_build`."""

from __future__ import annotations

from importlib.metadata import version as version_of

project = "culmann"
author = "The culmann developers"
copyright = author  # noqa: A001  (the name that Sphinx reads)
version = release = version_of("culmann")

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_heading_anchors = 4
nitpicky = True

html_theme = "furo"
html_title = f"culmann {version}"
html_show_sourcelink = False
