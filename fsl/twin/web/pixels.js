// From a decoded picture to the network's input, as the Python program does it with Pillow: the same filters and
// the same rounding. A test compares the two. Pillow filters some tall pictures down the columns first, which
// can round a value up that this code rounds down; they differ by no more than 1 of 255.

/** @typedef {{ width: number, height: number, data: Uint8Array }} Picture RGB, three bytes a pixel. */

const PRECISION_BITS = 22;
const REDUCING_GAP = 3;
const N_UPRIGHT = 2;

const FILTERS = {
  bilinear: { support: 1, weight: (x) => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: bicubic },
};

function bicubic(offset) {
  const x = Math.abs(offset);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? ((x - 5) * x + 8) * x * -0.5 + 2 : 0;
}

/** Make a picture square. `fit` is "crop" (the centre), "pad" (on white) or "stretch". */
export function square(picture, size, fit) {
  if (fit === "crop") return resized(centre(picture, Math.min(picture.width, picture.height)), size, size);
  if (fit === "stretch") return resized(picture, size, size);
  const scale = size / Math.max(picture.width, picture.height);
  const side = (length) => Math.max(1, roundHalfToEven(length * scale));
  return onWhite(resized(picture, side(picture.width), side(picture.height)), size);
}

/** Return the first `n` of: the picture, its middle enlarged and mirrored, and the picture turned and mirrored. */
export function copies(picture, n, middle) {
  const size = picture.width;
  const kept = Math.max(1, roundHalfToEven(middle * size));
  const makers = [
    () => picture,
    () =>
      resized(
        moved(centre(picture, kept), (x, y) => [kept - 1 - x, y]),
        size,
        size,
      ),
    () => moved(picture, (x, y) => [y, x]),
  ];
  return makers.slice(0, n).map((make) => make());
}

/** Average the embeddings of a picture's copies. A turned copy counts less, the less it resembles the picture. */
export function average(embeddings, turnPower) {
  const units = embeddings.map(unit);
  const weights = units.map((one, i) => (i < N_UPRIGHT ? 1 : Math.max(0, dot(one, units[0])) ** turnPower));
  return unit(units[0].map((_, d) => units.reduce((sum, one, i) => sum + weights[i] * one[d], 0)));
}

