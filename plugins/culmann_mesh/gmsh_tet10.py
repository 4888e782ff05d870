"""gmsh-tet10: labels through a smooth closed surface into quadratic tetrahedra of an asked volume."""

from __future__ import annotations

import json
from typing import Literal

import numpy as np
from pydantic import Field

from culmann.config import Config
from culmann.data import Labels, Mesh
from culmann.data.arrays import FloatArray, IntArray
from culmann.errors import InputError
from culmann.journal import Journal
from culmann.surface import Surface, self_intersections
from culmann.tetrahedra import straight_tet10
from culmann_mesh.curved import curve_sides, volume_mm3
from culmann_mesh.gmsh_process import tetrahedra
from culmann_mesh.holes import check_holes
from culmann_mesh.interfaces import Regions, follow_labels
from culmann_mesh.one_part import along_patient_axes, one_part
from culmann_mesh.quality import Quality, quality, quality_picture
from culmann_mesh.remesh import calmed, remeshed
from culmann_mesh.smooth_surface import SmoothBody, smooth_body, voxels_off, with_volume
from culmann_mesh.voxel_mesh import cut_points

#: Mean volume of gmsh's tetrahedra over the cube of the edge length of the surface: this less `_THIN` x edge x area / volume of
#: the body. Measured on a vertebra with edges of 1.3 to 5 mm; a mesh that misses by more than `_MISS` is made again.
_BULKY, _THIN, _MISS = 0.299, 0.109, 0.1
_ATTEMPTS = 3
#: A mesh whose volume differs from that of the labels by more than this share gets a caveat.
_VOLUME_CHANGE = 0.01
#: For the estimate before a large mesh: GB of memory and seconds for a million cells here, and in a plastic run of our solver.
_MESH_GB, _MESH_S, _SOLVE_GB, _SOLVE_S = 2.0, 120.0, 5.0, 1200.0


class GmshTet10Config(Config):
    """Options of `gmsh-tet10`."""

    element_volume_mm3: float = Field(1.0, gt=0, description="Mean volume of the tetrahedra, mm³; met within 15 %.")
    curved_sides: bool = Field(
        False,
        description="Move the middle nodes of the outer sides onto the smooth surface, wherever the cell stays good.",
    )
    expected_holes: int = Field(
        1,
        ge=0,
        description="Holes through the bone that it has by nature, such as that of a vertebra with its arch. More are told.",
    )
    more_holes: Literal["warn", "refuse"] = Field("warn", description="What to do when there are more holes than expected.")
    largest_other_part: float = Field(
        0.05,
        gt=0,
        le=1,
        description="Labels in several parts are refused when a second one has more than this share of the volume of the "
        "largest; smaller parts are dropped and told.",
    )
    smallest_scaled_jacobian: float = Field(
        0.05, ge=0, lt=1, description="A mesh with a worse cell is refused; 1 is a regular tetrahedron, 0 a flat one."
    )
    max_elements: int = Field(5_000_000, ge=1, description="A mesh that would have more cells is refused, with an estimate.")
    force: bool = Field(False, description="Make the mesh even if it has more than `max_elements` cells.")
    time_limit_s: float = Field(3600.0, gt=0, exclude=True, description="After so many seconds a run of gmsh is ended.")


