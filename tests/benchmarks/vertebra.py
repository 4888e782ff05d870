"""The shipped L3 at several cell sizes, voxels beside tetrahedra: a table in Markdown and a plot.

    python tests/benchmarks/vertebra.py --plot docs/images/vertebra_convergence.png        # ten minutes

Nothing here can fail a build.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from matplotlib.figure import Figure

from culmann.pipeline import read_pipeline, run
from culmann.plugins import load_catalogue
from culmann.shipped import find_pipeline

#: Edge of a voxel, mm, and the volume of a tetrahedron, mm3, beside it.
SIZES_MM = (2.0, 1.5, 1.0, 0.75)
VOLUMES_MM3 = (8.0, 3.4, 1.0, 0.5)
Row = tuple[float, int, float, float]


def computed(name: str, setting: str, size: float, out: Path) -> Row:
    """(size, cells, failure load in N, seconds of the solver) of a shipped pipeline with one option changed."""
    graph = read_pipeline(find_pipeline(name), load_catalogue(), [f"{setting}={size}"])
    began = time.perf_counter()
    done = run(graph, out=out / f"{name}-{size}", store=out / "store")
    print(f"{name} {size}: {done.value('strength').failure_load_n:.0f} N in {time.perf_counter() - began:.0f} s", flush=True)
    seconds = done.manifest["steps"]["response"]["seconds"]
    return size, done.value("response").mesh.n_cells, done.value("strength").failure_load_n, seconds


def plot(voxels: list[Row], tetrahedra: list[Row], path: Path) -> None:
    """Failure load over the number of cells."""
    figure = Figure(figsize=(6.4, 4.0), layout="constrained")
    axes = figure.add_subplot()
    for rows, name, unit, mark in ((voxels, "voxels", "mm", "s-"), (tetrahedra, "quadratic tetrahedra", "mm³", "o-")):
        cells, loads = [row[1] for row in rows], [row[2] / 1000 for row in rows]
        axes.plot(cells, loads, mark, label=name)
        for row in rows:
            below = (0, -13) if unit == "mm" else (0, 7)
            at = (row[1], row[2] / 1000)
            axes.annotate(f"{row[0]:g} {unit}", at, below, textcoords="offset points", fontsize=8, ha="center")
    axes.set(xscale="log", xlabel="cells", ylabel="force at 1.9 % (kN)", title="The shipped L3: failure load and cell size")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Run both and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        voxels = [computed("vertebra_voxel", "mesh.size_mm", size, Path(folder)) for size in SIZES_MM]
        name, option = "vertebra_kopperdahl", "mesh.element_volume_mm3"
        tetrahedra = [computed(name, option, size, Path(folder)) for size in VOLUMES_MM3]
    print("\n| voxels | cells | failure load | solver | tetrahedra | cells | failure load | solver |\n" + "|---" * 8 + "|")
    for v, t in zip(voxels, tetrahedra, strict=True):
        print(
            f"| {v[0]:g} mm | {v[1]:,} | {v[2]:.0f} N | {v[3]:.0f} s | {t[0]:g} mm³ | {t[1]:,} | {t[2]:.0f} N | {t[3]:.0f} s |"
        )
    if arguments.plot:
        plot(voxels, tetrahedra, arguments.plot)


if __name__ == "__main__":
    main()
