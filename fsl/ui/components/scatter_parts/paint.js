// Drawing the map on its canvas.
const SIDES = [60, 48, 36, 28]; // of a picture on the map, in pixels; where none has room there are symbols
const ROOM = 0.55; // share of the pictures that must have a square of that side to themselves
const MOST_PICTURES = 600;
const NARROW = 200; // a map of fewer pixels, as of three side by side on a phone, has symbols
const FAINT = 0.13;

const visibleRows = (state) => {
  const { x, y } = state.screen;
  return state.order.filter(
    (i) => isShown(state, i) && x[i] > 0 && x[i] < state.width && y[i] > 0 && y[i] < state.height,
  );
};

const pictureSide = (state) => {
  if (state.pictures === "off" || !state.sheet || state.width < NARROW) return 0;
  const rows = visibleRows(state);
  const sides = state.data.compact ? SIDES.slice(2) : SIDES;
  if (rows.length <= MOST_PICTURES) {
    for (const side of sides) {
      const squares = new Set(
        rows.map((i) => Math.floor(state.screen.x[i] / side) * 4096 + Math.floor(state.screen.y[i] / side)),
      );
      if (squares.size >= ROOM * rows.length) return side;
    }
  }
  return state.pictures === "on" || state.data.compact ? sides.at(-1) - 4 : 0;
};

const isShown = (state, i) => !state.hidden.has(state.data.labels[i]);
const isFaint = (state, i) => state.bright !== null && !state.bright.has(i);

const drawPicture = (context, state, i, x, y, side, ink) => {
  const { tile, columns } = state.data;
  const [left, top] = [(i % columns) * tile, Math.floor(i / columns) * tile];
  const border = state.data.labels[i] === NO_CLASS ? 3 : 2;
  context.fillStyle = styleOf(state.data.labels[i], ink).colour;
  context.fillRect(x - side / 2 - border, y - side / 2 - border, side + 2 * border, side + 2 * border);
  context.drawImage(state.sheet, left, top, tile, tile, x - side / 2, y - side / 2, side, side);
  if (side >= 24) drawBadge(context, state, i, x - side / 2, y - side / 2, ink);
};

const drawBadge = (context, state, i, x, y, ink) => {
  const stamp = stampOf(styleOf(state.data.labels[i], ink), 4.5, state.paper, state.scale);
  context.drawImage(stamp.canvas, x - stamp.side / 2 + 1, y - stamp.side / 2 + 1, stamp.side, stamp.side);
};

const drawPoint = (context, state, i, side, radius, ink, isStressed = false) => {
  const { x, y, depth } = state.screen;
  if (x[i] < -40 || y[i] < -40 || x[i] > state.width + 40 || y[i] > state.height + 40) return;
  context.globalAlpha = !isStressed && isFaint(state, i) ? FAINT : 0.35 + 0.65 * depth[i];
  if (side) {
    drawPicture(context, state, i, x[i], y[i], side * (0.6 + 0.4 * depth[i]), ink);
    return;
  }
  const isQuery = state.data.labels[i] === NO_CLASS;
  const r = Math.round(radius * (0.6 + 0.4 * depth[i]) * (isQuery ? 1.5 : 1) * 2) / 2;
  const stamp = stampOf(styleOf(state.data.labels[i], ink), r, state.paper, state.scale);
  context.drawImage(stamp.canvas, x[i] - stamp.side / 2, y[i] - stamp.side / 2, stamp.side, stamp.side);
};

const drawLines = (context, state, pairs, colour, width, dash) => {
  const { x, y } = state.screen;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dash);
  context.beginPath();
  for (const [a, b] of pairs) {
    if (!isShown(state, a) || !isShown(state, b)) continue;
    context.moveTo(x[a], y[a]);
    context.lineTo(x[b], y[b]);
  }
  context.stroke();
  context.setLineDash([]);
};

const drawRing = (context, state, i, side, colour) => {
  context.globalAlpha = 1;
  context.strokeStyle = colour;
  context.lineWidth = 3;
  const r = side ? side / 2 + 5 : 11;
  context.beginPath();
  if (side) context.roundRect(state.screen.x[i] - r, state.screen.y[i] - r, 2 * r, 2 * r, 5);
  else context.arc(state.screen.x[i], state.screen.y[i], r, 0, 2 * Math.PI);
  context.stroke();
};