def gmsh_tet10(labels: Labels, config: GmshTet10Config, journal: Journal) -> Mesh:
    """Build quadratic tetrahedra inside a smooth surface of what is labelled; labels become regions.

    The surface is the smoothest one that parts the voxel centres as the labels do, moved in or out until its volume is theirs.
    It is remeshed to triangles of the edge length that gives the asked volume, and gmsh (HXT, one thread, a fixed seed) fills
    it in a process of its own. The same labels give the same mesh. Where there are several labels, the faces between regions
    follow the borders between labels, and the mesh is conforming everywhere.

    The largest part that voxel faces connect is kept, hollows inside of it are filled. Points within half a voxel of a side of
    the image where labels end are the node set `field-of-view-border`.

    Parameters
    ----------
    labels
        What is to be meshed. Spacings may differ along the axes, and the image may lie in any pose.
    config
        Options.
    journal
        Gets the picture `mesh.png`, the numbers `mesh_quality.json`, `gmsh.log` and the warnings.

    Raises
    ------
    InputError
        When nothing is labelled, there are several large parts, more holes than accepted, too many cells, a surface that cuts
        itself, or a cell that is too flat.
    PluginError
        When gmsh is missing.
    SolverError
        When gmsh crashes, fails or takes too long.
    """
    labels = along_patient_axes(labels)
    told: list[str] = []
    inside = one_part(labels, config.largest_other_part, told, journal)
    volume = float(inside.sum()) * labels.grid.voxel_volume_mm3
    _refuse_too_many(volume, config)
    journal.progress("smooth surface of the labels")
    body = with_volume(smooth_body(inside, labels.grid), volume)
    start = body.surface()
    told.append(check_holes(start, inside, labels.grid, config.expected_holes, config.more_holes, journal))
    surface, points, corners = _filled(body, start, volume, config, journal)
    regions = follow_labels(points, corners, labels, inside, body, config.smallest_scaled_jacobian)
    found = quality(regions.points_mm, corners)
    _refuse_flat(found, regions.points_mm, corners, config.smallest_scaled_jacobian)
    points, cells = straight_tet10(regions.points_mm, corners)
    if config.curved_sides:
        points, curved, kept_straight = curve_sides(points, cells, body, config.smallest_scaled_jacobian)
        told.append(f"{curved} edges of the surface are curved, {kept_straight} stay straight for the sake of their cells")
    off = voxels_off(surface.points_mm, inside, labels.grid)
    told += _told(surface, found, regions, volume_mm3(points, cells) / volume, off, journal)
    _attach(surface, found, off, regions, told, journal)
    present = labels.present()
    return Mesh(
        points_mm=points,
        cells=cells,
        cell_type="tet10",
        region=regions.region,
        region_names={int(v): present[int(v)] for v in np.unique(regions.region)},
        node_sets={"field-of-view-border": cut_points(points, labels, labels.grid.spacing_mm)},
        placement=labels.placement,
        history=(*labels.history, f"gmsh-tet10: {'; '.join(told)}"),
    )


def _refuse_too_many(volume_mm3: float, config: GmshTet10Config) -> None:
    estimate = volume_mm3 / config.element_volume_mm3
    if estimate > config.max_elements and not config.force:
        millions = estimate / 1e6
        raise InputError(
            f"the mesh would have about {estimate:,.0f} tetrahedra of {config.element_volume_mm3:g} mm³, and "
            f"{config.max_elements:,} are allowed: it would take about {_MESH_GB * millions:.0f} GB and "
            f"{_MESH_S * millions / 60:.0f} minutes, and a plastic run with it {_SOLVE_GB * millions:.0f} GB and "
            f"{_SOLVE_S * millions / 3600:.1f} hours",
            hint="choose a larger `element_volume_mm3`, or say `force: true`",
        )


def _filled(
    body: SmoothBody, start: Surface, wanted_mm3: float, config: GmshTet10Config, journal: Journal
) -> tuple[Surface, FloatArray, IntArray]:
    """The surface in triangles and its tetrahedra; made again with another edge length where their mean volume is off."""
    area = float(np.linalg.norm(start.area_vectors_mm2(), axis=1).sum())
    edge = (config.element_volume_mm3 / _BULKY) ** (1 / 3)
    for _ in range(30):
        share = max(_BULKY - _THIN * edge * area / wanted_mm3, 0.1)
        edge = (edge + (config.element_volume_mm3 / share) ** (1 / 3)) / 2
    for attempt in range(_ATTEMPTS):
        journal.progress(f"surface with edges of {edge:.2f} mm")
        surface = remeshed(start, body, edge)
        if not config.curved_sides:
            surface = _with_the_volume(surface, edge, wanted_mm3)
        surface = calmed(surface)
        _refuse_cut(surface)
        journal.progress(f"gmsh fills {len(surface.triangles):,} triangles")
        points, corners = tetrahedra(surface, config.time_limit_s, journal)
        miss = wanted_mm3 / len(corners) / config.element_volume_mm3
        if abs(miss - 1) <= _MISS or attempt == _ATTEMPTS - 1:
            break
        edge *= miss ** (-1 / 3)
    if abs(miss - 1) > 0.15:
        got, asked = miss * config.element_volume_mm3, config.element_volume_mm3
        journal.warn(f"the tetrahedra have {got:.3g} mm³ on average, not {asked:g}: the bone is too thin for them")
    return surface, points, corners


