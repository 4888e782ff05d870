"""What kind of file an ending stands for, as media types."""

from __future__ import annotations

_KINDS = {
    ".nii.gz": "application/gzip",
    ".nii": "application/octet-stream",
    ".nrrd": "application/octet-stream",
    ".vtu": "application/xml",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".json": "application/json",
    ".yaml": "application/yaml",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".html": "text/html",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".md": "text/markdown",
}


def media_type(name: str) -> str:
    """The media type of a file by its ending."""
    return next((kind for ending, kind in _KINDS.items() if name.lower().endswith(ending)), "application/octet-stream")