// What the axes show: along the edges of a flat map; in space, at the ends of lines through its middle.
const drawAxes = (context, state) => {
  const { axes } = state.data;
  if (!axes?.length) return;
  const { map, view, width, height } = state;
  context.globalAlpha = 1;
  context.fillStyle = context.strokeStyle = state.muted;
  context.font = "12px sans-serif";
  context.textAlign = "right";
  context.lineWidth = 1;
  if (map.dims === 2) {
    context.fillText(`${axes[0]} →`, width - 8, height - 8);
    context.save();
    context.rotate(-Math.PI / 2);
    context.fillText(`${axes[1]} →`, -8, 16);
    context.restore();
    return;
  }
  const ends = [-1, 1].flatMap((end) =>
    [0, 1, 2].map((axis) => [0, 1, 2].map((i) => (i === axis ? end : 0))),
  );
  const at = { x: [], y: [], depth: [] };
  project({ ...map, n: ends.length, xyz: ends.flat() }, view, width, height, at);
  context.textAlign = "center";
  for (const [axis, text] of axes.entries()) {
    context.beginPath();
    context.moveTo(at.x[axis], at.y[axis]);
    context.lineTo(at.x[axis + 3], at.y[axis + 3]);
    context.stroke();
    const half = context.measureText(text).width / 2 + 4;
    context.fillText(text, Math.min(width - half, Math.max(half, at.x[axis + 3])), at.y[axis + 3] - 6);
  }
};

const drawSelection = (context, state) => {
  if (state.trail.length < 2) return;
  context.beginPath();
  for (const [i, [x, y]] of state.trail.entries()) context[i ? "lineTo" : "moveTo"](x, y);
  context.closePath();
  context.fillStyle = context.strokeStyle = state.accent;
  context.lineWidth = 1.5;
  context.globalAlpha = 0.14;
  context.fill();
  context.globalAlpha = 1;
  context.stroke();
};

const paint = (state) => {
  const { context, data, map, width, height } = state;
  if (!width) return;
  const ink = state.ink;
  project(map, state.view, width, height, state.screen);
  context.setTransform(state.scale, 0, 0, state.scale, 0, 0);
  context.globalAlpha = 1;
  context.fillStyle = state.paper;
  context.fillRect(0, 0, width, height);
  const side = pictureSide(state);
  state.side = side;
  const radius =
    Math.max(3, Math.min(6.5, 150 / Math.sqrt(map.n + 60))) * Math.min(1.6, Math.sqrt(state.view.zoom));
  drawAxes(context, state);
  drawLines(context, state, data.links, state.muted, 1.2, [4, 3]);
  if (data.selected >= 0) {
    drawLines(
      context,
      state,
      data.neighbours.map((j) => [data.selected, j]),
      state.accent,
      1.8,
      [],
    );
  }
  if (map.dims === 3) state.order.sort((a, b) => state.screen.depth[a] - state.screen.depth[b]);
  for (const i of state.order) if (isShown(state, i)) drawPoint(context, state, i, side, radius, ink);
  // Whatever somebody looks at lies on top.
  const first = [...data.neighbours, data.selected].filter((i) => i >= 0 && isShown(state, i));
  for (const i of first) {
    drawPoint(context, state, i, side, radius, ink, true);
    drawRing(context, state, i, side, i === data.selected ? ink : state.accent);
  }
  if (state.hover >= 0 && state.hover !== data.selected) {
    context.globalAlpha = 1;
    drawPoint(context, state, state.hover, side, radius, ink);
    drawRing(context, state, state.hover, side, ink);
  }
  context.globalAlpha = 1;
  drawSelection(context, state);
};

// One frame at most for any number of changes.
const repaint = (state) => {
  if (state.waiting) return;
  state.waiting = true;
  requestAnimationFrame((now) => {
    state.waiting = false;
    if (!state.canvas.isConnected) return;
    const moving = moveOn(state, now);
    paint(state);
    if (moving) repaint(state);
  });
};

const GLIDE = 650; // milliseconds in which the images go to their places on another map
const moveOn = (state, now) => {
  if (!state.glide) return false;
  state.glide.began ??= now;
  const part = Math.min(1, (now - state.glide.began) / GLIDE);
  const eased = part * part * (3 - 2 * part);
  const { from, to, fromBounds, toBounds } = state.glide;
  for (let i = 0; i < to.length; i += 1) state.map.xyz[i] = from[i] + (to[i] - from[i]) * eased;
  state.map.bounds = toBounds.map((end, i) => fromBounds[i] + (end - fromBounds[i]) * eased);
  if (part === 1) state.glide = null;
  return part < 1;
};
