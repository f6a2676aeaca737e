// Where on the screen each image lies: zoom, shift and, in space, the angle one looks from.
const FRESH_VIEW = { zoom: 1, x: 0, y: 0, yaw: 0.6, pitch: 0.35 };
const NEAR = 3.2; // distance of the eye from the middle of a map in space, in halves of its size

// Writes where a point in space is seen into seen: x and y, and how far behind the middle it lies.
const look = (seen, x, y, z, [cosYaw, sinYaw, cosPitch, sinPitch]) => {
  const back = z * cosYaw - x * sinYaw;
  const far = back * cosPitch + y * sinPitch;
  const closer = NEAR / (NEAR + far);
  seen[0] = (x * cosYaw + z * sinYaw) * closer;
  seen[1] = (y * cosPitch - back * sinPitch) * closer;
  seen[2] = far;
};

const anglesOf = (yaw, pitch) => [Math.cos(yaw), Math.sin(yaw), Math.cos(pitch), Math.sin(pitch)];

// Left, right, lower and upper end of a map; in space, as it is seen at first.
const boundsOf = (xyz, dims) => {
  const bounds = [Infinity, -Infinity, Infinity, -Infinity];
  const seen = [0, 0, 0];
  const angles = anglesOf(FRESH_VIEW.yaw, FRESH_VIEW.pitch);
  for (let i = 0; i < xyz.length; i += dims) {
    if (dims === 3) look(seen, xyz[i], xyz[i + 1], xyz[i + 2], angles);
    else [seen[0], seen[1]] = [xyz[i], xyz[i + 1]];
    for (const axis of [0, 1]) {
      bounds[2 * axis] = Math.min(bounds[2 * axis], seen[axis]);
      bounds[2 * axis + 1] = Math.max(bounds[2 * axis + 1], seen[axis]);
    }
  }
  return bounds;
};

// Fills screen.x, screen.y and screen.depth (0 far to 1 near) for every image.
const project = (map, view, width, height, screen) => {
  const margin = Math.min(40, width / 8); // room for a picture at the very edge
  const [left, right, lower, upper] = map.bounds;
  const [across, up] = [Math.max(right - left, 1e-6), Math.max(upper - lower, 1e-6)];
  const scale = view.zoom * Math.min((width - 2 * margin) / across, (height - 2 * margin) / up);
  const [middleX, middleY] = [(left + right) / 2, (lower + upper) / 2];
  const angles = anglesOf(view.yaw, view.pitch);
  const seen = [0, 0, 0];
  for (let i = 0; i < map.n; i += 1) {
    const first = i * map.dims;
    let depth = 1;
    if (map.dims === 3) {
      look(seen, map.xyz[first], map.xyz[first + 1], map.xyz[first + 2], angles);
      depth = Math.min(1, Math.max(0, 0.5 - seen[2] / 2.4));
    } else [seen[0], seen[1]] = [map.xyz[first], map.xyz[first + 1]];
    screen.x[i] = width / 2 + view.x + (seen[0] - middleX) * scale;
    screen.y[i] = height / 2 + view.y - (seen[1] - middleY) * scale;
    screen.depth[i] = depth;
  }
};

const zoomAt = (view, factor, x, y, width, height) => {
  const zoom = Math.min(60, Math.max(0.4, view.zoom * factor));
  const real = zoom / view.zoom;
  // What lies under the pointer stays there.
  view.x = (view.x - (x - width / 2)) * real + (x - width / 2);
  view.y = (view.y - (y - height / 2)) * real + (y - height / 2);
  view.zoom = zoom;
};

const inPolygon = (x, y, corners) => {
  let inside = false;
  for (let i = 0, j = corners.length - 1; i < corners.length; j = i, i += 1) {
    const [[xi, yi], [xj, yj]] = [corners[i], corners[j]];
    if (yi > y !== yj > y && x < ((xj - xi) * (y - yi)) / (yj - yi) + xi) inside = !inside;
  }
  return inside;
};