/** Scale a vector to length 1. */
export function unit(vector) {
  const length = Math.max(1e-12, Math.sqrt(dot(vector, vector)));
  return Float64Array.from(vector, (value) => value / length);
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** Shrink a picture to at most `longest` pixels a side, as the program does when it reads a file. */
export function bounded(picture, longest, isJpeg) {
  const side = Math.max(picture.width, picture.height);
  // The program lets the JPEG decoder leave out detail: by a half, a quarter or an eighth.
  const skip = isJpeg ? [8, 4, 2].find((factor) => side / (1.9 * longest) >= factor) : 0;
  const drafted = skip ? reduced(picture, skip, skip) : picture;
  const left = Math.max(drafted.width, drafted.height);
  if (left <= longest) return drafted;
  const step = Math.max(1, Math.floor(left / (2 * longest)));
  const small = reduced(drafted, step, step);
  const end = [drafted.width / step, drafted.height / step];
  const length = (pixels) => Math.max(1, roundHalfToEven((pixels * longest) / left));
  return resampled(small, length(drafted.width), length(drafted.height), end, FILTERS.bicubic);
}

/** Resize with antialiasing. Large pictures are first averaged in blocks, which is fast. */
function resized(picture, width, height) {
  if (picture.width === width && picture.height === height) return picture;
  const factor = (from, to) => Math.max(1, Math.floor(from / to / REDUCING_GAP));
  const [x, y] = [factor(picture.width, width), factor(picture.height, height)];
  const end = [picture.width / x, picture.height / y];
  return resampled(reduced(picture, x, y), width, height, end, FILTERS.bilinear);
}

/** Average blocks of x times y pixels; those at the right and at the bottom may be smaller. */
function reduced(picture, x, y) {
  if (x === 1 && y === 1) return picture;
  const made = blank(Math.ceil(picture.width / x), Math.ceil(picture.height / y));
  for (let row = 0; row < made.height; row++) {
    const bottom = Math.min(picture.height, (row + 1) * y);
    for (let column = 0; column < made.width; column++) {
      const right = Math.min(picture.width, (column + 1) * x);
      const n = (bottom - row * y) * (right - column * x);
      const share = Math.floor(2 ** 24 / n);
      for (let channel = 0; channel < 3; channel++) {
        let sum = Math.floor(n / 2);
        for (let j = row * y; j < bottom; j++)
          for (let i = column * x; i < right; i++) sum += picture.data[(j * picture.width + i) * 3 + channel];
        made.data[(row * made.width + column) * 3 + channel] = Math.floor((sum * share) / 2 ** 24);
      }
    }
  }
  return made;
}

function resampled(picture, width, height, [right, bottom], filter) {
  const across = weights(picture.width, right, width, filter);
  const wide = blank(width, picture.height);
  for (let row = 0; row < picture.height; row++)
    filterLine(picture.data, row * picture.width * 3, 3, wide.data, row * width * 3, 3, across);
  const down = weights(picture.height, bottom, height, filter);
  const made = blank(width, height);
  for (let column = 0; column < width; column++)
    filterLine(wide.data, column * 3, width * 3, made.data, column * 3, width * 3, down);
  return made;
}

/** For each pixel of the result: where its pixels begin, and their weights as whole numbers. */
function weights(length, end, wanted, filter) {
  const scale = Math.fround(end) / wanted; // Pillow takes the end as a 32-bit number
  const stretch = Math.max(1, scale);
  const reach = filter.support * stretch;
  return Array.from({ length: wanted }, (_, i) => {
    const middle = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(middle - reach + 0.5));
    const last = Math.min(length, Math.trunc(middle + reach + 0.5));
    const raw = Array.from({ length: last - first }, (_, x) =>
      filter.weight((x + first - middle + 0.5) * (1 / stretch)),
    );
    const sum = raw.reduce((a, b) => a + b, 0);
    const whole = raw.map((value) => {
      const share = (value / sum) * 2 ** PRECISION_BITS;
      return Math.trunc(share < 0 ? share - 0.5 : share + 0.5);
    });
    return { first, whole };
  });
}

function filterLine(source, from, step, target, to, stride, plan) {
  for (let i = 0; i < plan.length; i++) {
    const { first, whole } = plan[i];
    for (let channel = 0; channel < 3; channel++) {
      let sum = 1 << (PRECISION_BITS - 1);
      let at = from + first * step + channel;
      for (let k = 0; k < whole.length; k++, at += step) sum += source[at] * whole[k];
      target[to + i * stride + channel] = Math.min(255, Math.max(0, sum >> PRECISION_BITS));
    }
  }
}

function centre(picture, side) {
  const left = Math.floor((picture.width - side) / 2);
  const top = Math.floor((picture.height - side) / 2);
  const made = blank(side, side);
  for (let row = 0; row < side; row++) {
    const start = ((top + row) * picture.width + left) * 3;
    made.data.set(picture.data.subarray(start, start + side * 3), row * side * 3);
  }
  return made;
}

function onWhite(picture, size) {
  const made = blank(size, size);
  made.data.fill(255);
  const left = Math.floor((size - picture.width) / 2);
  const top = Math.floor((size - picture.height) / 2);
  for (let row = 0; row < picture.height; row++) {
    const line = picture.data.subarray(row * picture.width * 3, (row + 1) * picture.width * 3);
    made.data.set(line, ((top + row) * size + left) * 3);
  }
  return made;
}

function moved(picture, from) {
  const made = blank(picture.width, picture.height);
  for (let y = 0; y < made.height; y++)
    for (let x = 0; x < made.width; x++) {
      const [i, j] = from(x, y);
      const start = (j * picture.width + i) * 3;
      made.data.set(picture.data.subarray(start, start + 3), (y * made.width + x) * 3);
    }
  return made;
}

function blank(width, height) {
  return { width, height, data: new Uint8Array(width * height * 3) };
}

/** Python's `round`. */
function roundHalfToEven(value) {
  const down = Math.floor(value);
  if (value - down !== 0.5) return Math.round(value);
  return down % 2 ? down + 1 : down;
}
