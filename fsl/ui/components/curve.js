// Curves that grow: drawn on one canvas that stays, so nothing flickers and the zoom is kept.
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
const MARGIN = { left: 52, right: 12, top: 10, bottom: 30 };

const make = (tag, className, text) => {
  const node = document.createElement(tag);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

const nice = (value) => (value === 0 || (Math.abs(value) >= 0.01 && Math.abs(value) < 10000) ? Number(value.toPrecision(3)).toString() : value.toExponential(1));

const ticks = (low, high, wanted) => {
  const raw = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step * 1e-9; v += step) found.push(v);
  return found;
};

// Ticks of a logarithmic axis: whole powers of ten, and between them 2 and 5 where there is room.
const logTicks = (low, high) => {
  const within = (values) => values.filter((v) => v >= low - 1e-9 && v <= high + 1e-9);
  const powers = [];
  for (let p = Math.floor(low); p <= Math.ceil(high); p += 1) powers.push(p);
  const fine = within(powers.flatMap((p) => [p, p + Math.log10(2), p + Math.log10(5)]));
  const coarse = within(powers.filter((p) => (high - low < 12 ? true : p % 2 === 0)));
  if (fine.length < 2) return ticks(low, high, 5);
  return fine.length <= 8 ? fine : coarse;
};

const shownX = (state, x) => nice(state.data.x_log ? 10 ** x : x);

const scaleOf = (state) => (state.log ? (v) => Math.log10(Math.max(v, 1e-6)) : (v) => v);

const shownLines = (state) => state.data.lines.map((line) => ({ ...line, y: state.smooth ? line.smooth : line.raw }));

const rangeOf = (state, lines) => {
  const scale = scaleOf(state);
  const xMax = Math.max(state.data.x_max, ...lines.map((l) => l.x[l.x.length - 1] ?? 0));
  const [x0, x1] = state.zoom ?? [state.data.x_min, xMax];
  const seen = lines.map((l) => l.y.filter((_, i) => l.x[i] >= x0 && l.x[i] <= x1).sort((a, b) => a - b)).filter((y) => y.length);
  // One run that blew up must not press the others flat: it may reach three times as high as the middle one.
  const tops = seen.map((y) => y[Math.floor((y.length - 1) * 0.98)]).sort((a, b) => a - b);
  const top = tops.length ? scale(Math.min(tops[tops.length - 1], 3 * tops[Math.floor((tops.length - 1) / 2)])) : 1;
  const low = seen.length ? scale(Math.min(...seen.map((y) => y[0]))) : 0;
  const pad = (top - low) * 0.08 || 0.1;
  const bounded = state.data.y_range ? state.data.y_range.map(scale) : [state.log ? low - pad : Math.min(0, low), top + pad];
  return { x0, x1, y0: bounded[0], y1: bounded[1] };
};

// Where the player on the page is.
const drawMoment = (context, canvas, x, height) => {
  const ink = context.strokeStyle;
  context.globalAlpha = 0.9;
  context.setLineDash([]);
  context.lineWidth = 2;
  context.strokeStyle = getComputedStyle(canvas).getPropertyValue("--st-primary-color") || ink;
  context.beginPath();
  context.moveTo(x, MARGIN.top);
  context.lineTo(x, height - MARGIN.bottom);
  context.stroke();
  context.strokeStyle = ink;
};

const paint = (state) => {
  const { canvas } = state;
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = state.data.height;
  if (!width) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const ink = getComputedStyle(canvas).color;
  const lines = shownLines(state);
  const range = rangeOf(state, lines);
  const scale = scaleOf(state);
  const px = (x) => MARGIN.left + ((x - range.x0) / (range.x1 - range.x0 || 1)) * (width - MARGIN.left - MARGIN.right);
  const py = (y) => height - MARGIN.bottom - ((scale(y) - range.y0) / (range.y1 - range.y0 || 1)) * (height - MARGIN.top - MARGIN.bottom);
  state.px = px;
  state.range = range;
  state.width = width;
  context.font = "12px sans-serif";
  context.fillStyle = ink;
  context.strokeStyle = ink;
  context.lineWidth = 1;
  context.textAlign = "right";
  for (const v of state.log ? logTicks(range.y0, range.y1) : ticks(range.y0, range.y1, 5)) {
    const value = state.log ? 10 ** v : v;
    const y = py(value);
    context.globalAlpha = 0.15;
    context.beginPath();
    context.moveTo(MARGIN.left, y);
    context.lineTo(width - MARGIN.right, y);
    context.stroke();
    context.globalAlpha = 0.8;
    context.fillText(nice(value), MARGIN.left - 6, y + 4);
  }
  context.textAlign = "center";
  const marksOfX = state.data.x_log ? logTicks(range.x0, range.x1) : ticks(range.x0, range.x1, 6);
  for (const v of marksOfX) context.fillText(shownX(state, v), px(v), height - 12);
  context.textAlign = "right";
  context.fillText(state.data.x_title, width - MARGIN.right, height - 1);
  context.save();
  context.beginPath();
  context.rect(MARGIN.left, 0, width - MARGIN.left - MARGIN.right, height - MARGIN.bottom + 1);
  context.clip();
  for (const level of state.data.levels) {
    context.globalAlpha = 0.55;
    context.setLineDash([3, 5]);
    context.beginPath();
    context.moveTo(MARGIN.left, py(level.y));
    context.lineTo(width, py(level.y));
    context.stroke();
    context.textAlign = "right";
    context.fillText(level.text, width - MARGIN.right - 4, py(level.y) - 5);
  }
  for (const mark of state.data.marks) {
    context.globalAlpha = 0.7;
    context.setLineDash([2, 4]);
    context.beginPath();
    context.moveTo(px(mark.x), MARGIN.top);
    context.lineTo(px(mark.x), height - MARGIN.bottom);
    context.stroke();
    context.textAlign = "left";
    context.fillText(mark.text, px(mark.x) + 6, MARGIN.top + 12);
  }
  const step = window.fewShotLabSteps?.get(state.data.player);
  if (step !== undefined) drawMoment(context, canvas, px(step), height);
  canvas.dataset.moment = step === undefined ? "" : step.toFixed(1);
  for (const [y, alpha, weight] of [["raw", state.smooth ? 0.22 : 0, 1], ["y", 1, 2.2]]) {
    lines.forEach((line, number) => {
      if (!alpha) return;
      context.globalAlpha = alpha;
      context.strokeStyle = line.colour;
      context.lineWidth = weight;
      context.setLineDash(y === "raw" ? [] : DASHES[number % DASHES.length]);
      context.beginPath();
      line.x.forEach((x, i) => (i ? context.lineTo(px(x), py(line[y][i])) : context.moveTo(px(x), py(line[y][i]))));
      context.stroke();
      if (y === "raw" || line.x.length > 40) return;
      context.fillStyle = line.colour;
      line.x.forEach((x, i) => {
        context.beginPath();
        context.arc(px(x), py(line[y][i]), 3.2, 0, 7);
        context.fill();
      });
    });
  }
  context.fillStyle = ink;
  context.restore();
  context.globalAlpha = 0.25;
  if (state.drag) context.fillRect(Math.min(...state.drag), MARGIN.top, Math.abs(state.drag[1] - state.drag[0]), height - MARGIN.top - MARGIN.bottom);
  context.globalAlpha = 1;
  canvas.dataset.points = String(lines.reduce((sum, l) => sum + l.x.length, 0));
  canvas.dataset.zoom = state.zoom ? state.zoom.map((v) => v.toFixed(1)).join(" ") : "";
  state.reset.hidden = !state.zoom;
};

