// The map's frame: toolbar, legend, the picture at the pointer.
const TIP_SIDE = 120;
const showTip = (state, i, x, y) => {
  state.tip.hidden = i < 0;
  if (i < 0) return;
  const { data } = state;
  const context = state.tipPicture.getContext("2d");
  state.tipPicture.hidden = !state.sheet;
  if (state.sheet) {
    const { tile, columns } = data;
    context.drawImage(
      state.sheet,
      (i % columns) * tile,
      Math.floor(i / columns) * tile,
      tile,
      tile,
      0,
      0,
      TIP_SIDE,
      TIP_SIDE,
    );
  }
  state.tipClass.textContent = labelName(state, data.labels[i]);
  state.tipName.textContent = data.names[i];
  const width = TIP_SIDE + 18;
  state.tip.style.left = `${x + 18 + width > state.width ? Math.max(0, x - width - 14) : x + 18}px`;
  state.tip.style.top = `${Math.max(0, Math.min(y - 20, state.height - TIP_SIDE - 60))}px`;
};

const symbolOf = (state, label) => {
  const canvas = make("canvas", "symbol");
  canvas.width = canvas.height = 32;
  const context = canvas.getContext("2d");
  const style = styleOf(label, state.ink);
  traceShape(context, style.shape, 16, 16, 10);
  context.fillStyle = style.colour;
  context.fill();
  return canvas;
};

const labelName = (state, label) => (label === NO_CLASS ? state.data.no_class : state.data.classes[label]);

const legendButton = (state, label, count) => {
  const button = make("button", "entry");
  button.type = "button";
  button.title = "Show or hide this class. Double-click: show it alone.";
  button.append(
    symbolOf(state, label),
    make("span", "name", labelName(state, label)),
    make("span", "count", count.toLocaleString("en")),
  );
  button.onclick = () => {
    if (state.hidden.has(label)) state.hidden.delete(label);
    else state.hidden.add(label);
    markLegend(state);
  };
  button.ondblclick = () => {
    state.hidden = new Set([...state.counts.keys()].filter((other) => other !== label));
    markLegend(state);
  };
  return button;
};

const legendLabels = (state) => [...state.counts.keys()].sort((a, b) => a - b);

// What is hidden, on the buttons that are there: none moves under a pointer that clicks twice.
const markLegend = (state) => {
  const buttons = [...state.legend.children];
  for (const [i, label] of legendLabels(state).entries())
    buttons[i].setAttribute("aria-pressed", String(!state.hidden.has(label)));
  buttons.at(-1).hidden = !state.hidden.size;
  repaint(state);
};

const showAllButton = (state) => {
  const button = make("button", "entry all", "Show all");
  button.type = "button";
  button.onclick = () => {
    state.hidden.clear();
    state.legend.firstChild.focus({ preventScroll: true }); // this button goes
    markLegend(state);
  };
  return button;
};

const drawLegend = (state) => {
  if (state.data.compact) return;
  const focused = [...state.legend.children].indexOf(state.root.activeElement);
  const entries = legendLabels(state).map((label) => legendButton(state, label, state.counts.get(label)));
  state.legend.replaceChildren(...entries, showAllButton(state));
  markLegend(state);
  if (focused >= 0)
    state.legend.children[Math.min(focused, entries.length - 1)].focus({ preventScroll: true });
};

const toolButton = (text, title, act) => {
  const button = make("button", "tool", text);
  button.type = "button";
  button.title = title;
  button.setAttribute("aria-label", title);
  button.onclick = () => act(button);
  return button;
};

const TOOLS = [
  ["move", "Move", "Drag to move the map (in 3-D: to turn it)"],
  ["box", "Box", "Drag a box round the pictures to look at together"],
  ["lasso", "Lasso", "Draw a line round the pictures to look at together"],
];
const PICTURES = { auto: "Pictures: auto", on: "Pictures: always", off: "Pictures: never" };