def _with_the_volume(surface: Surface, edge_mm: float, wanted_mm3: float) -> Surface:
    """The surface moved out or in a little: straight triangles cut corners, and the volume is to stay that of the labels."""
    for _ in range(2):
        area = float(np.linalg.norm(surface.area_vectors_mm2(), axis=1).sum())
        by = float(np.clip((wanted_mm3 - surface.volume_mm3()) / area, -0.1 * edge_mm, 0.1 * edge_mm))
        normal = np.zeros_like(surface.points_mm)
        for corner in surface.triangles.T:
            np.add.at(normal, corner, surface.area_vectors_mm2())
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-300)
        surface = Surface(surface.points_mm + by * normal, surface.triangles)
    return surface


def _refuse_cut(surface: Surface) -> None:
    cut = self_intersections(surface)
    if len(cut):
        at = surface.centres_mm()[cut].reshape(-1, 3)
        raise InputError(
            f"the surface cuts itself in {len(cut)} places, the first around {at[0].round(1).tolist()} mm (LPS)",
            hint="the bone is thinner there than the elements: ask for a smaller `element_volume_mm3`, or mend the labels",
        )


def _refuse_flat(found: Quality, points: FloatArray, corners: IntArray, smallest: float) -> None:
    bad = np.flatnonzero(found.scaled_jacobian < smallest)
    if len(bad):
        worst = int(found.scaled_jacobian.argmin())
        at = points[corners[worst]].mean(axis=0).round(1).tolist()
        raise InputError(
            f"{len(bad)} cells have a scaled Jacobian below {smallest:g}; the worst has "
            f"{found.scaled_jacobian[worst]:.3g}, at {at} mm (LPS)",
            hint="ask for another `element_volume_mm3`, mend the labels there, or lower `smallest_scaled_jacobian`",
        )


def _told(surface: Surface, found: Quality, regions: Regions, share: float, off: FloatArray, journal: Journal) -> list[str]:
    if abs(share - 1) > _VOLUME_CHANGE:
        journal.warn(f"gmsh-tet10 has {100 * share:.1f} % of the labelled volume: ask for a smaller `element_volume_mm3`")
    told = [
        f"{len(found.volume_mm3)} tetrahedra, {len(surface.triangles)} triangles",
        found.sentence(),
        f"its volume is {100 * share:.2f} % of the labelled one",
        f"its surface is {100 * float((off <= 0.5).mean()):.1f} % within half a voxel of the border of the voxels",
    ]
    if len(regions.off_mm):
        p95 = float(np.percentile(regions.off_mm, 95))
        told.append(f"faces between regions follow the labels within {p95:.2f} mm (95 % of their corners)")
    return told


def _attach(surface: Surface, found: Quality, off: FloatArray, regions: Regions, told: list[str], journal: Journal) -> None:
    facts = {
        **found.facts(),
        "triangles": len(surface.triangles),
        "euler_number": surface.euler_number(),
        "surface_off_in_voxels": {
            "p95": round(float(np.percentile(off, 95)), 4),
            "max": round(float(off.max()), 4),
        },
        "interface_off_mm_p95": round(float(np.percentile(regions.off_mm, 95)), 4) if len(regions.off_mm) else None,
        "told": told,
    }
    journal.attach("mesh_quality.json", json.dumps(facts, indent=2).encode())
    title = f"{len(found.volume_mm3)} tetrahedra, {found.volume_mm3.mean():.3g} mm³ on average"
    journal.attach("mesh.png", quality_picture(surface, found, title))
    journal.progress(f"{title}; scaled Jacobian at least {found.scaled_jacobian.min():.3f}")
