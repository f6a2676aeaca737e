// Reads pictures and embeds them, beside the page so that it stays responsive.

import { average, bounded, copies, square } from "./pixels.js";

const RUNTIME = "./runtime/ort.wasm.bundle.min.mjs";

const network = load();
network.then(
  ({ about }) => postMessage({ kind: "ready", about }),
  (error) => postMessage({ kind: "failed", reason: error.message }),
);

let queue = Promise.resolve();
addEventListener("message", ({ data }) => {
  queue = queue.then(() => embed(data));
});

async function load() {
  const about = await (await found("network.json")).json();
  const data = await (await found("network.onnx")).arrayBuffer();
  const ort = await import(RUNTIME).catch(() => {
    throw new Error(
      "ONNX Runtime Web is missing. Run “npm install” in the folder of this page, then reload it.",
    );
  });
  ort.env.wasm.wasmPaths = { wasm: new URL("./runtime/ort-wasm-simd-threaded.wasm", import.meta.url).href };
  ort.env.wasm.numThreads = globalThis.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency) : 1;
  const session = await ort.InferenceSession.create(data, { executionProviders: ["wasm"] });
  return { about, ort, session };
}

async function found(file) {
  const answer = await fetch(file);
  if (!answer.ok) throw new Error(`${file} is missing beside this page. Export the folder again.`);
  return answer;
}

/** Answer one request: { key, file, augmented } with { key, augmented, embedding } or { key, reason }. */
async function embed({ key, file, augmented }) {
  try {
    const { about, ort, session } = await network;
    const picture = square(await read(file, about.longest_side), about.image_size, about.fit);
    const inputs = copies(picture, augmented ? about.support_views : 1, about.middle);
    const shape = [inputs.length, 3, about.image_size, about.image_size];
    const images = new ort.Tensor("float32", planes(inputs), shape);
    const { embeddings } = await session.run({ images });
    const length = embeddings.dims[1];
    const rows = inputs.map((_, i) => embeddings.data.slice(i * length, (i + 1) * length));
    const embedding = rows.length === 1 ? rows[0] : average(rows, about.turn_power);
    postMessage({ kind: "embedded", key, augmented, embedding });
  } catch (error) {
    postMessage({ kind: "refused", key, reason: error.message });
  }
}

/** Decode a file into an upright RGB picture on white. */
async function read(file, longest) {
  const bitmap = await createImageBitmap(file).catch(() => {
    throw new Error("this is not a picture that your browser can read");
  });
  const { width, height } = bitmap;
  const pen = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  pen.fillStyle = "white";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = pen.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    data[to++] = rgba[from];
    data[to++] = rgba[from + 1];
    data[to++] = rgba[from + 2];
  }
  const start = new Uint8Array(await file.slice(0, 2).arrayBuffer());
  return bounded({ width, height, data }, longest, start[0] === 0xff && start[1] === 0xd8);
}

/** Return the values of square pictures, 0 to 1, one channel after the other. */
function planes(pictures) {
  const area = pictures[0].width ** 2;
  const values = new Float32Array(pictures.length * 3 * area);
  for (const [n, { data }] of pictures.entries())
    for (let i = 0; i < area; i++)
      for (let channel = 0; channel < 3; channel++)
        values[(n * 3 + channel) * area + i] = data[i * 3 + channel] / 255;
  return values;
}
