// Copies the two files of ONNX Runtime Web that the page needs to the folder "runtime".
// `npm install` runs this; the folder "node_modules" is not needed afterwards.

import { copyFileSync, mkdirSync } from "node:fs";

mkdirSync("runtime", { recursive: true });
for (const file of ["ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"])
  copyFileSync(`node_modules/onnxruntime-web/dist/${file}`, `runtime/${file}`);
