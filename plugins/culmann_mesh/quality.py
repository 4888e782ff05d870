"""How good tetrahedra are: scaled Jacobians, dihedral angles and volumes, as numbers, a sentence and a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from culmann.data.arrays import FloatArray, IntArray
from culmann.drawing import frame, lit, orientation_letters, png, scale_bar, view_from
from culmann.surface import Surface

_PERCENTILES = (0, 1, 5, 50, 95, 99, 100)


@dataclass(frozen=True, slots=True)
class Quality:
    """Per cell (n,), and dihedral angles (n, 6). A scaled Jacobian is 1 for a regular tetrahedron, 0 for a flat one.

    Parameters
    ----------
    volume_mm3
        Negative for a cell that is inside out.
    scaled_jacobian
        √2 times the determinant at a corner over the lengths of its three edges, at the worst corner.
    dihedral_deg
        The angles between faces; 70.5 in a regular tetrahedron.
    """

    volume_mm3: FloatArray
    scaled_jacobian: FloatArray
    dihedral_deg: FloatArray

    def facts(self) -> dict[str, object]:
        """What goes into the JSON file."""

        def spread(values: FloatArray) -> dict[str, float]:
            return {f"p{p}": round(float(v), 4) for p, v in zip(_PERCENTILES, np.percentile(values, _PERCENTILES), strict=True)}

        return {
            "cells": len(self.volume_mm3),
            "volume_mm3": round(float(self.volume_mm3.sum()), 3),
            "cell_volume_mm3": {"mean": round(float(self.volume_mm3.mean()), 4), **spread(self.volume_mm3)},
            "scaled_jacobian": spread(self.scaled_jacobian),
            "dihedral_deg": spread(self.dihedral_deg),
        }

    def sentence(self) -> str:
        """What goes into the history."""
        return (
            f"scaled Jacobian at least {self.scaled_jacobian.min():.3f}, median {np.median(self.scaled_jacobian):.2f}; "
            f"dihedral angles {self.dihedral_deg.min():.0f} to {self.dihedral_deg.max():.0f} degrees; "
            f"cells of {self.volume_mm3.mean():.3g} mm³ on average, {self.volume_mm3.min():.3g} to {self.volume_mm3.max():.3g}"
        )


def quality(points_mm: FloatArray, corners: IntArray) -> Quality:
    """Quality of straight tetrahedra: points (n, 3), corners (m, 4)."""
    at = points_mm[corners]
    sixfold = np.linalg.det(at[:, 1:] - at[:, :1])
    length = np.linalg.norm(at[:, :, None] - at[:, None, :], axis=3)
    length[:, range(4), range(4)] = 1
    jacobian = np.sqrt(2) * sixfold / np.maximum(length.prod(axis=2).max(axis=1), 1e-300)
    # Outward normals of the faces opposite to corners 0 to 3.
    faces = np.array([[1, 2, 3], [0, 3, 2], [0, 1, 3], [0, 2, 1]])
    a, b, c = (at[:, faces[:, n]] for n in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-300)
    pairs = np.array([[p, q] for p in range(4) for q in range(p + 1, 4)])
    cosine = np.einsum("nfx,nfx->nf", normal[:, pairs[:, 0]], normal[:, pairs[:, 1]])
    return Quality(sixfold / 6, jacobian, np.degrees(np.arccos(np.clip(-cosine, -1, 1))))


def quality_picture(surface: Surface, found: Quality, title: str) -> bytes:
    """A PNG: the surface with its triangles from two sides, and histograms of the three measures."""
    from matplotlib.collections import PolyCollection
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 5.2), layout="constrained")
    grid = figure.add_gridspec(3, 3, width_ratios=(1.25, 1.25, 0.8))
    up = np.array([0.0, 0.0, 1.0])
    bone = np.tile((0.86, 0.83, 0.76), (len(surface.triangles), 1))
    for column, (name, towards) in enumerate({"from the left": (1.0, 0, 0), "from behind": (0, 1.0, 0.0)}.items()):
        panel = figure.add_subplot(grid[:, column])
        view = view_from(np.array(towards) + 0.25 * up, up)
        seen = np.flatnonzero(surface.area_vectors_mm2() @ view.towards > 0)
        seen = seen[np.argsort(surface.centres_mm()[seen] @ view.towards, kind="stable")]
        flat = cast("list[FloatArray]", view.on_page(surface.corners_mm()[seen]))
        colours = lit(surface, bone, view)[seen]
        panel.add_collection(PolyCollection(flat, facecolors=colours, edgecolors=0.45 * colours, linewidths=0.2))
        frame(panel, view, surface.points_mm)
        orientation_letters(panel, view, "black", "white")
        scale_bar(panel, "black")
        panel.set_title(name, fontsize=10)
    measures = (
        (found.scaled_jacobian, "scaled Jacobian", (0.0, 1.0)),
        (found.dihedral_deg.ravel(), "dihedral angle, degrees", (0.0, 180.0)),
        (found.volume_mm3, "volume of a cell, mm³", (0.0, float(np.percentile(found.volume_mm3, 99.9)))),
    )
    for row, (values, name, limits) in enumerate(measures):
        panel = figure.add_subplot(grid[row, 2])
        panel.hist(values, bins=60, range=limits, color="0.45")
        panel.set_xlabel(f"{name}: {values.min():.3g} to {values.max():.3g}", fontsize=8)
        panel.tick_params(labelsize=7)
        panel.set_yticks([])
    figure.suptitle(title, fontsize=10)
    return png(figure, dpi=130)
