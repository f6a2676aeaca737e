// Pointer, touch and keyboard on the map.
const REACH = 14; // pixels from a dot that still count as on it
const NOTHING = -1; // no image, where one might be pointed at or chosen

const nearestTo = (state, x, y) => {
  let [best, found] = [Infinity, NOTHING];
  const reach = Math.max(REACH, state.side / 2 + 3);
  for (let k = state.order.length - 1; k >= 0; k -= 1) {
    const i = state.order[k];
    if (!isShown(state, i) || isFaint(state, i)) continue;
    const apart = Math.hypot(state.screen.x[i] - x, state.screen.y[i] - y);
    if (apart < reach && apart < best) [best, found] = [apart, i];
  }
  return found;
};

const inTrail = (state) => {
  const found = [];
  for (let i = 0; i < state.map.n; i += 1) {
    if (isShown(state, i) && inPolygon(state.screen.x[i], state.screen.y[i], state.trail)) found.push(i);
  }
  return found;
};

const placeIn = (state, event) => {
  const box = state.canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

const boxBetween = ([x1, y1], [x2, y2]) => [
  [x1, y1],
  [x2, y1],
  [x2, y2],
  [x1, y2],
];

// A map in space, as far as from straight above to straight below.
const turn = (view, yaw, pitch) => {
  view.yaw += yaw;
  view.pitch = Math.max(-1.5, Math.min(1.5, view.pitch + pitch));
};

const drag = (state, event, [x, y]) => {
  const { at, start } = state.press;
  const [dx, dy] = [x - at[0], y - at[1]];
  state.press.at = [x, y];
  if (Math.hypot(x - start[0], y - start[1]) > 4) state.press.moved = true;
  if (!state.press.moved) return;
  if (state.tool === "box") state.trail = boxBetween(start, [x, y]);
  else if (state.tool === "lasso") state.trail.push([x, y]);
  else if (state.map.dims === 3 && !event.shiftKey) {
    turn(state.view, dx * 0.008, dy * 0.008);
  } else {
    state.view.x += dx;
    state.view.y += dy;
  }
  repaint(state);
};

const pinch = (state) => {
  const [a, b] = [...state.fingers.values()];
  const apart = Math.hypot(a[0] - b[0], a[1] - b[1]);
  if (state.apart)
    zoomAt(state.view, apart / state.apart, (a[0] + b[0]) / 2, (a[1] + b[1]) / 2, state.width, state.height);
  state.apart = apart;
  state.press = null;
  repaint(state);
};

const hoverAt = (state, x, y) => {
  const found = nearestTo(state, x, y);
  if (found !== state.hover) {
    state.hover = found;
    repaint(state);
  }
  showTip(state, found, x, y);
  state.canvas.style.cursor = found >= 0 ? "pointer" : state.tool === "move" ? "grab" : "crosshair";
};

const release = (state, [x, y]) => {
  const press = state.press;
  state.press = null;
  if (!press) return;
  if (!press.moved) {
    const found = nearestTo(state, x, y);
    if (found >= 0 || state.data.selected >= 0) state.send("select", found);
  } else if (state.trail.length > 2) {
    state.send("group", inTrail(state));
  }
  state.trail = [];
  repaint(state);
};

const listenToPointer = (state) => {
  const { canvas } = state;
  canvas.onpointerdown = (event) => {
    canvas.setPointerCapture(event.pointerId);
    const at = placeIn(state, event);
    state.fingers.set(event.pointerId, at);
    state.press = { at, start: at, moved: false };
    state.trail = state.tool === "lasso" ? [at] : [];
    showTip(state, NOTHING);
  };
  canvas.onpointermove = (event) => {
    const at = placeIn(state, event);
    if (state.fingers.has(event.pointerId)) state.fingers.set(event.pointerId, at);
    if (state.fingers.size === 2) pinch(state);
    else if (state.press) drag(state, event, at);
    else hoverAt(state, ...at);
  };
  canvas.onpointerup = (event) => {
    state.fingers.delete(event.pointerId);
    state.apart = 0;
    release(state, placeIn(state, event));
  };
  canvas.onpointercancel = (event) => {
    state.fingers.delete(event.pointerId);
    state.press = null;
    state.trail = [];
    repaint(state);
  };
  canvas.onpointerleave = () => {
    state.hover = NOTHING;
    showTip(state, NOTHING);
    repaint(state);
  };
  canvas.addEventListener(
    "wheel",
    (event) => {
      // A page must still scroll past the map: the wheel zooms once the map has been clicked, or with Ctrl.
      if (!event.ctrlKey && state.root.activeElement !== canvas) return;
      event.preventDefault();
      zoomAt(
        state.view,
        Math.exp(-event.deltaY * 0.0016),
        ...placeIn(state, event),
        state.width,
        state.height,
      );
      repaint(state);
    },
    { passive: false },
  );
  canvas.ondblclick = (event) => {
    zoomAt(state.view, 2, ...placeIn(state, event), state.width, state.height);
    repaint(state);
  };
};

// Those in sight, from left to right: what the keyboard points at, one after another.
const inSight = (state) => {
  const { x, y } = state.screen;
  const found = [];
  for (let i = 0; i < state.map.n; i += 1) {
    const isOnCanvas = x[i] >= 0 && x[i] <= state.width && y[i] >= 0 && y[i] <= state.height;
    if (isOnCanvas && isShown(state, i) && !isFaint(state, i)) found.push(i);
  }
  return found.sort((a, b) => x[a] - x[b] || a - b);
};

const pointAtNext = (state, by) => {
  const found = inSight(state);
  if (!found.length) return;
  const at = found.indexOf(state.hover);
  state.hover = at < 0 ? found.at(by > 0 ? 0 : -1) : found[(at + by + found.length) % found.length];
  showTip(state, state.hover, state.screen.x[state.hover], state.screen.y[state.hover]);
};

const KEYS_IN_WORDS =
  "Arrow keys, plus and minus move the map, 0 shows all of it. N and P point at the next and the previous picture, " +
  "Enter chooses it, Escape lets go. G lays out the pictures in sight.";
const KEYS = {
  ArrowLeft: [40, 0],
  ArrowRight: [-40, 0],
  ArrowUp: [0, 40],
  ArrowDown: [0, -40],
};
const listenToKeys = (state) => {
  state.canvas.onkeydown = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own
    const zoom = { "+": 1.3, "=": 1.3, "-": 1 / 1.3 }[event.key];
    if (zoom) zoomAt(state.view, zoom, state.width / 2, state.height / 2, state.width, state.height);
    else if (event.key === "0") Object.assign(state.view, FRESH_VIEW);
    else if (event.key === "n" || event.key === "p") pointAtNext(state, event.key === "n" ? 1 : -1);
    else if (event.key === "Enter" && state.hover >= 0) state.send("select", state.hover);
    else if (event.key === "g" && state.data.groups) state.send("group", inSight(state));
    else if (event.key === "Escape") state.send("select", NOTHING);
    else if (KEYS[event.key] && state.map.dims === 3) {
      turn(state.view, KEYS[event.key][0] * -0.004, KEYS[event.key][1] * -0.004);
    } else if (KEYS[event.key]) {
      state.view.x += KEYS[event.key][0];
      state.view.y += KEYS[event.key][1];
    } else return;
    event.preventDefault();
    repaint(state);
  };
};
