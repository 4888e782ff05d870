"""One look for every page that culmann writes: a base template with its style and script, and what the pages are made with.

A page extends `page.html`, comes out as one file with everything inside, and asks no network for anything. Templates of a
plugin lie in its own folder `templates`; its style and script go into the blocks `style` and `script`.
"""

from __future__ import annotations

from culmann.pages.embedding import as_json, packed, picture_uri
from culmann.pages.numbers import rounded, spaced
from culmann.pages.rendering import asset, render

__all__ = ["as_json", "asset", "packed", "picture_uri", "render", "rounded", "spaced"]
