"""Small JSON files beside the arrays: written sorted and readable, read back as plain values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_json(path: Path, facts: dict[str, Any]) -> None:
    """Write facts as UTF-8 JSON. NaN and infinity are refused: they are not JSON."""
    path.write_text(json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote."""
    facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return facts
