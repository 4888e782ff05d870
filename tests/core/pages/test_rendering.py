"""Pages: numbers for the eye, data that comes out of a page as it went in, and the base template."""

from __future__ import annotations

import base64
import json
import math
import re
import zlib

import pytest

from culmann.pages import as_json, packed, picture_uri, render, rounded, spaced


@pytest.mark.parametrize(
    ("value", "said"),
    [(4888.2, "4 888"), (0.0, "0"), (-1234567.0, "-1 234 567"), (math.nan, "–")],
)
def test_whole_numbers_have_their_thousands_apart(value: float, said: str) -> None:
    assert spaced(value) == said.replace(" ", "\u202f")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.5169, "0.517"),
        (13794.0, "13 800"),
        (1.9, "1.90"),
        (0.0, "0"),
        (-0.0316, "-0.0316"),
        (6.855e-09, "6.86e-9"),
        (999.9, "1 000"),
    ],
)
def test_numbers_keep_three_digits_that_mean_something(value: float, said: str) -> None:
    assert rounded(value) == said.replace(" ", "\u202f")


def test_packed_bytes_are_deflated_base64() -> None:
    content = bytes(range(256)) * 40
    assert zlib.decompress(base64.b64decode(packed(content))) == content
    assert len(packed(content)) < len(content) / 4


def test_json_cannot_end_its_element_and_reads_back() -> None:
    value = {"a": "</script><!--<b>", "b": ["\u2028", "é", 1.5]}
    text = as_json(value)
    assert "<" not in text
    assert json.loads(text) == value
    with pytest.raises(ValueError):
        as_json({"a": math.inf})


def test_kind_of_a_picture_is_told_by_its_content() -> None:
    assert picture_uri(b"\x89PNG....").startswith("data:image/png;base64,")
    assert picture_uri(b"<svg/>").startswith("data:image/svg+xml;base64,")


def test_base_page_escapes_and_names_no_other_host(tmp_path) -> None:
    page = render("culmann.pages", "page.html").decode()
    assert "<main id=" in page
    assert "not a medical device" in page
    hosts = set(re.findall(r"(?:src|href)\s*=\s*[\"'](?!data:|#)([^\"']+)", page)) | set(re.findall(r"url\(([^)]+)\)", page))
    assert hosts == set()
