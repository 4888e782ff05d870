"""Mesh: points and cells of a finite element model, with named regions and node sets; a voxel mesh keeps its lattice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Literal, Self, get_args

import numpy as np

from culmann.data import vtu
from culmann.data.arrays import BoolArray, FloatArray, IntArray, expect_shape
from culmann.data.grid import Grid
from culmann.data.placement import UNMOVED, Placement
from culmann.data.records import read_json, write_json

CellType = Literal["hex8", "tet4", "tet10"]
NODES_PER_CELL: Mapping[CellType, int] = {"hex8": 8, "tet4": 4, "tet10": 10}


@dataclass(frozen=True, slots=True)
class Lattice:
    """The regular lattice that the cells of a voxel mesh lie on.

    Parameters
    ----------
    grid
        One voxel of it for each possible cell; cell (i, j, k) is centred on voxel (i, j, k).
    cell_index
        (n_cells, 3) int64: i, j, k of every cell.
    """

    grid: Grid
    cell_index: IntArray


@dataclass(frozen=True, slots=True)
class Solid:
    """A region that is not bone and brings its own material: bone cement, a load cup, a pot.

    Parameters
    ----------
    youngs_modulus_mpa, poisson_ratio
        Elastic constants.
    yield_stress_mpa
        Perfectly plastic from there on; None for linear elastic.
    """

    youngs_modulus_mpa: float
    poisson_ratio: float = 0.3
    yield_stress_mpa: float | None = None


@dataclass(frozen=True, slots=True)
class Mesh:
    """A finite element mesh in patient coordinates (LPS, mm).

    Node order within a cell is VTK's: a hexahedron goes round its lower face, then round its upper face; a tet10 has its
    four corners, then the middles of edges 01, 12, 20, 03, 13, 23.

    Parameters
    ----------
    points_mm
        (n_points, 3).
    cells
        (n_cells, 8, 4 or 10) int64, indices of points.
    cell_type
        `hex8`, `tet4` or `tet10`.
    region
        (n_cells,) int64: the region of each cell.
    region_names
        {region: name}.
    node_sets
        {name: point indices}. `field-of-view-border` holds the points where the image ended, and with it perhaps the bone.
    lattice
        For a voxel mesh, its lattice.
    solids
        {region: Solid} of the regions that are not bone. Laws of density leave them alone.
    history
        How it came about, with what was dropped on the way.
    placement
        The way back to the patient.

    Raises
    ------
    ValueError
        When the shapes do not fit together.
    """

    points_mm: FloatArray
    cells: IntArray
    cell_type: CellType
    region: IntArray
    region_names: Mapping[int, str] = field(default_factory=dict)
    node_sets: Mapping[str, IntArray] = field(default_factory=dict)
    lattice: Lattice | None = None
    solids: Mapping[int, Solid] = field(default_factory=dict)
    history: tuple[str, ...] = ()
    placement: Placement = UNMOVED

    def __post_init__(self) -> None:
        if self.cell_type not in get_args(CellType):
            raise ValueError(f"cell type {self.cell_type!r} is none of {', '.join(get_args(CellType))}")
        expect_shape("points_mm", self.points_mm, (None, 3))
        expect_shape("cells", self.cells, (None, NODES_PER_CELL[self.cell_type]))
        expect_shape("region", self.region, (self.n_cells,))
        if self.lattice is not None:
            expect_shape("lattice.cell_index", self.lattice.cell_index, (self.n_cells, 3))

    @property
    def n_points(self) -> int:
        """Number of points."""
        return len(self.points_mm)

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.cells)

    @property
    def is_bone(self) -> BoolArray:
        """(n_cells,): whether a cell's material comes from its density."""
        return ~np.isin(self.region, list(self.solids))

    def part(self, keep: BoolArray) -> Mesh:
        """The mesh of some of the cells, with all points."""
        lattice = self.lattice
        if lattice is not None:
            lattice = Lattice(lattice.grid, lattice.cell_index[keep])
        return replace(self, cells=self.cells[keep], region=self.region[keep], lattice=lattice)

    def cell_centres_mm(self) -> FloatArray:
        """(n_cells, 3): mean of each cell's corner points."""
        corners = 8 if self.cell_type == "hex8" else 4
        return np.asarray(self.points_mm[self.cells[:, :corners]].mean(axis=1))

    def save(self, folder: Path) -> None:
        """Write `mesh.vtu` and `mesh.json`."""
        self.save_with_fields(folder, "mesh", {}, {})

    def save_with_fields(
        self, folder: Path, stem: str, point_fields: Mapping[str, FloatArray], cell_fields: Mapping[str, FloatArray]
    ) -> None:
        """Write `<stem>.vtu` with extra fields for viewers, and `<stem>.json` with what VTU has no place for."""
        members = {f"set:{name}": _members(nodes, self.n_points) for name, nodes in self.node_sets.items()}
        places = {} if self.lattice is None else {"lattice_index": self.lattice.cell_index}
        vtu.write(
            folder / f"{stem}.vtu",
            self.points_mm,
            self.cells,
            self.cell_type,
            point_data={**members, **point_fields},
            cell_data={"region": self.region, **places, **cell_fields},
        )
        facts = {
            "cell_type": self.cell_type,
            "region_names": {str(v): name for v, name in sorted(self.region_names.items())},
            "node_sets": sorted(self.node_sets),
            "solids": {str(v): asdict(solid) for v, solid in sorted(self.solids.items())},
            "lattice": None if self.lattice is None else self.lattice.grid.as_dict(),
            "history": list(self.history),
            "placement": self.placement.as_dict(),
        }
        write_json(folder / f"{stem}.json", facts)

    @classmethod
    def load(cls, folder: Path, stem: str = "mesh") -> Self:
        """Read what `save` or `save_with_fields` wrote, without the extra fields."""
        facts = read_json(folder / f"{stem}.json")
        read = vtu.read(folder / f"{stem}.vtu", facts["cell_type"])
        lattice = None
        if facts["lattice"] is not None:
            lattice = Lattice(Grid.from_dict(facts["lattice"]), read.cell_data["lattice_index"].astype(np.int64))
        return cls(
            read.points_mm,
            read.cells,
            facts["cell_type"],
            read.cell_data["region"].astype(np.int64),
            {int(v): str(name) for v, name in facts["region_names"].items()},
            {name: np.flatnonzero(read.point_data[f"set:{name}"]) for name in facts["node_sets"]},
            lattice,
            {int(v): Solid(**solid) for v, solid in facts["solids"].items()},
            tuple(facts["history"]),
            Placement.from_dict(facts["placement"]),
        )


def _members(nodes: IntArray, n_points: int) -> IntArray:
    flags = np.zeros(n_points, dtype=np.int64)
    flags[nodes] = 1
    return flags
