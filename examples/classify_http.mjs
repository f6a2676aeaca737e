// Classify pictures over HTTP, with fetch. Runs in Node 20 or newer; in a page, take the files from an <input>.
//
// fsl serve
// node examples/classify_http.mjs http://127.0.0.1:8000 CLASSES.zip QUERY...
//
// Set FSL_API_TOKEN if the server needs a token.

import { openAsBlob } from "node:fs";
import { basename } from "node:path";

const TRIES = 10;
const [server, classes, ...queries] = process.argv.slice(2);
const token = process.env.FSL_API_TOKEN;
const headers = token ? { Authorization: `Bearer ${token}` } : {};

/** Send a request and return its answer; wait and try again while the server is busy. */
async function ask(method, path, body) {
  for (let left = TRIES - 1; ; left--) {
    const answer = await fetch(`${server}/api/${path}`, { method, headers, body });
    if (answer.ok) return answer.json();
    if (answer.status !== 503 || left === 0) {
      throw new Error(`${answer.status}: ${(await answer.json()).error}`);
    }
    await new Promise((done) => setTimeout(done, 1000 * answer.headers.get("Retry-After")));
  }
}

const support = new FormData();
support.append("support", await openAsBlob(classes), basename(classes));
const kept = await ask("POST", "support", support);
for (const query of queries) {
  const form = new FormData();
  form.append("support_id", kept.support); // the classes are sent once, however many pictures there are
  form.append("query", await openAsBlob(query), basename(query));
  const found = await ask("POST", "classify", form).catch((error) => console.error(error.message));
  for (const one of found?.predictions ?? []) {
    console.log([one.query, one.unknown ? "unknown" : one.label, one.probability.toFixed(3)].join("\t"));
  }
}
await ask("DELETE", `support/${kept.support}`);
