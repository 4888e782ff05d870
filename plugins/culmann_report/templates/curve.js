"use strict";
/* The curve: drawn to the size that it has, read point by point with the mouse or the slider. */
(() => {
  const curve = facts("facts").curve;
  const home = document.getElementById("curve");
  if (!curve || !home) return;
  const u = curve.displacement_mm, f = curve.force_n, marks = curve.marks;
  const slider = document.getElementById("curve-at"), said = document.getElementById("curve-read");
  const SVG = "http://www.w3.org/2000/svg";
  const make = (name, attributes, text) => {
    const node = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  /** Round steps over a range, about so many. */
  const ticks = (low, high, about) => {
    const raw = (high - low) / about, unit = 10 ** Math.floor(Math.log10(raw));
    const step = unit * [1, 2, 2.5, 5, 10].find((n) => n * unit >= raw);
    const found = [];
    for (let n = Math.ceil(low / step); n * step <= high + 1e-9 * step; n++) found.push(n * step);
    return [found, Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (Math.abs(step / 10 ** Math.floor(Math.log10(step)) - 2.5) < 1e-6 ? 1 : 0))];
  };
  const right = 1.05 * Math.max(...u, ...marks.map((mark) => mark.at_mm), 1e-9);
  const top = 1.14 * Math.max(...f, ...marks.map((mark) => mark.load_n), 1e-9), low = Math.min(0, ...f);
  let place = null, probe = null;

  function draw() {
    const width = Math.max(home.clientWidth, 240), height = Math.max(home.clientHeight, 180);
    const pad = { left: 58, right: 14, top: 40, bottom: 42 };
    const x = (value) => pad.left + (value / right) * (width - pad.left - pad.right);
    const y = (value) => height - pad.bottom - ((value - low) / (top - low)) * (height - pad.top - pad.bottom);
    place = { x, y, width, height, pad };
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
    const across = Math.max(3, Math.floor(width / 110));
    const [forces, forceDigits] = ticks(low / 1000, top / 1000, Math.max(3, Math.floor(height / 70)));
    for (const kn of forces) {
      svg.append(make("line", { class: "grid", x1: pad.left, x2: width - pad.right, y1: y(1000 * kn), y2: y(1000 * kn) }));
      svg.append(make("text", { x: pad.left - 8, y: y(1000 * kn) + 4, "text-anchor": "end" }, kn.toFixed(forceDigits)));
    }
    const [lengths, lengthDigits] = ticks(0, right, across);
    for (const mm of lengths) {
      svg.append(make("line", { class: "axis", x1: x(mm), x2: x(mm), y1: height - pad.bottom, y2: height - pad.bottom + 5 }));
      svg.append(make("text", { x: x(mm), y: height - pad.bottom + 19, "text-anchor": "middle" }, mm.toFixed(lengthDigits)));
    }
    const percent = (100 * right) / curve.height_mm, [strains, strainDigits] = ticks(0, percent, across);
    for (const share of strains) {
      const at = x((share / 100) * curve.height_mm);
      svg.append(make("line", { class: "axis", x1: at, x2: at, y1: pad.top - 5, y2: pad.top }));
      svg.append(make("text", { x: at, y: pad.top - 10, "text-anchor": "middle" }, share.toFixed(strainDigits)));
    }
    svg.append(make("line", { class: "axis", x1: pad.left, x2: width - pad.right, y1: pad.top, y2: pad.top }));
    svg.append(make("line", { class: "axis", x1: pad.left, x2: width - pad.right, y1: height - pad.bottom, y2: height - pad.bottom }));
    svg.append(make("text", { x: width - pad.right, y: height - 6, "text-anchor": "end" }, "displacement (mm)"));
    svg.append(make("text", { x: width - pad.right, y: 10, "text-anchor": "end" }, "strain: displacement over height (%)"));
    svg.append(make("text", { x: 0, y: 10 }, "force (kN)"));
    const main = marks[0];
    if (main && main.stiffness_n_mm > 0) {
      const end = Math.min(right, top / main.stiffness_n_mm);
      svg.append(make("path", { class: "slope", d: `M${x(0)},${y(0)}L${x(end)},${y(end * main.stiffness_n_mm)}` }));
    }
    svg.append(make("path", { class: "line", d: u.map((mm, n) => `${n ? "L" : "M"}${x(mm).toFixed(2)},${y(f[n]).toFixed(2)}`).join("") }));
    if (u.length < width / 9) for (const [n, mm] of u.entries()) svg.append(make("circle", { class: "point", cx: x(mm), cy: y(f[n]), r: 3 }));
    for (const mark of marks) {
      svg.append(make("path", { class: "guide", d: `M${x(mark.at_mm)},${y(low)}V${y(mark.load_n)}H${pad.left}` }));
      svg.append(make("circle", { class: "ring", cx: x(mark.at_mm), cy: y(mark.load_n), r: 6.5 }));
    }
    if (main) {
      const left = x(main.at_mm) > width / 2;
      svg.append(make("text", { class: "load", x: x(main.at_mm) + (left ? -12 : 12), y: y(main.load_n) + 30, "text-anchor": left ? "end" : "start" },
        `${Math.round(main.load_n).toLocaleString("en").replaceAll(",", "\u202f")} N`));
    }
    probe = make("g", { visibility: "hidden" });
    probe.append(make("line", { class: "probe-line" }), make("circle", { class: "probe-dot", r: 5 }));
    svg.append(probe);
    home.replaceChildren(svg);
    if (shown !== null) show(shown);
  }

  let shown = null;
  function show(n) {
    shown = n;
    const [line, dot] = probe.children, at = place.x(u[n]);
    for (const [key, value] of Object.entries({ x1: at, x2: at, y1: place.pad.top, y2: place.height - place.pad.bottom })) line.setAttribute(key, value);
    dot.setAttribute("cx", at);
    dot.setAttribute("cy", place.y(f[n]));
    probe.setAttribute("visibility", "visible");
    const text = `${u[n].toFixed(3)} mm · ${((100 * u[n]) / curve.height_mm).toFixed(2)} % · ${Math.round(f[n])} N`;
    said.textContent = text;
    slider.value = n;
    slider.setAttribute("aria-valuetext", text);
  }
  slider.addEventListener("input", () => show(Number(slider.value)));
  home.addEventListener("pointermove", (event) => {
    const box = home.getBoundingClientRect(), at = event.clientX - box.left;
    let best = 0;
    for (let n = 1; n < u.length; n++) if (Math.abs(place.x(u[n]) - at) < Math.abs(place.x(u[best]) - at)) best = n;
    show(best);
  });
  home.addEventListener("pointerleave", () => { probe.setAttribute("visibility", "hidden"); });
  new ResizeObserver(draw).observe(home);
  matchMedia("print").addEventListener("change", draw);
  draw();
  said.textContent = "";
})();