const atPixel = (state, pixel) => {
  const { x0, x1 } = state.range;
  return x0 + ((pixel - MARGIN.left) / (state.width - MARGIN.left - MARGIN.right)) * (x1 - x0);
};

const showTip = (state, event) => {
  const pixel = event.offsetX;
  const at = atPixel(state, pixel);
  const rows = shownLines(state).filter((l) => l.x.length).map((line) => {
    const i = line.x.reduce((best, x, k) => (Math.abs(x - at) < Math.abs(line.x[best] - at) ? k : best), 0);
    return [line, line.x[i], line.y[i]];
  });
  state.tip.hidden = !rows.length;
  if (!rows.length) return;
  state.tip.replaceChildren(make("div", "", `${state.data.x_title} ${shownX(state, rows[0][1])}`), ...rows.map(([line, , y]) => {
    const row = make("div", "", `${line.name}: ${nice(y)}`);
    row.style.color = line.colour;
    return row;
  }));
  state.tip.style.top = "3rem";
  state.tip.style.left = `${pixel > state.width / 2 ? Math.max(0, pixel - state.tip.offsetWidth - 14) : pixel + 14}px`;
};

const build = (root, data) => {
  const tools = make("div", "tools");
  const canvas = make("canvas", "");
  canvas.setAttribute("role", "img");
  const tip = make("div", "tip");
  tip.hidden = true;
  const state = { data, canvas, tip, zoom: null, drag: null, log: false, smooth: data.smoothable, keys: make("span", "tools") };
  const toggle = (text, name) => {
    const label = make("label", "", "");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = state[name];
    box.onchange = () => { state[name] = box.checked; paint(state); };
    label.append(box, text);
    return label;
  };
  state.reset = make("button", "", "Show all");
  state.reset.type = "button";
  state.reset.onclick = () => { state.zoom = null; paint(state); };
  if (data.smoothable) tools.append(toggle("smoothed", "smooth"), toggle("log scale", "log"));
  tools.append(state.keys, state.reset);
  canvas.onpointerdown = (event) => { state.drag = [event.offsetX, event.offsetX]; canvas.setPointerCapture(event.pointerId); };
  canvas.onpointermove = (event) => {
    if (state.drag) { state.drag[1] = event.offsetX; paint(state); }
    showTip(state, event);
  };
  canvas.onpointerup = () => {
    const drag = state.drag;
    state.drag = null;
    if (drag && Math.abs(drag[1] - drag[0]) > 8) state.zoom = drag.map((p) => atPixel(state, p)).sort((a, b) => a - b);
    else if (drag && state.data.player) {
      const detail = { player: state.data.player, step: atPixel(state, drag[1]) };
      dispatchEvent(new CustomEvent("few-shot-lab-seek", { detail }));
    }
    paint(state);
  };
  canvas.onpointerleave = () => { tip.hidden = true; };
  canvas.ondblclick = () => { state.zoom = null; paint(state); };
  addEventListener("few-shot-lab-step", ({ detail }) => {
    if (canvas.isConnected && state.data.player === detail.player) paint(state);
  });
  root.replaceChildren(tools, canvas, tip);
  new ResizeObserver(() => paint(state)).observe(canvas);
  return state;
};

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".curve");
  root.state ??= build(root, data);
  const { state } = root;
  state.data = data;
  state.canvas.style.height = `${data.height}px`;
  state.canvas.setAttribute("aria-label", `${data.label}. ${data.lines.map((l) => `${l.name}: ${l.y_last}`).join("; ")}`);
  state.keys.replaceChildren(...data.lines.map((line, number) => {
    const key = make("span", "key");
    const mark = make("i", "");
    mark.style.borderTopColor = line.colour;
    mark.style.borderTopStyle = ["solid", "dashed", "dotted", "double"][number % 4];
    key.append(mark, line.name);
    return key;
  }));
  paint(state);
}
