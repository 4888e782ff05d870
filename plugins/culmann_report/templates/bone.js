"use strict";
/* The bone in 3-D: triangles coloured by a field, the nodes that are held and moved, the direction of the load. */
(async () => {
  const all = facts("facts"), told = all.solid, home = document.getElementById("bone");
  if (!told || !home) return;
  const fallback = document.getElementById("bone-fallback");
  const bytes = await unpacked("solid-data");
  const array = (place) => new { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array }[place.type](bytes, place.at, place.n);
  const source = new TextDecoder().decode(await unpacked("three"));
  const THREE = new Function(`${source};return THREE`)();
  let renderer;
  try {
    renderer = new THREE.WebGLRenderer({ antialias: true, alpha: true, preserveDrawingBuffer: true });
  } catch {
    fallback.textContent = "This browser shows no 3-D (WebGL). fields.vtu in the run's folder opens in ParaView.";
    fallback.hidden = false;
    for (const idle of document.querySelectorAll(".bone .controls, #bone-keys")) idle.hidden = true;
    document.documentElement.dataset.bone = "none";
    return;
  }
  home.append(renderer.domElement);
  renderer.domElement.setAttribute("aria-hidden", "true");
  renderer.setPixelRatio(Math.min(window.devicePixelRatio || 1, 2));

  /* The scene is in LPS millimetres around the middle of what is shown; up is towards the head. */
  const unit = told.size_mm / 65535;
  const place = (where) => {
    const whole = array(where), found = new Float32Array(whole.length);
    for (let n = 0; n < whole.length; n++) found[n] = whole[n] * unit;
    return found;
  };
  const corners = place(told.points), low = [Infinity, Infinity, Infinity], high = [-Infinity, -Infinity, -Infinity];
  for (let n = 0; n < corners.length; n++) {
    low[n % 3] = Math.min(low[n % 3], corners[n]);
    high[n % 3] = Math.max(high[n % 3], corners[n]);
  }
  const middle = new THREE.Vector3(...low.map((value, n) => (value + high[n]) / 2));
  let radius = 0;
  for (let n = 0; n < corners.length; n += 3) {
    radius = Math.max(radius, Math.hypot(corners[n] - middle.x, corners[n + 1] - middle.y, corners[n + 2] - middle.z));
  }
  const scene = new THREE.Scene(), world = new THREE.Group();
  world.position.copy(middle).negate();
  scene.add(world);

  const surface = (points, triangles) => {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute("position", new THREE.BufferAttribute(points, 3));
    geometry.setIndex(new THREE.BufferAttribute(triangles, 1));
    geometry.computeVertexNormals();
    return geometry;
  };
  const geometry = surface(corners, array(told.triangles));
  const paint = new Float32Array(corners.length);
  geometry.setAttribute("color", new THREE.BufferAttribute(paint, 3));
  world.add(new THREE.Mesh(geometry, new THREE.MeshLambertMaterial({ vertexColors: true, polygonOffset: true, polygonOffsetFactor: 1, polygonOffsetUnits: 1 })));
  if (told.shade) {
    const veil = new THREE.MeshLambertMaterial({ color: 0x9aa4b0, transparent: true, opacity: 0.4, depthWrite: false });
    world.add(new THREE.Mesh(surface(place(told.shade.points), array(told.shade.triangles)), veil));
  }
  const roles = { loaded: ["#d1431f", "loaded"], held: ["#1668b5", "held"], moved: ["#8a5fb0", "moved"] };
  const nodes = new THREE.Group(), dotted = [];
  let tail = null;
  for (const set of told.sets) {
    const cloud = new THREE.BufferGeometry();
    cloud.setAttribute("position", new THREE.BufferAttribute(place(set), 3));
    const dots = new THREE.PointsMaterial({ color: roles[set.role][0], sizeAttenuation: false });
    dots.onBeforeCompile = (shader) => { // round, and a little nearer to the eye than the surface that they lie in
      shader.fragmentShader = shader.fragmentShader.replace("void main() {", "void main() { if (length(gl_PointCoord - 0.5) > 0.5) discard;");
      shader.vertexShader = shader.vertexShader.replace("#include <project_vertex>", `#include <project_vertex>
        gl_Position.z -= ${((2 * 2.5) / (7.9 * radius)).toFixed(6)} * gl_Position.w;`);
    };
    dotted.push(dots);
    nodes.add(new THREE.Points(cloud, dots));
  }
  const pushed = told.sets.find((set) => set.role === "loaded");
  if (pushed && told.direction) nodes.add(arrow(pushed));
  world.add(nodes);

  /** An arrow that ends at the loaded nodes. */
  function arrow(set) {
    const points = place(set), sum = new THREE.Vector3(), along = new THREE.Vector3(...told.direction);
    let first = Infinity;
    for (let n = 0; n < points.length; n += 3) {
      const point = new THREE.Vector3(points[n], points[n + 1], points[n + 2]);
      sum.add(point);
      first = Math.min(first, point.dot(along));
    }
    sum.divideScalar(points.length / 3);
    const tip = sum.clone().addScaledVector(along, first - sum.dot(along) - 0.03 * radius), length = 0.42 * radius;
    const material = new THREE.MeshLambertMaterial({ color: roles.loaded[0] });
    const shaft = new THREE.Mesh(new THREE.CylinderGeometry(0.022 * radius, 0.022 * radius, 0.68 * length, 24), material);
    const head = new THREE.Mesh(new THREE.ConeGeometry(0.068 * radius, 0.32 * length, 32), material);
    shaft.position.y = -0.32 * length - 0.34 * length;
    head.position.y = -0.16 * length;
    const whole = new THREE.Group();
    whole.add(shaft, head);
    whole.quaternion.setFromUnitVectors(new THREE.Vector3(0, 1, 0), along);
    whole.position.copy(tip);
    tail = tip.clone().addScaledVector(along, -length);
    return whole;
  }

  const camera = new THREE.OrthographicCamera(-1, 1, 1, -1, 0.1 * radius, 8 * radius);
  camera.up.set(0, 0, 1);
  scene.add(new THREE.AmbientLight(0xffffff, 1.55));
  const lamp = new THREE.DirectionalLight(0xffffff, 2.0);
  scene.add(lamp);
  const controls = new THREE.OrbitControls(camera, renderer.domElement);
  controls.enablePan = false;
  controls.minZoom = 0.5;
  controls.maxZoom = 8;
  controls.minPolarAngle = 0.02;
  controls.maxPolarAngle = Math.PI - 0.02;
  const eyes = { front: [0, -1, 0.02], back: [0, 1, 0.02], left: [1, 0, 0.02], right: [-1, 0, 0.02], top: [0, -0.02, 1] };
  let fitted = 0;
  const look = (from) => {
    camera.position.set(...from).normalize().multiplyScalar(4 * radius);
    controls.update();
    camera.updateMatrixWorld();
    camera.zoom = fitted = Math.min(1.4, filling());
    camera.updateProjectionMatrix();
    render();
  };
  /** How much larger the bone can be drawn from here. */
  function filling() {
    const across = new THREE.Vector3().setFromMatrixColumn(camera.matrixWorld, 0), up = new THREE.Vector3().setFromMatrixColumn(camera.matrixWorld, 1);
    const point = new THREE.Vector3();
    const half = (camera.top - camera.bottom) / 2, level = (camera.top + camera.bottom) / 2; // one zooms around that level
    let wide = 1e-6, tall = 1e-6;
    const reach = () => {
      wide = Math.max(wide, Math.abs(point.dot(across)));
      tall = Math.max(tall, Math.abs(point.dot(up) - level));
    };
    for (let n = 0; n < corners.length; n += 3) {
      point.set(corners[n], corners[n + 1], corners[n + 2]).sub(middle);
      reach();
    }
    if (tail) {
      point.copy(tail).sub(middle);
      reach();
    }
    return 0.93 * Math.min(camera.right / wide, half / tall);
  }

  function render() {
    const right = new THREE.Vector3().setFromMatrixColumn(camera.matrixWorld, 0), up = new THREE.Vector3().setFromMatrixColumn(camera.matrixWorld, 1);
    lamp.position.copy(camera.position).addScaledVector(right, -1.8 * radius).addScaledVector(up, 2.2 * radius);
    const pixels = (home.clientHeight * camera.zoom) / (camera.top - camera.bottom);
    for (const dots of dotted) dots.size = Math.max(2, Math.min(0.6, radius / 80) * pixels);
    renderer.render(scene, camera);
  }
  function fit() {
    const width = home.clientWidth, height = home.clientHeight;
    if (!width || !height) return;
    renderer.setSize(width, height, false);
    const reach = 1.06 * radius, wide = width >= height ? width / height : 1, tall = width >= height ? 1 : height / width;
    [camera.left, camera.right, camera.bottom, camera.top] = [-reach * wide, reach * wide, -reach * tall * 1.14, reach * tall * 0.86];
    if (camera.zoom === fitted) camera.zoom = fitted = Math.min(1.4, filling()); // nobody has zoomed since
    camera.updateProjectionMatrix();
    render();
  }

  const legend = document.getElementById("bone-legend");
  function colour(id) {
    const field = told.fields.find((one) => one.id === id), values = array(field);
    const table = field.colours ?? all.phases.map((phase) => phase.colour);
    const linear = table.map((hex) => new THREE.Color(hex)); // three.js takes them from sRGB to light
    for (let n = 0; n < values.length; n++) {
      const at = field.colours ? (values[n] / 255) * (table.length - 1) : Math.min(values[n], table.length - 1);
      const [one, two, part] = [linear[Math.floor(at)], linear[Math.ceil(at)], at % 1];
      paint[3 * n] = one.r + part * (two.r - one.r);
      paint[3 * n + 1] = one.g + part * (two.g - one.g);
      paint[3 * n + 2] = one.b + part * (two.b - one.b);
    }
    geometry.attributes.color.needsUpdate = true;
    explain(field, table);
    render();
  }
  function explain(field, table) {
    const parts = [], element = (name, text, className) => Object.assign(document.createElement(name), { textContent: text ?? "", className: className ?? "" });
    const list = (rows) => {
      const ul = element("ul");
      for (const [shade, text, dot] of rows) {
        const li = element("li"), swatch = element("span", "", dot ? "swatch dot" : "swatch");
        swatch.style.background = shade;
        li.append(swatch, text);
        ul.append(li);
      }
      return ul;
    };
    if (field.colours) {
      const bar = element("div", "", "bar"), strip = element("i"), ends = element("span", "", "ends number");
      strip.style.background = `linear-gradient(90deg, ${table.join(",")})`;
      const format = (value) => Number(value.toPrecision(3)).toString();
      ends.append(element("span", "0"), element("span", format(field.top / 2)), element("span", `${format(field.top)} and more`));
      bar.append(element("span", `${field.title} (${field.unit})`), strip, ends);
      parts.push(bar);
    } else parts.push(list(all.phases.map((phase) => [phase.colour, phase.name])));
    if (nodes.visible && told.sets.length) parts.push(list(told.sets.map((set) => [roles[set.role][0], `${set.name}: ${roles[set.role][1]}`, true])));
    if (told.shade) parts.push(list([["#9aa4b080", "not bone"]]));
    legend.replaceChildren(...parts);
  }

  let shown = told.fields.some((field) => field.id === "strain") ? "strain" : told.fields[0].id;
  document.getElementById("bone-field").addEventListener("change", (event) => colour((shown = event.target.value)));
  const views = document.getElementById("bone-view");
  views.addEventListener("change", (event) => look(eyes[event.target.value]));
  document.getElementById("bone-nodes")?.addEventListener("change", (event) => { nodes.visible = event.target.checked; colour(shown); });
  const forget = () => { for (const radio of views.querySelectorAll("input")) radio.checked = false; };
  controls.addEventListener("change", render);
  controls.addEventListener("start", forget);
  home.addEventListener("keydown", (event) => {
    const turn = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const zoom = { "+": 1.15, "=": 1.15, "-": 1 / 1.15 }[event.key];
    if (!turn && !zoom && event.key !== "0") return;
    event.preventDefault();
    if (event.key === "0") return look(told.view);
    if (zoom) {
      camera.zoom = Math.min(8, Math.max(0.5, camera.zoom * zoom));
      camera.updateProjectionMatrix();
      return render();
    }
    forget();
    const { x, y, z } = camera.position, far = Math.hypot(x, y, z);
    const round = Math.atan2(y, x) + turn[0] * 0.13, above = Math.min(3.12, Math.max(0.02, Math.acos(z / far) + turn[1] * 0.1));
    camera.position.set(far * Math.sin(above) * Math.cos(round), far * Math.sin(above) * Math.sin(round), far * Math.cos(above));
    controls.update();
    render();
  });
  colour(shown);
  new ResizeObserver(fit).observe(home);
  matchMedia("print").addEventListener("change", fit);
  fit();
  look(told.view);
  document.documentElement.dataset.bone = "drawn";
})();
for (const link of document.querySelectorAll("[data-large]")) {
  link.addEventListener("click", (event) => {
    const box = document.getElementById("large"), small = link.querySelector("img"), large = box.querySelector("img");
    event.preventDefault();
    [large.src, large.alt] = [small.src, small.alt];
    box.showModal();
  });
}