const buildToolbar = (state, canGroup) => {
  const bar = make("div", "toolbar");
  bar.setAttribute("role", "toolbar");
  bar.setAttribute("aria-label", "Map tools");
  const kinds = canGroup ? TOOLS : [];
  const tools = kinds.map(([tool, text, title]) => {
    const button = toolButton(text, title, () => {
      state.tool = tool;
      for (const [i, other] of tools.entries())
        other.setAttribute("aria-pressed", String(TOOLS[i][0] === tool));
      state.canvas.style.touchAction = tool === "move" ? "pan-y" : "none";
    });
    button.setAttribute("aria-pressed", String(tool === state.tool));
    return button;
  });
  const zoom = (factor) => () => {
    zoomAt(state.view, factor, state.width / 2, state.height / 2, state.width, state.height);
    repaint(state);
  };
  const pictures = toolButton(
    PICTURES.auto,
    "Pictures in place of symbols: where there is room, always, never",
    (button) => {
      const kinds = Object.keys(PICTURES);
      state.pictures = kinds[(kinds.indexOf(state.pictures) + 1) % kinds.length];
      button.textContent = PICTURES[state.pictures];
      repaint(state);
    },
  );
  const fit = () => {
    Object.assign(state.view, FRESH_VIEW);
    repaint(state);
  };
  bar.append(
    ...tools,
    make("span", "gap"),
    toolButton("+", "Zoom in", zoom(1.4)),
    toolButton("−", "Zoom out", zoom(1 / 1.4)),
    toolButton("Fit", "Show the whole map", fit),
    make("span", "gap"),
    pictures,
    toolButton("PNG", "Save this view as a PNG picture", () => savePng(state)),
  );
  return bar;
};

// The view with its legend below, as a file.
const savePng = (state) => {
  const labels = legendLabels(state).filter((label) => !state.hidden.has(label));
  const columns = Math.max(1, Math.floor(state.width / 190));
  const extra = 14 + 22 * Math.ceil(labels.length / columns);
  const canvas = document.createElement("canvas");
  canvas.width = state.canvas.width;
  canvas.height = state.canvas.height + extra * state.scale;
  const context = canvas.getContext("2d");
  context.fillStyle = state.paper;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(state.canvas, 0, 0);
  context.scale(state.scale, state.scale);
  context.font = "13px sans-serif";
  labels.forEach((label, i) => {
    const [x, y] = [14 + (i % columns) * 190, state.height + 14 + 22 * Math.floor(i / columns)];
    const style = styleOf(label, state.ink);
    traceShape(context, style.shape, x, y, 5);
    context.fillStyle = style.colour;
    context.fill();
    context.fillStyle = state.ink;
    context.fillText(labelName(state, label).slice(0, 26), x + 12, y + 4.5);
  });
  canvas.toBlob((blob) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = "map.png";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  });
};

const readTheme = (state) => {
  const style = getComputedStyle(state.frame);
  state.ink = style.getPropertyValue("--st-text-color").trim() || "#17211e";
  state.paper = style.getPropertyValue("--st-background-color").trim() || "#ffffff";
  state.accent = style.getPropertyValue("--st-primary-color").trim() || "#0b7a5c";
  state.muted = "rgba(128, 140, 135, 0.75)";
};

