"""`python -m culmann`: the same as the program `culmann`."""

from __future__ import annotations

from culmann.cli import main

main()
