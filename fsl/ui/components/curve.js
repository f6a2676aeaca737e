// Curves that grow: drawn on one canvas that stays, so nothing flickers and the zoom is kept.
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
const MARGIN = { left: 52, right: 12, top: 10, bottom: 36 };

const nice = (value) =>
  value === 0 || (Math.abs(value) >= 0.01 && Math.abs(value) < 10000)
    ? Number(value.toPrecision(3)).toString()
    : value.toExponential(1);

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

const shownLines = (state) =>
  state.data.lines.map((line) => ({ ...line, y: state.smooth ? line.smooth : line.raw }));

const rangeOf = (state, lines) => {
  const scale = scaleOf(state);
  const xMax = Math.max(state.data.x_max, ...lines.map((l) => l.x[l.x.length - 1] ?? 0));
  const [x0, x1] = state.zoom ?? [state.data.x_min, xMax];
  const seen = lines
    .map((l) => l.y.filter((_, i) => l.x[i] >= x0 && l.x[i] <= x1).sort((a, b) => a - b))
    .filter((y) => y.length);
  // One run that blew up must not press the others flat: it may reach three times as high as the middle one.
  const tops = seen.map((y) => y[Math.floor((y.length - 1) * 0.98)]).sort((a, b) => a - b);
  const top = tops.length
    ? scale(Math.min(tops[tops.length - 1], 3 * tops[Math.floor((tops.length - 1) / 2)]))
    : 1;
  const low = seen.length ? scale(Math.min(...seen.map((y) => y[0]))) : 0;
  const pad = (top - low) * 0.08 || 0.1;
  const bounded = state.data.y_range
    ? state.data.y_range.map(scale)
    : [state.log ? low - pad : Math.min(0, low), top + pad];
  return { x0, x1, y0: bounded[0], y1: bounded[1] };
};

// Where the player on the page is.
const drawMoment = (context, canvas, x, height) => {
  const ink = context.strokeStyle;
  context.strokeStyle = getComputedStyle(canvas).getPropertyValue("--st-primary-color") || ink;
  straight(context, x, MARGIN.top, x, height - MARGIN.bottom, { alpha: 0.9, weight: 2 });
  context.strokeStyle = ink;
};

// From values to pixels, for one drawing.
const frameOf = (state, lines, width, height) => {
  const range = rangeOf(state, lines);
  const scale = scaleOf(state);
  const across = width - MARGIN.left - MARGIN.right;
  const down = height - MARGIN.top - MARGIN.bottom;
  return {
    range,
    width,
    height,
    px: (x) => MARGIN.left + ((x - range.x0) / (range.x1 - range.x0 || 1)) * across,
    py: (y) => height - MARGIN.bottom - ((scale(y) - range.y0) / (range.y1 - range.y0 || 1)) * down,
  };
};

const stroke = (context, points, { alpha, dash = [], weight = 1 }) => {
  context.globalAlpha = alpha;
  context.lineWidth = weight;
  context.setLineDash(dash);
  context.beginPath();
  for (const [i, [x, y]] of points.entries()) context[i ? "lineTo" : "moveTo"](x, y);
  context.stroke();
};

const straight = (context, x0, y0, x1, y1, look) =>
  stroke(
    context,
    [
      [x0, y0],
      [x1, y1],
    ],
    look,
  );

const write = (context, text, x, y, align, alpha = 0.8) => {
  context.globalAlpha = alpha;
  context.textAlign = align;
  context.fillText(text, x, y);
};

const drawAxes = (context, state, { range, width, height, px, py }) => {
  for (const v of state.log ? logTicks(range.y0, range.y1) : ticks(range.y0, range.y1, 5)) {
    const value = state.log ? 10 ** v : v;
    straight(context, MARGIN.left, py(value), width - MARGIN.right, py(value), { alpha: 0.15 });
    write(context, nice(value), MARGIN.left - 6, py(value) + 4, "right");
  }
  for (const v of state.data.x_log ? logTicks(range.x0, range.x1) : ticks(range.x0, range.x1, 6))
    write(context, shownX(state, v), px(v), height - 20, "center");
  write(context, state.data.x_title, width - MARGIN.right, height - 5, "right");
};

