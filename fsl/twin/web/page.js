// The page: classes, queries and answers. The network runs in worker.js.

import { classify } from "./answers.js";
import { filesOf, inClasses, isPicture } from "./files.js";
import { answerTile, classCard, pictureTile } from "./view.js";

const at = (id) => document.getElementById(id);
const worker = new Worker("worker.js", { type: "module" });
const state = { about: null, classes: [], queries: [], asked: new Map(), problems: [], lastKey: 0, limit: 0 };

at("status").textContent = "Loading the network …";
worker.onmessage = ({ data }) => TOLD[data.kind](data);
worker.onerror = () => fail("The page's scripts could not be loaded. Export the folder again.");

const TOLD = {
  ready({ about }) {
    state.about = about;
    state.limit = at("limit").valueAsNumber = about.unknown_threshold;
    const parts = [`Network: ${about.name}`, about.licence, `Exported by Few-Shot Lab ${about.version}`];
    at("about").textContent = parts
      .filter(Boolean)
      .map((part) => `${part.replace(/[.]$/, "")}.`)
      .join(" ");
    update();
  },
  failed: ({ reason }) => fail(reason),
  embedded({ key, augmented, embedding }) {
    taken(key)[augmented ? "augmented" : "plain"] = embedding;
    update();
  },
  refused({ key, reason }) {
    const one = taken(key);
    say(`${one.name}: ${reason}`);
    remove(one);
    update();
  },
};

/** Return the picture that the worker has answered for. */
function taken(key) {
  const one = state.asked.get(key);
  state.asked.delete(key);
  one.isAsked = false;
  return one;
}

function fail(reason) {
  at("status").textContent = reason;
  at("status").className = "failed";
}

function say(problem) {
  state.problems.push(problem);
  at("problems").replaceChildren(
    ...state.problems.map((text) => Object.assign(document.createElement("li"), { textContent: text })),
  );
}

/** Return what is known about a new picture; its address shows it on the page. */
function picture(file) {
  return {
    name: file.name,
    file,
    url: URL.createObjectURL(file),
    isAsked: false,
    plain: null,
    augmented: null,
  };
}

function accepted(files) {
  state.problems = [];
  const [good, bad] = [files.filter(isPicture), files.filter((file) => !isPicture(file))];
  at("problems").replaceChildren();
  for (const file of bad) say(`${file.name}: this is not a picture`);
  return good.map(picture);
}

function addClass(name = "", pictures = []) {
  const made = { name, pictures };
  made.card = classCard(name, state.classes.length + 1, {
    renamed: (text) => {
      made.name = text;
      update();
    },
    dropped: (files) => {
      made.pictures.push(...accepted(files));
      update();
    },
    removed: () => {
      made.pictures.forEach(forget);
      state.classes.splice(state.classes.indexOf(made), 1);
      made.card.remove();
      update();
    },
  });
  state.classes.push(made);
  at("classes").append(made.card);
  return made;
}

/** Fill the cards with the classes of a folder; classes that are there get more pictures. */
function addFolder(found) {
  const { classes, queries } = inClasses(found);
  if (classes.size === 0)
    say("There is no folder with pictures in it. Choose one that has a folder per class.");
  for (const [name, files] of classes) {
    const free = state.classes.find((one) => !one.name && one.pictures.length === 0);
    const there = state.classes.find((one) => one.name === name) ?? free ?? addClass();
    there.name = name;
    there.card.querySelector("input").value = name;
    there.pictures.push(...files.map(picture));
  }
  state.queries.push(...queries.map(picture));
  update();
}

function remove(one) {
  forget(one);
  for (const list of [state.queries, ...state.classes.map((made) => made.pictures)])
    if (list.includes(one)) list.splice(list.indexOf(one), 1);
}

function forget(one) {
  URL.revokeObjectURL(one.url);
}

/** Return the number and name of a class for people. */
function nameOf(made) {
  return made.name.trim() || `Class ${state.classes.indexOf(made) + 1}`;
}

/** Return what a picture counts as in its class: classes with few pictures look at each several times. */
function isAugmented(made) {
  return state.about.support_views > 1 && made.pictures.length <= state.about.few_shots;
}

