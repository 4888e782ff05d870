"""The command line: each command reads its arguments and calls the library."""

from __future__ import annotations

from culmann.cli.app import app, main

__all__ = ["app", "main"]