const build = (parentElement, data) => {
  const frame = parentElement.querySelector(".map");
  const [stage, canvas, tip, legend] = [
    make("div", "stage"),
    make("canvas", "canvas"),
    make("div", "tip"),
    make("div", "legend"),
  ];
  canvas.tabIndex = 0;
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-description", KEYS_IN_WORDS);
  const [tipPicture, tipClass, tipName] = [
    make("canvas", "picture"),
    make("span", "class"),
    make("span", "file"),
  ];
  tipPicture.width = tipPicture.height = TIP_SIDE;
  tip.append(tipPicture, tipClass, tipName);
  tip.hidden = true;
  tip.setAttribute("aria-live", "polite");
  legend.setAttribute("role", "group");
  legend.setAttribute("aria-label", "Classes");
  stage.append(canvas, tip);
  const state = {
    root: parentElement,
    frame,
    canvas,
    tip,
    tipPicture,
    tipClass,
    tipName,
    legend,
    context: canvas.getContext("2d"),
    view: { ...FRESH_VIEW },
    tool: "move",
    pictures: "auto",
    hidden: new Set(),
    hover: -1,
    trail: [],
    press: null,
    fingers: new Map(),
    apart: 0,
    scale: 1,
    width: 0,
    height: 0,
    side: 0,
    sheet: null,
    bright: null,
  };
  state.caption = make("div", "caption");
  frame.append(buildToolbar(state, data.groups), stage, state.caption, legend);
  listenToPointer(state);
  listenToKeys(state);
  const resized = new ResizeObserver(() => resize(state));
  const follow = (event) => followPlayer(state, event);
  const takeSheet = () => {
    if (!canvas.isConnected) return;
    findSheet(state);
    repaint(state);
  };
  state.connect = () => {
    addEventListener("few-shot-lab-step", follow);
    addEventListener("few-shot-lab-sheet", takeSheet);
    resized.observe(stage);
  };
  state.disconnect = () => {
    removeEventListener("few-shot-lab-step", follow);
    removeEventListener("few-shot-lab-sheet", takeSheet);
    resized.disconnect();
  };
  // Where an image lies on the canvas, for anything that wants to point at it.
  canvas.placeOf = (i) => [state.screen.x[i], state.screen.y[i]];
  return state;
};

const resize = (state) => {
  const box = state.canvas.parentElement.getBoundingClientRect();
  if (!box.width) return;
  state.scale = Math.min(2, devicePixelRatio || 1);
  [state.width, state.height] = [box.width, box.height];
  state.canvas.width = Math.round(box.width * state.scale);
  state.canvas.height = Math.round(box.height * state.scale);
  if (state.data) {
    readTheme(state);
    paint(state);
  }
};

const findSheet = (state) => {
  state.sheet = window.fewShotLabSheets?.get(state.data.sheet) ?? null;
  state.canvas.dataset.sheet = state.sheet ? "drawn" : "waiting";
};

const takeMap = (state, data) => {
  const dims = data.dims;
  const xyz = Float32Array.from(data.xyz);
  const n = data.labels.length;
  const isSame =
    state.map && state.collection === data.collection && state.map.n === n && state.map.dims === dims;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  if (isSame && state.layout !== data.layout && !calm && !data.motion) {
    state.glide = {
      from: state.map.xyz.slice(),
      to: xyz,
      fromBounds: state.map.bounds,
      toBounds: boundsOf(xyz, dims),
    };
  } else if (!isSame || state.layout !== data.layout) {
    state.glide = null;
    state.map = { n, dims, xyz, bounds: boundsOf(xyz, dims) };
  }
  if (!isSame) {
    state.screen = { x: new Float32Array(n), y: new Float32Array(n), depth: new Float32Array(n) };
    state.order = Array.from({ length: n }, (_, i) => i).sort((a, b) => data.labels[b] - data.labels[a]);
    state.hidden = new Set();
    state.view = { ...FRESH_VIEW };
    state.hover = -1;
  }
  state.counts = new Map();
  for (const label of data.labels) state.counts.set(label, (state.counts.get(label) ?? 0) + 1);
  state.collection = data.collection;
  state.layout = data.layout;
  takeMotion(state, data.motion);
};

const states = new WeakMap();

export default function ({ data, parentElement, setTriggerValue }) {
  const frame = parentElement.querySelector(".map");
  let state = states.get(frame);
  if (!state) {
    state = build(parentElement, data);
    states.set(frame, state);
  }
  state.connect();
  state.send = (what, value) => !data.compact && setTriggerValue(what, value);
  state.data = data;
  frame.classList.toggle("compact", data.compact);
  state.canvas.parentElement.style.height = `min(${data.height}px, 100vw)`;
  state.canvas.setAttribute("aria-label", data.label);
  takeMap(state, data);
  state.bright = data.bright ? new Set(data.bright) : null;
  findSheet(state);
  readTheme(state);
  drawLegend(state);
  resize(state);
  repaint(state);
  return state.disconnect;
}