// Levels and places worth knowing, with a word on each.
const drawMarks = (context, state, { width, height, px, py }) => {
  for (const { y, text } of state.data.levels) {
    straight(context, MARGIN.left, py(y), width, py(y), { alpha: 0.55, dash: [3, 5] });
    write(context, text, width - MARGIN.right - 4, py(y) - 5, "right", 0.55);
  }
  for (const { x, text } of state.data.marks) {
    straight(context, px(x), MARGIN.top, px(x), height - MARGIN.bottom, { alpha: 0.7, dash: [2, 4] });
    write(context, text, px(x) + 6, MARGIN.top + 12, "left", 0.7);
  }
};

const through = (line, y, { px, py }) => line.x.map((x, i) => [px(x), py(y[i])]);

// The part of a curve that the player has reached.
const until = (line, moment) => {
  const n = line.x.filter((x) => x <= moment).length;
  return { ...line, ...Object.fromEntries(["x", "y", "raw"].map((key) => [key, line[key].slice(0, n)])) };
};

const drawRaw = (context, line, frame) => {
  context.strokeStyle = line.colour;
  stroke(context, through(line, line.raw, frame), { alpha: 0.22 });
};

const drawLine = (context, line, number, frame) => {
  const points = through(line, line.y, frame);
  context.strokeStyle = line.colour;
  stroke(context, points, { alpha: 1, dash: DASHES[number % DASHES.length], weight: 2.2 });
  if (points.length > 40) return;
  context.fillStyle = line.colour;
  for (const [x, y] of points) {
    context.beginPath();
    context.arc(x, y, 3.2, 0, 7);
    context.fill();
  }
};

// For tests: what is drawn, as one cannot read it off the pixels.
const tell = (state, lines, moment) => {
  const { dataset } = state.canvas;
  dataset.moment = moment === undefined ? "" : moment.toFixed(1);
  dataset.lines = lines.map((line) => line.x.length).join(" ");
  dataset.points = String(lines.reduce((sum, line) => sum + line.x.length, 0));
  dataset.last = String(Math.max(...lines.map((line) => line.x.at(-1) ?? 0)));
  dataset.zoom = state.zoom ? state.zoom.map((v) => v.toFixed(1)).join(" ") : "";
};

const paint = (state) => {
  const { canvas } = state;
  const ratio = window.devicePixelRatio || 1;
  const [width, height] = [canvas.clientWidth, state.data.height];
  if (!width) return;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const ink = getComputedStyle(canvas).color;
  [context.font, context.fillStyle, context.strokeStyle] = ["12px sans-serif", ink, ink];
  const lines = shownLines(state);
  const frame = frameOf(state, lines, width, height);
  [state.range, state.width] = [frame.range, width];
  drawAxes(context, state, frame);
  context.save();
  context.beginPath();
  context.rect(MARGIN.left, 0, width - MARGIN.left - MARGIN.right, height - MARGIN.bottom + 1);
  context.clip();
  drawMarks(context, state, frame);
  const moment = window.fewShotLabSteps?.get(state.data.player);
  if (moment !== undefined) drawMoment(context, canvas, frame.px(moment), height);
  const drawn = state.data.reveal && moment !== undefined ? lines.map((line) => until(line, moment)) : lines;
  if (state.smooth) for (const line of drawn) drawRaw(context, line, frame);
  for (const [number, line] of drawn.entries()) drawLine(context, line, number, frame);
  context.restore();
  context.globalAlpha = 0.25;
  if (state.drag)
    context.fillRect(
      Math.min(...state.drag),
      MARGIN.top,
      Math.abs(state.drag[1] - state.drag[0]),
      height - MARGIN.top - MARGIN.bottom,
    );
  tell(state, drawn, moment);
  state.reset.hidden = !state.zoom;
};

const atPixel = (state, pixel) => {
  const { x0, x1 } = state.range;
  return x0 + ((pixel - MARGIN.left) / (state.width - MARGIN.left - MARGIN.right)) * (x1 - x0);
};

