// Where on the screen each image lies: zoom, shift and, in space, the angle one looks from.
const FRESH_VIEW = { zoom: 1, x: 0, y: 0, yaw: 0.6, pitch: 0.35 };
const NEAR = 3.2; // distance of the eye from the middle of a map in space, in halves of its size

const extents = (xyz, dims) => {
  let [x, y] = [1e-6, 1e-6];
  for (let i = 0; i < xyz.length; i += dims) {
    x = Math.max(x, Math.abs(xyz[i]));
    y = Math.max(y, Math.abs(xyz[i + 1]));
  }
  return dims === 3 ? [1.25, 1.25] : [x, y];
};

// Fills screen.x, screen.y and screen.depth (0 far to 1 near) for every image.
const project = (map, view, width, height, screen) => {
  const margin = 40; // room for a picture at the very edge
  const [ex, ey] = map.extents;
  const scale = view.zoom * Math.min((width / 2 - margin) / ex, (height / 2 - margin) / ey);
  const [cosYaw, sinYaw] = [Math.cos(view.yaw), Math.sin(view.yaw)];
  const [cosPitch, sinPitch] = [Math.cos(view.pitch), Math.sin(view.pitch)];
  for (let i = 0; i < map.n; i += 1) {
    let x = map.xyz[i * map.dims];
    let y = map.xyz[i * map.dims + 1];
    let depth = 1;
    if (map.dims === 3) {
      const z = map.xyz[i * 3 + 2];
      const turned = x * cosYaw + z * sinYaw;
      const back = z * cosYaw - x * sinYaw;
      const far = back * cosPitch + y * sinPitch;
      y = y * cosPitch - back * sinPitch;
      const closer = NEAR / (NEAR + far);
      x = turned * closer;
      y *= closer;
      depth = Math.min(1, Math.max(0, 0.5 - far / 2.4));
    }
    screen.x[i] = width / 2 + view.x + x * scale;
    screen.y[i] = height / 2 + view.y - y * scale;
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
