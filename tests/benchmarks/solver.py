"""The native solver measured: beside its peers where they are at hand, against the memory of the machine, and over sizes.

    python tests/benchmarks/solver.py                            # what needs nothing but culmann
    python tests/benchmarks/solver.py --ccx                      # and CalculiX beside it (minutes)
    python tests/benchmarks/solver.py --parosol VENV/bin/python  # and ParOSol, from another environment: it is GPL
    python tests/benchmarks/solver.py --petsc /usr/bin/python3   # and PETSc, with Debian's python3-petsc4py
    python tests/benchmarks/solver.py --only growth
    python tests/benchmarks/solver.py --only synthetic --size 100 --ccx --petsc /usr/bin/python3 --limit 300
    python tests/benchmarks/solver.py --only tetrahedra --tets 100 --ccx --limit 300

It prints a table in Markdown with the date and the machine. Each ratio is taken in one run. Nothing here can fail a build.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import numpy as np
from cases import Case, femur, shipped_l3, spine_l2, synthetic_bone
from peers import Peer, calculix, parosol, petsc

from culmann.errors import CulmannError
from culmann.journal import QuietJournal
from culmann_fem.hexahedron import brick, elasticity
from culmann_fem.lines import lines_of, spans, zeros
from culmann_fem.native import NativeSolverConfig, native_solver
from culmann_fem.operator import Bricks, apply_slab
from culmann_fem.slabs import Slabs
from culmann_fem.torch_device import require_gpu

Row = tuple[str, str, str]
THREADS = os.cpu_count() or 1
_LONG_ENOUGH = 4.0  # seconds
#: Size of the tetrahedra of the shipped L3, by how many thousand it gives.
TET_VOLUME_MM3 = {35: 1.7, 100: 0.6}


def solve(case: Case, **options) -> tuple[float, np.ndarray, dict]:
    """Seconds, forces and what the solver says of itself."""
    began = time.perf_counter()
    answer = native_solver(case.mesh, case.materials, case.load, NativeSolverConfig(**options), QuietJournal())
    return time.perf_counter() - began, answer.force_n, dict(answer.solver)


def best(case: Case, repeats: int = 3, **options) -> tuple[float, np.ndarray, dict]:
    """The fastest of a few runs, of more where they are short: the others waited for something else on the machine."""
    runs: list[tuple[float, np.ndarray, dict]] = []
    while len(runs) < repeats or sum(run[0] for run in runs) < _LONG_ENOUGH:
        runs.append(solve(case, **options))
    return min(runs, key=lambda run: run[0])


def beside(what: str, peer: Peer, seconds: float, force: np.ndarray) -> Row:
    """The row of a peer, from its forces at the load steps and ours, which begin at rest."""
    note = peer.times(seconds)
    theirs = peer.force_n[peer.force_n != 0]
    if len(theirs):
        apart = np.abs(theirs / force[1 : len(theirs) + 1] - 1).max()
        note += f"; forces {100 * apart:.5f} % apart" + (f" in the {len(theirs)} steps that it solved" if peer.stopped else "")
    if peer.iterations >= 0:
        note += f"; {peer.iterations} iterations"
    return what, f"{'more than ' if peer.stopped else ''}{peer.seconds:.1f} s", note


def linear_beside_parosol(arguments: argparse.Namespace) -> Iterator[Row]:
    case = spine_l2() or shipped_l3()
    seconds, force, facts = best(case, scheme="linear", integration="full")
    note = f"{facts['cg_iterations']} iterations, {force[-1]:.1f} N"
    yield f"{case.name}, linear, {facts['unknowns']:,} unknowns", f"{seconds:.2f} s", note
    if arguments.parosol:
        peer = parosol(arguments.parosol, case, processes=2, limit_s=arguments.limit)
        yield beside("the same, ParOSol with 2 processes", peer, seconds, force)


def plastic_beside_calculix(arguments: argparse.Namespace) -> Iterator[Row]:
    case = shipped_l3()
    seconds, force, facts = best(case, integration="full")
    note = f"{facts['cg_iterations']} iterations, {force[-1]:.1f} N"
    yield f"{case.name}, plastic, {facts['increments']} increments, {facts['unknowns']:,} unknowns", f"{seconds:.2f} s", note
    b_bar, b_bar_force, _ = best(case)
    yield "the same with B-bar", f"{b_bar:.2f} s", f"{b_bar_force[-1]:.1f} N"
    if arguments.ccx:
        yield beside("the same, CalculiX C3D8", calculix(case, "spooles", arguments.limit), seconds, force)


def femur_secant(_: argparse.Namespace) -> Iterator[Row]:
    case = femur()
    if case is None:
        yield "left femur, Sas law", "", "needs ../shared/data"
        return
    seconds, force, facts = solve(case, scheme="secant-lagged")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    note = f"{facts['cg_iterations']} iterations, peak {force.max():.0f} N; the process held {memory:.0f} MB at most"
    what = f"{case.name}, {facts['increments']} lagged increments, {facts['unknowns']:,} unknowns"
    yield what, f"{seconds:.1f} s", note
    seconds, force, facts = solve(case, scheme="secant-converged", stop_below_peak=0.95)
    what = f"the same, converged, to below 95 % of the peak, {facts['increments']} increments"
    yield what, f"{seconds:.1f} s", f"{facts['cg_iterations']} iterations, peak {force.max():.0f} N"


def tetrahedra_beside_calculix(arguments: argparse.Namespace) -> Iterator[Row]:
    for thousands in arguments.tets:
        case = shipped_l3(TET_VOLUME_MM3[thousands])
        seconds, force, facts = best(case, repeats=2)
        note = f"{facts['cg_iterations']} iterations, {force[-1]:.1f} N"
        yield f"{case.name}, plastic, {facts['unknowns']:,} unknowns", f"{seconds:.2f} s", note
        if arguments.ccx:
            yield beside("the same, CalculiX C3D10", calculix(case, "spooles", arguments.limit), seconds, force)


def operator(_: argparse.Namespace) -> Iterator[Row]:
    n = 160
    filled = np.ones((1, n, n, n), dtype=bool)
    lines, blocks = lines_of(filled[0]), brick(np.ones(3), elasticity(0.3), b_bar=False).blocks.astype(np.float32)
    E, u, y = zeros((1, lines.size), np.float32), *(zeros((3, lines.size), np.float32) for _ in range(2))
    E[:] = lines.from_box(np.pad(np.random.default_rng(0).random((1, n, n, n), dtype=np.float32), [(0, 0), *[(0, 1)] * 3]))
    u[:] = np.random.default_rng(1).standard_normal(u.shape, dtype=np.float32)
    bricks = Bricks(E, blocks[None], spans(filled), lines)
    for threads in dict.fromkeys((1, THREADS)):
        slabs = Slabs(np.ones(n + 1, dtype=np.int64), threads)
        seconds = _fastest(lambda slabs=slabs: slabs.run(apply_slab, u, y, bricks))
        copying = _fastest(lambda slabs=slabs: slabs.run(_copy, u, y))
        slabs.close()
        # What must move at least: u and E are read, y is written, which reads its lines first.
        bandwidth = 3 * u.nbytes / copying
        share = (u.nbytes + E.nbytes + 2 * y.nbytes) / seconds / bandwidth
        unknowns = 3 * (n + 1) ** 3 / seconds / 1e6
        note = f"{unknowns:.0f} M unknowns/s, {100 * share:.0f} % of what memory allows ({bandwidth / 1e9:.1f} GB/s)"
        yield f"operator at 160³, single precision, threads: {threads}", f"{1e3 * seconds:.1f} ms", note


def _copy(u: np.ndarray, y: np.ndarray, first: int, last: int) -> None:
    part = slice(first * u.shape[1] // 161, last * u.shape[1] // 161)
    np.copyto(y[:, part], u[:, part])


def linear_beside_petsc(arguments: argparse.Namespace) -> Iterator[Row]:
    case = synthetic_bone(arguments.size)
    seconds, force, facts = best(case, repeats=2, scheme="linear", integration="full")
    note = f"{facts['cg_iterations']} iterations, {force[-1]:.1f} N"
    yield f"{case.name}, linear, {facts['unknowns']:,} unknowns", f"{seconds:.2f} s", note
    if arguments.petsc:
        peer = petsc(arguments.petsc, case, force[-1], arguments.limit)
        yield beside("the same, PETSc GAMG on one core, without its assembly", peer, seconds, force)
    if arguments.ccx:
        peer = calculix(case, "iterative-cholesky", arguments.limit)
        yield beside("the same, CalculiX C3D8, iterative with incomplete Cholesky", peer, seconds, force)


def growth(_: argparse.Namespace) -> Iterator[Row]:
    for n in (50, 100, 150, 200):
        seconds, _force, facts = best(synthetic_bone(n), repeats=2, scheme="linear", integration="full")
        per_million = seconds / facts["unknowns"] * 1e6
        note = f"{facts['cg_iterations']} iterations, {per_million:.2f} s per million unknowns"
        yield f"synthetic bone, {n}³, linear, {facts['unknowns']:,} unknowns", f"{seconds:.2f} s", note


def gpu(_: argparse.Namespace) -> Iterator[Row]:
    try:
        require_gpu("hex8")
    except CulmannError as error:
        yield "`device: cuda`", "", f"not run: no GPU ({error.message})"
        return
    solve(synthetic_bone(8), device="cuda")  # its libraries are loaded before anything is measured
    runs = [(synthetic_bone(n), {"scheme": "linear"}) for n in (100, 200)]
    runs += [(shipped_l3(), {}), *((case, {"scheme": "secant-lagged"}) for case in [femur()] if case is not None)]
    for case, options in runs:
        ours, force, _ = solve(case, **options)
        seconds, gpu_force, facts = solve(case, device="cuda", **options)
        apart = np.abs(gpu_force[1:] / force[1:] - 1).max()
        note = f"{facts['device']}, {facts['cg_iterations']} iterations; processor {ours:.2f} s; forces {apart:.0e} apart"
        yield f"{case.name}, {facts['scheme']}, {facts['unknowns']:,} unknowns, on the GPU", f"{seconds:.2f} s", note


ROWS: dict[str, Callable[[argparse.Namespace], Iterator[Row]]] = {
    "linear": linear_beside_parosol,
    "plastic": plastic_beside_calculix,
    "femur": femur_secant,
    "tetrahedra": tetrahedra_beside_calculix,
    "synthetic": linear_beside_petsc,
    "operator": operator,
    "growth": growth,
    "gpu": gpu,
}


def _fastest(work: Callable[[], object], repeats: int = 7) -> float:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return min(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=sorted(ROWS), help="one group of rows")
    parser.add_argument("--ccx", action="store_true", help="run CalculiX as well; it must be installed")
    parser.add_argument("--parosol", metavar="PYTHON", help="a Python that has parosol-py")
    parser.add_argument("--petsc", metavar="PYTHON", help="a Python that has petsc4py, such as Debian's")
    parser.add_argument("--size", type=int, default=100, help="cells along an edge of the synthetic bone beside PETSc")
    parser.add_argument(
        "--tets",
        type=int,
        nargs="+",
        choices=sorted(TET_VOLUME_MM3),
        default=sorted(TET_VOLUME_MM3),
        help="thousands of tetrahedra",
    )
    parser.add_argument("--limit", type=float, default=3600.0, help="seconds after which a peer is stopped")
    arguments = parser.parse_args()
    solve(synthetic_bone(8))  # compiled kernels are loaded, or made, before anything is measured
    load = ", ".join(f"{x:.1f}" for x in os.getloadavg())
    when = datetime.now(UTC).date().isoformat()
    print(f"{when}, {platform.machine()}, {THREADS} cores, Python {platform.python_version()}, load before {load}\n")
    print("| work | time | |\n|---|---|---|")
    for name, rows in ROWS.items():
        if arguments.only in (None, name):
            for row in rows(arguments):
                print("| " + " | ".join(row) + " |")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
