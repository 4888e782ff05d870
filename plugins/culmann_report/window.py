"""The bone of a run in a window of its own, or as a picture of that window: pyvista draws what the page shows."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from culmann.errors import InputError, PluginError
from culmann.pipeline import Run
from culmann_report import colours
from culmann_report.found import Found, find
from culmann_report.showing import first_view, moment_shown
from culmann_report.solid import Nodes, Solid, bone, nodes, shade

#: In a window all triangles are drawn.
_ALL = 100_000_000
_SIZE_PX = (1400, 1000)
_ROLES = {"loaded": "#d1431f", "held": "#1668b5", "moved": "#8a5fb0"}
_TITLES = {"density": "Density (g/cm³)\n", "strain": "Equivalent strain (%)\n", "phase": "Phase of the law\n"}


class Field(StrEnum):
    """What the bone is coloured by."""

    density = "density"
    strain = "strain"
    phase = "phase"


def show(run: Run, field: Field, *, with_nodes: bool, screenshot: Path | None) -> None:
    """Open a window with the bone, and wait until it is closed; or draw it into a PNG without a window.

    Raises
    ------
    InputError
        When the run has no response, or no density to colour by.
    PluginError
        When pyvista is not installed, or no window can be opened.
    """
    found = find(run)
    response = found.response
    if response is None:
        raise InputError(f"the run in {run.out} has no response, so that there is no bone to show")
    pyvista = _pyvista(window=screenshot is None)
    moment, when = moment_shown(response, found)
    solid = bone(response, moment, most=_ALL)
    if field is Field.density and solid.density_g_cm3 is None:
        raise InputError("the response holds no density: colour by strain or by phase")
    plotter = pyvista.Plotter(
        off_screen=screenshot is not None, window_size=_SIZE_PX, title=f"culmann: {run.manifest['pipeline']}"
    )
    try:
        scene = _Scene(pyvista, plotter, found, solid)
        scene.colour(field)
        if with_nodes:
            scene.add_nodes()
        scene.add_text(run, when)
        scene.look(first_view(run, response))
        if screenshot is None:
            scene.listen()
            plotter.show()
        else:
            plotter.screenshot(str(screenshot))
    finally:
        plotter.close()


def _pyvista(window: bool) -> Any:
    try:
        import pyvista
        from vtkmodules.vtkCommonCore import vtkLogger
    except ImportError as problem:
        raise PluginError(f"culmann view needs pyvista: {problem}", hint="pip install 'culmann[view]'") from problem
    if not window:
        vtkLogger.SetStderrVerbosity(
            vtkLogger.VERBOSITY_OFF
        )  # it says that there is no screen, which is why one asks for a file
    elif sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise PluginError("there is no screen here to open a window on", hint="--screenshot FILE.png writes a picture")
    return pyvista


class _Scene:
    """What is in the window; keys change it."""

    def __init__(self, pyvista: Any, plotter: Any, found: Found, solid: Solid) -> None:
        self.pyvista, self.plotter, self.found, self.solid = pyvista, plotter, found, solid
        plotter.set_background("white")
        self.surface = self._mesh(solid.points_mm, solid.triangles)
        other = shade(found.response.mesh) if found.response is not None else None
        if other is not None:
            plotter.add_mesh(self._mesh(other.points_mm, other.triangles), color="#9aa4b0", opacity=0.28)
        self.sets: list[Nodes] = []

    def _mesh(self, points: Any, triangles: Any) -> Any:
        return self.pyvista.PolyData.from_regular_faces(points, triangles).compute_normals(split_vertices=False)

    def colour(self, field: Field) -> None:
        """Draw the bone in the colours of a field, with their bar."""
        from matplotlib.colors import ListedColormap

        solid, highest = self.solid, max(int(self.solid.phase.max()), 1)
        values = {"density": solid.density_g_cm3, "strain": 100 * solid.strain, "phase": solid.phase}[field]
        if values is None:
            return
        top = (
            float(highest) + 0.5
            if field is Field.phase
            else colours.round_top(values, 99.0 if field is Field.density else 98.0)
        )
        low = -0.5 if field is Field.phase else 0.0
        shades = [colours.phase_colour(n) for n in range(highest + 1)] if field is Field.phase else colours.colour_map(field)
        self.surface.point_data["shown"] = values
        bar: dict[str, Any] = {
            "title": _TITLES[field],
            "color": "black",
            "width": 0.5,
            "position_x": 0.25,
            "position_y": 0.03,
            "title_font_size": 20,
            "label_font_size": 18,
            "n_labels": 0 if field is Field.phase else 3,
            "fmt": "%.3g",
        }
        response = self.found.response
        if field is Field.phase and response is not None:
            names = colours.phase_names(self.found.materials, response.mesh.is_bone, highest)
            annotations = {float(n): name for n, name in enumerate(names)}
        else:
            annotations = None
        for name in list(self.plotter.scalar_bars.keys()):
            self.plotter.remove_scalar_bar(name)
        self.plotter.add_mesh(
            self.surface,
            scalars="shown",
            cmap=ListedColormap(list(shades)),
            clim=(low, top),
            annotations=annotations,
            interpolate_before_map=field is not Field.phase,
            smooth_shading=True,
            ambient=0.25,
            name="bone",
            scalar_bar_args=bar,
        )

    def add_nodes(self) -> None:
        """The nodes that are loaded and held, each set in the colour of its role."""
        if self.found.load is None or self.found.response is None:
            return
        self.sets = nodes(self.found.response.mesh, self.found.load)
        for n, one in enumerate(self.sets):
            self.plotter.add_points(
                one.points_mm,
                color=_ROLES[one.role],
                point_size=6,
                render_points_as_spheres=True,
                name=f"nodes-{one.name}",
            )
            place = (0.68, 0.95 - 0.035 * n)
            self.plotter.add_text(
                f"{one.name}: {one.role}", position=place, viewport=True, font_size=11, color=_ROLES[one.role]
            )

    def add_text(self, run: Run, when: str) -> None:
        """The failure load, of what and when; and that this is for research."""
        main = next(iter(self.found.strengths.values()), None)
        load = f"Failure load {main.failure_load_n:.0f} N\n{main.criterion}\n" if main else ""
        variant = f" {run.manifest['variant']}" if run.manifest.get("variant") else ""
        told = f"{load}{run.manifest['pipeline']}{variant}, {when}\nResearch software, not a medical device"
        self.plotter.add_text(told, position="upper_left", font_size=11, color="black")

    def look(self, towards: list[float]) -> None:
        """The camera where the page has it, with the head of the patient up."""
        middle = self.solid.points_mm.mean(axis=0)
        reach = float(np.linalg.norm(np.ptp(self.solid.points_mm, axis=0)))
        eye = middle + 3 * reach * np.asarray(towards) / np.linalg.norm(towards)
        self.plotter.camera_position = [tuple(eye), tuple(middle), (0, 0, 1)]
        self.plotter.enable_parallel_projection()
        self.plotter.reset_camera()
        self.plotter.camera.zoom(1.2)

    def listen(self) -> None:
        """1, 2 and 3 change the colours; n hides the nodes."""
        for key, field in zip("123", Field, strict=True):
            self.plotter.add_key_event(key, lambda field=field: self.colour(field))

        def hide() -> None:
            for one in self.sets:
                actor = self.plotter.actors[f"nodes-{one.name}"]
                actor.visibility = not actor.visibility
            self.plotter.render()

        self.plotter.add_key_event("n", hide)
        self.plotter.add_text(
            "1 density   2 strain   3 phase   n nodes   q quit", position="lower_left", font_size=9, color="#444444"
        )