const showTip = (state, event) => {
  const pixel = event.offsetX;
  const at = atPixel(state, pixel);
  const rows = shownLines(state)
    .filter((l) => l.x.length)
    .map((line) => {
      const i = line.x.reduce((best, x, k) => (Math.abs(x - at) < Math.abs(line.x[best] - at) ? k : best), 0);
      return [line, line.x[i], line.y[i]];
    });
  state.tip.hidden = !rows.length;
  if (!rows.length) return;
  state.tip.replaceChildren(
    make("div", "", `${state.data.x_title} ${shownX(state, rows[0][1])}`),
    ...rows.map(([line, , y]) => {
      const row = make("div", "", `${line.name}: ${nice(y)}`);
      row.style.color = line.colour;
      return row;
    }),
  );
  state.tip.style.top = "3rem";
  state.tip.style.left = `${pixel > state.width / 2 ? Math.max(0, pixel - state.tip.offsetWidth - 14) : pixel + 14}px`;
};

const build = (root, data) => {
  const tools = make("div", "tools");
  const canvas = make("canvas", "");
  canvas.setAttribute("role", "img");
  const tip = make("div", "tip");
  tip.hidden = true;
  const state = {
    data,
    canvas,
    tip,
    zoom: null,
    drag: null,
    log: false,
    smooth: data.smoothable,
    keys: make("span", "tools"),
  };
  const toggle = (text, name) => {
    const label = make("label", "", "");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = state[name];
    box.onchange = () => {
      state[name] = box.checked;
      paint(state);
    };
    label.append(box, text);
    return label;
  };
  state.reset = make("button", "", "Show all");
  state.reset.type = "button";
  state.reset.onclick = () => {
    state.zoom = null;
    paint(state);
  };
  if (data.smoothable) tools.append(toggle("smoothed", "smooth"), toggle("log scale", "log"));
  tools.append(state.keys, state.reset);
  canvas.onpointerdown = (event) => {
    state.drag = [event.offsetX, event.offsetX];
    canvas.setPointerCapture(event.pointerId);
  };
  canvas.onpointermove = (event) => {
    if (state.drag) {
      state.drag[1] = event.offsetX;
      paint(state);
    }
    showTip(state, event);
  };
  canvas.onpointerup = () => {
    const drag = state.drag;
    state.drag = null;
    if (drag && Math.abs(drag[1] - drag[0]) > 8)
      state.zoom = drag.map((p) => atPixel(state, p)).sort((a, b) => a - b);
    else if (drag && state.data.player) {
      const detail = { player: state.data.player, step: atPixel(state, drag[1]) };
      dispatchEvent(new CustomEvent("few-shot-lab-seek", { detail }));
    }
    paint(state);
  };
  canvas.onpointercancel = () => {
    state.drag = null;
    paint(state);
  }; // a touch that became a scroll
  canvas.onpointerleave = () => {
    tip.hidden = true;
  };
  canvas.ondblclick = () => {
    state.zoom = null;
    paint(state);
  };
  const follow = ({ detail }) => {
    if (canvas.isConnected && state.data.player === detail.player) paint(state);
  };
  const resized = new ResizeObserver(() => paint(state));
  state.connect = () => {
    addEventListener("few-shot-lab-step", follow);
    resized.observe(canvas);
  };
  state.disconnect = () => {
    removeEventListener("few-shot-lab-step", follow);
    resized.disconnect();
  };
  root.replaceChildren(tools, canvas, tip);
  return state;
};

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".curve");
  root.state ??= build(root, data);
  const { state } = root;
  state.connect();
  if (data.about !== state.data.about) state.zoom = null; // other runs: what was zoomed in on may be nothing of theirs
  state.data = data;
  state.canvas.style.height = `${data.height}px`;
  state.canvas.setAttribute(
    "aria-label",
    `${data.label}. ${data.lines.map((l) => `${l.name}: ${l.y_last}`).join("; ")}`,
  );
  state.keys.replaceChildren(
    ...data.lines.map((line, number) => {
      const key = make("span", "key");
      const mark = make("i", "");
      mark.style.borderTopColor = line.colour;
      mark.style.borderTopStyle = ["solid", "dashed", "dotted", "double"][number % 4];
      key.append(mark, line.name);
      return key;
    }),
  );
  paint(state);
  return state.disconnect;
}
