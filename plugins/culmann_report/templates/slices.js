"use strict";
/* Slices: three planes through one block of grey values, with the outline of the mask and the cells beyond the elastic phase. */
(async () => {
  const all = facts("facts"), told = all.slices;
  if (!told) return;
  const bytes = await unpacked("slices-data");
  const grey = new Uint8Array(bytes, told.grey.at, told.grey.n), codes = new Uint8Array(bytes, told.codes.at, told.codes.n);
  const [nx, ny, nz] = told.size, MASK = 128, BONE = 2;
  const colours = all.phases.map((phase) => [1, 3, 5].map((at) => parseInt(phase.colour.slice(at, at + 2), 16)));
  /* Of each plane: the axis that is scrolled, its columns and rows, and whether rows go from the top of the axis down. */
  const planes = {
    axial: { along: 2, across: 0, down: 1, flip: false, letter: "S" },
    coronal: { along: 1, across: 0, down: 2, flip: true, letter: "P" },
    sagittal: { along: 0, across: 1, down: 2, flip: true, letter: "L" },
  };
  const size = [nx, ny, nz], at = startingPlace();
  const outline = document.getElementById("slice-outline"), failed = document.getElementById("slice-failed");

  /** The middle of the cells that have failed, or else of the mask. */
  function startingPlace() {
    const sum = [0, 0, 0];
    let count = 0;
    for (const test of [(code) => (code & 127) > BONE, (code) => code > 0]) {
      for (let n = 0; n < codes.length; n++) {
        if (!test(codes[n])) continue;
        sum[0] += n % nx;
        sum[1] += Math.floor(n / nx) % ny;
        sum[2] += Math.floor(n / (nx * ny));
        count++;
      }
      if (count) return sum.map((value) => Math.round(value / count));
    }
    return size.map((n) => Math.floor(n / 2));
  }

  function draw(name) {
    const plane = planes[name], canvas = document.getElementById(name), film = canvas.parentElement;
    const wide = size[plane.across], tall = size[plane.down];
    const scale = Math.min(film.clientWidth / wide, film.clientHeight / tall), dense = Math.min(window.devicePixelRatio || 1, 2);
    canvas.style.width = `${wide * scale}px`;
    canvas.style.height = `${tall * scale}px`;
    const [width, height] = [Math.max(1, Math.round(wide * scale * dense)), Math.max(1, Math.round(tall * scale * dense))];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const picture = new ImageData(wide, tall), over = new ImageData(wide, tall), inside = new Uint8Array(wide * tall);
    const index = [0, 0, 0];
    index[plane.along] = at[plane.along];
    for (let row = 0, n = 0; row < tall; row++) {
      index[plane.down] = plane.flip ? tall - 1 - row : row;
      for (let column = 0; column < wide; column++, n++) {
        index[plane.across] = column;
        const voxel = index[0] + nx * (index[1] + ny * index[2]), phase = (codes[voxel] & 127) - BONE;
        picture.data.set([grey[voxel], grey[voxel], grey[voxel], 255], 4 * n);
        if (phase > 0) over.data.set([...colours[Math.min(phase, colours.length - 1)], 160], 4 * n);
        inside[n] = codes[voxel] & MASK ? 1 : 0;
      }
    }
    const context = canvas.getContext("2d"), small = draw.small ?? (draw.small = document.createElement("canvas"));
    const put = (data, smooth) => {
      [small.width, small.height] = [wide, tall];
      small.getContext("2d").putImageData(data, 0, 0);
      context.imageSmoothingEnabled = smooth;
      context.imageSmoothingQuality = "high";
      context.drawImage(small, 0, 0, width, height);
    };
    put(picture, true);
    if (failed?.checked) put(over, false);
    const k = width / wide;
    if (outline?.checked) {
      context.beginPath();
      const is = (column, row) => column >= 0 && row >= 0 && column < wide && row < tall && inside[column + wide * row] === 1;
      for (let row = 0; row <= tall; row++) for (let column = 0; column <= wide; column++) {
        if (is(column, row) !== is(column, row - 1)) { context.moveTo(column * k, row * k); context.lineTo((column + 1) * k, row * k); }
        if (is(column, row) !== is(column - 1, row)) { context.moveTo(column * k, row * k); context.lineTo(column * k, (row + 1) * k); }
      }
      context.strokeStyle = "#2fd3c0";
      context.lineWidth = 1.25 * dense;
      context.lineCap = "square";
      context.stroke();
    }
    const bar = (10 / told.step_mm) * k;
    context.fillStyle = "#fff";
    context.fillRect(10 * dense, height - 12 * dense, bar, 3 * dense);
    const mm = told.first_mm[plane.along] + at[plane.along] * told.step_mm;
    const text = `${plane.letter} ${mm.toFixed(1).replace("-", "−")} mm`;
    document.getElementById(`slice-${name}-at`).textContent = text;
    const slider = document.getElementById(`slice-${name}`);
    slider.value = at[plane.along];
    slider.setAttribute("aria-valuetext", text);
  }
  const drawAll = () => Object.keys(planes).forEach(draw);

  for (const [name, plane] of Object.entries(planes)) {
    const slider = document.getElementById(`slice-${name}`), canvas = document.getElementById(name);
    slider.max = size[plane.along] - 1;
    slider.addEventListener("input", () => { at[plane.along] = Number(slider.value); draw(name); });
    canvas.addEventListener("click", (event) => {
      const box = canvas.getBoundingClientRect(), clip = (value, n) => Math.min(n - 1, Math.max(0, Math.floor(value)));
      const row = clip(((event.clientY - box.top) / box.height) * size[plane.down], size[plane.down]);
      at[plane.across] = clip(((event.clientX - box.left) / box.width) * size[plane.across], size[plane.across]);
      at[plane.down] = plane.flip ? size[plane.down] - 1 - row : row;
      drawAll();
    });
    new ResizeObserver(() => draw(name)).observe(canvas.parentElement);
  }
  for (const box of [outline, failed]) box?.addEventListener("change", drawAll);
  matchMedia("print").addEventListener("change", drawAll);
  drawAll();
  document.documentElement.dataset.slices = "drawn";
})();
