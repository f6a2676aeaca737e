// From embeddings to answers: the rule of `fsl.classify`.

import { unit } from "./pixels.js";

/**
 * Classify queries.
 *
 * `about` is the content of network.json. `classes` holds for each class the embeddings of its pictures, each a
 * Float32Array or Float64Array; `queries` the embeddings to classify. `threshold` is the similarity below which
 * an answer is "unknown".
 *
 * Returns for each query: `best` (the number of the class), `unknown`, and for each class its `probabilities`
 * and its `similarities`, all 0 to 1.
 */
export function classify(about, classes, queries, threshold) {
  let seen = { classes, queries };
  if (about.centre_on_support) seen = centred(about, seen);
  if (about.damp_on_support) seen = damped(about, seen);
  return seen.queries.map((query) => {
    const scores = seen.classes.map((members) => classScore(about, query, members));
    const highest = Math.max(...scores);
    const powers = scores.map((score) => Math.exp((score - highest) / about.temperature));
    const total = powers.reduce((a, b) => a + b, 0);
    const best = scores.indexOf(highest);
    const similarities = scores.map((score) => 1 / (1 + Math.exp(-score)));
    const probabilities = powers.map((power) => power / total);
    return { best, unknown: similarities[best] < threshold, probabilities, similarities };
  });
}

/** Take away what all pictures of the classes have in common. */
function centred(about, { classes, queries }) {
  const all = classes.flat();
  const middle = sum(all).map((value) => value / (all.length + about.centre_prior));
  const without = (one) => unit(Float64Array.from(one, (value, d) => value - middle[d]));
  return { classes: classes.map((members) => members.map(without)), queries: queries.map(without) };
}

/**
 * Take away part of what varies between the pictures of a class.
 *
 * One deviation after the other: the cosines are those of the program, which takes all at once.
 */
function damped(about, { classes, queries }) {
  const all = classes.flat();
  let deviations = classes.flatMap((members) => {
    const mean = sum(members).map((value) => value / members.length);
    return members.map((one) => one.map((value, d) => value - mean[d]));
  });
  let freedom = all.length - classes.length;
  if (all.length > about.most_deviations) {
    deviations = some(deviations, about.most_deviations);
    freedom = Math.round((freedom * about.most_deviations) / all.length);
  }
  const weight = about.within_weight / (freedom + about.within_prior);
  const changed = new Map([...all, ...queries].map((one) => [one, Float64Array.from(one)]));
  deviations.forEach((deviation, i) => {
    const square = dot(deviation, deviation);
    if (square < 1e-9) return;
    const share = (1 - 1 / Math.sqrt(1 + weight * square)) / square;
    for (const one of [...changed.values(), ...deviations.slice(i + 1)]) {
      const along = share * dot(one, deviation);
      for (let d = 0; d < one.length; d++) one[d] -= along * deviation[d];
    }
  });
  const seen = (one) => unit(changed.get(one));
  return { classes: classes.map((members) => members.map(seen)), queries: queries.map(seen) };
}

/** Return some of the vectors, evenly spaced by length. */
function some(vectors, n) {
  const byLength = vectors.map((one) => [dot(one, one), one]).sort((a, b) => a[0] - b[0]);
  const step = (vectors.length - 1) / (n - 1);
  return Array.from({ length: n }, (_, i) => byLength[Math.round(i * step)][1]);
}

function classScore(about, query, members) {
  if (about.rule === "prototype") {
    const mean = sum(members).map((value) => value / members.length);
    return -logit(about.head, query, mean);
  }
  const logits = members.map((one) => logit(about.head, query, one));
  if (about.rule === "max") return -Math.min(...logits);
  return -logits.reduce((a, b) => a + b, 0) / logits.length;
}

/** Return the logit of two embeddings; higher means more different. */
function logit(head, first, second) {
  const isCosine = head.kind === "cosine";
  const [a, b] = isCosine ? [unit(first), unit(second)] : [first, second];
  let total = head.bias;
  for (let d = 0; d < a.length; d++) {
    const difference = Math.abs(a[d] - b[d]);
    total += head.weight[d] * (isCosine ? difference * difference : difference);
  }
  return total;
}

function dot(a, b) {
  let total = 0;
  for (let d = 0; d < a.length; d++) total += a[d] * b[d];
  return total;
}

function sum(vectors) {
  const total = new Float64Array(vectors[0].length);
  for (const one of vectors) for (let d = 0; d < total.length; d++) total[d] += one[d];
  return total;
}
