// How classes look: each has a colour and a shape, so that neither is needed alone to tell them apart.
const COLOURS = [
  "#2f7fd1",
  "#dd7a00",
  "#0b7a5c",
  "#c9447a",
  "#8763d0",
  "#a89400",
  "#d6452e",
  "#17a0b3",
  "#8d6b4c",
  "#6d7f8d",
];
const SHAPES = ["circle", "square", "triangle", "diamond", "plus", "down", "cross"];
const NO_CLASS = -1;

const styleOf = (label, ink) =>
  label === NO_CLASS
    ? { colour: ink, shape: "star" }
    : { colour: COLOURS[label % COLOURS.length], shape: SHAPES[label % SHAPES.length] };

// Corners on the unit circle around 0, for shapes that are polygons.
const polygon = (n, turn, inner = 1) =>
  Array.from(
    { length: inner === 1 ? n : 2 * n },
    (_, i, angle = turn + (i * 2 * Math.PI) / (inner === 1 ? n : 2 * n)) => {
      const r = i % 2 ? inner : 1;
      return [r * Math.sin(angle), -r * Math.cos(angle)];
    },
  );
const PLUS = [
  [-0.35, -1],
  [0.35, -1],
  [0.35, -0.35],
  [1, -0.35],
  [1, 0.35],
  [0.35, 0.35],
  [0.35, 1],
  [-0.35, 1],
  [-0.35, 0.35],
  [-1, 0.35],
  [-1, -0.35],
  [-0.35, -0.35],
];
const CORNERS = {
  square: [
    [-0.85, -0.85],
    [0.85, -0.85],
    [0.85, 0.85],
    [-0.85, 0.85],
  ],
  triangle: polygon(3, 0).map(([x, y]) => [1.15 * x, 1.15 * y + 0.1]),
  down: polygon(3, Math.PI).map(([x, y]) => [1.15 * x, 1.15 * y - 0.1]),
  diamond: [
    [0, -1.15],
    [1, 0],
    [0, 1.15],
    [-1, 0],
  ],
  plus: PLUS,
  cross: PLUS.map(([x, y]) => [(x - y) * 0.74, (x + y) * 0.74]),
  star: polygon(5, 0, 0.45).map(([x, y]) => [1.35 * x, 1.35 * y]),
};

const traceShape = (context, shape, x, y, r) => {
  context.beginPath();
  if (shape === "circle") context.arc(x, y, r, 0, 2 * Math.PI);
  else
    for (const [i, [dx, dy]] of CORNERS[shape].entries())
      context[i ? "lineTo" : "moveTo"](x + r * dx, y + r * dy);
  context.closePath();
};

// A small canvas with one symbol on it: stamping it 5,000 times is far quicker than filling 5,000 shapes.
const stamps = new Map();
const stampOf = (style, radius, edge, scale) => {
  const key = [style.colour, style.shape, radius, edge, scale].join();
  if (stamps.has(key)) return stamps.get(key);
  const side = Math.ceil(radius * 3 + 4);
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = side * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  traceShape(context, style.shape, side / 2, side / 2, radius);
  context.fillStyle = style.colour;
  context.strokeStyle = edge;
  context.lineWidth = 1;
  context.fill();
  context.stroke();
  const stamp = { canvas, side };
  if (stamps.size > 600) stamps.clear();
  stamps.set(key, stamp);
  return stamp;
};