/** Show everything as it is now, and ask the worker for what is missing. */
function update() {
  for (const made of state.classes) showPictures(made);
  const isEmpty = !state.classes.some((made) => made.pictures.length || made.name) && !state.queries.length;
  at("clear").hidden = isEmpty;
  if (!state.about) return;
  at("example").hidden = !isEmpty;
  const filled = state.classes.filter((made) => made.pictures.length);
  const missing = [
    ...filled.flatMap((made) => made.pictures.filter((one) => !embeddingOf(one, isAugmented(made)))),
    ...state.queries.filter((one) => !one.plain),
  ];
  for (const made of filled) for (const one of made.pictures) ask(one, isAugmented(made));
  for (const one of state.queries) ask(one, false);
  const isReady = filled.length > 1 && state.queries.length > 0;
  at("status").className = missing.length ? "busy" : "ready";
  at("status").textContent = missing.length ? `Reading pictures: ${missing.length} to go.` : advice(filled);
  at("answers-section").hidden = !isReady;
  if (isReady && !filled.some((made) => made.pictures.some((one) => !embeddingOf(one, isAugmented(made)))))
    showAnswers(filled);
}

function advice(filled) {
  if (filled.length < 2) return "Ready. Add pictures to at least two classes.";
  return state.queries.length ? "Ready." : "Ready. Add pictures to classify.";
}

function embeddingOf(one, augmented) {
  return augmented ? one.augmented : one.plain;
}

function ask(one, augmented) {
  if (one.isAsked || embeddingOf(one, augmented)) return;
  one.isAsked = true;
  const key = ++state.lastKey;
  state.asked.set(key, one);
  worker.postMessage({ key, file: one.file, augmented });
}

function showPictures(made) {
  const tiles = made.pictures.map((one) =>
    pictureTile(one, () => {
      remove(one);
      update();
    }),
  );
  made.card.querySelector("ul").replaceChildren(...tiles);
}

function answersOf(filled) {
  const asked = state.queries.filter((one) => one.plain);
  const classes = filled.map((made) => made.pictures.map((one) => embeddingOf(one, isAugmented(made))));
  const queries = asked.map((one) => one.plain);
  return classify(state.about, classes, queries, state.limit).map((answer, i) => ({
    ...answer,
    query: asked[i],
  }));
}

function showAnswers(filled) {
  at("limit-shown").textContent = state.limit.toFixed(2);
  const names = filled.map(nameOf);
  const tiles = answersOf(filled).map((answer) =>
    answerTile(answer, names, state.limit, () => {
      remove(answer.query);
      update();
    }),
  );
  at("answers").replaceChildren(...tiles);
}

/** Save the answers with the keys of the command line's JSON. */
function download() {
  const filled = state.classes.filter((made) => made.pictures.length);
  const names = filled.map(nameOf);
  const predictions = answersOf(filled).map(({ query, best, unknown, probabilities }) => ({
    query: query.name,
    label: names[best],
    probability: probabilities[best],
    unknown,
    scores: Object.fromEntries(names.map((name, i) => [name, probabilities[i]])),
  }));
  const text = JSON.stringify({ predictions }, null, 1);
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  Object.assign(document.createElement("a"), { href: url, download: "answers.json" }).click();
  URL.revokeObjectURL(url);
}

async function showExample() {
  const files = state.about.example.map(async (path) => {
    const data = await (await fetch(`example/${path}`)).blob();
    return { path: `example/${path}`, file: new File([data], path.split("/").pop(), { type: "image/png" }) };
  });
  addFolder(await Promise.all(files));
}

function clear() {
  for (const made of state.classes) made.pictures.forEach(forget);
  state.queries.forEach(forget);
  Object.assign(state, { classes: [], queries: [], problems: [] });
  at("problems").replaceChildren();
  at("classes").replaceChildren();
  addClass();
  addClass();
  update();
}

/** Let a drop zone take files and folders. */
function takeDrops(zone, taken) {
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    zone.classList.remove("over");
    taken(await filesOf(event.dataTransfer));
  });
}

function addQueries(files) {
  state.queries.push(...accepted(files));
  update();
}

/** Take a drop beside the zones: a folder with classes, or pictures to classify. */
function takeAnywhere(found) {
  accepted([]);
  if (found.some(({ path }) => path.includes("/"))) addFolder(found);
  else addQueries(found.map(({ file }) => file));
}

at("add-class").addEventListener("click", () => addClass().card.querySelector("input").focus());
at("clear").addEventListener("click", clear);
at("example").addEventListener("click", showExample);
at("download").addEventListener("click", download);
at("limit").addEventListener("input", ({ target }) => {
  state.limit = target.valueAsNumber;
  update();
});
at("folder").addEventListener("change", ({ target }) => {
  takeAnywhere([...target.files].map((file) => ({ path: file.webkitRelativePath, file })));
  target.value = "";
});
at("query-files").addEventListener("change", ({ target }) => {
  addQueries([...target.files]);
  target.value = "";
});
takeDrops(at("queries"), (found) => addQueries(found.map(({ file }) => file)));
takeDrops(document.body, takeAnywhere);
addClass();
addClass();
