"""Data inside a page: JSON that a script element can hold, pictures and packed arrays."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

from markupsafe import Markup

_KINDS = {b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"RIFF": "image/webp"}


def as_json(value: Any) -> Markup:
    """JSON for `<script type="application/json">`: nothing in it ends the element or begins a comment.

    Raises
    ------
    ValueError
        When a number is not finite, which JSON does not know.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029"))


def packed(content: bytes) -> str:
    """Bytes deflated and in base64; `page.js` has `unpacked(id)` for them."""
    return base64.b64encode(zlib.compress(content, 6)).decode("ascii")


def picture_uri(content: bytes) -> str:
    """A picture as the source of an `<img>`; the kind is told by its first bytes."""
    kind = next((kind for begin, kind in _KINDS.items() if content.startswith(begin)), "image/svg+xml")
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
