// The parts that the page is built from.

/** Return an element; `rest` are its attributes, and `children` elements or text. */
function element(kind, rest = {}, ...children) {
  const made = document.createElement(kind);
  for (const [name, value] of Object.entries(rest)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function removeButton(what, removed) {
  const button = element("button", { type: "button", class: "remove", "aria-label": `Remove ${what}` }, "×");
  button.addEventListener("click", removed);
  return button;
}

/** Return the card of a class: its name, its pictures, and where more are dropped. */
export function classCard(name, number, { renamed, dropped, removed }) {
  const field = element("input", { type: "text", value: name, placeholder: `Class ${number}` });
  field.setAttribute("aria-label", `Name of class ${number}`);
  field.addEventListener("input", () => renamed(field.value));
  const chosen = element("input", { type: "file", accept: "image/*", multiple: "" });
  chosen.setAttribute("aria-label", `Add pictures to class ${number}`);
  chosen.addEventListener("change", () => {
    dropped([...chosen.files]);
    chosen.value = "";
  });
  const zone = element(
    "label",
    { class: "drop small" },
    element("span", {}, "Drop pictures, or click"),
    chosen,
  );
  const top = element("div", { class: "name" }, field, removeButton(`class ${number}`, removed));
  const card = element("div", { class: "card" }, top, element("ul", { class: "pictures" }), zone);
  card.addEventListener("dragover", () => zone.classList.add("over"));
  card.addEventListener("dragleave", () => zone.classList.remove("over"));
  card.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    if ([...event.dataTransfer.items].some((item) => item.webkitGetAsEntry?.()?.isDirectory)) return;
    event.stopPropagation();
    document.body.classList.remove("over");
    dropped([...event.dataTransfer.files]);
  });
  return card;
}

/** Return a picture of a class. */
export function pictureTile(picture, removed) {
  const image = element("img", { src: picture.url, alt: picture.name, title: picture.name });
  return element("li", {}, image, removeButton(picture.name, removed));
}

/** Return the answer for one picture: what it is, how probable, and how similar it is to each class. */
export function answerTile({ query, best, unknown, probabilities, similarities }, names, limit, removed) {
  const answer = unknown ? "Unknown" : names[best];
  const detail = unknown
    ? `nearest: ${names[best]}, similarity ${shown(similarities[best])}`
    : `${percent(probabilities[best])} among these classes`;
  const order = names.map((_, i) => i).sort((a, b) => similarities[b] - similarities[a]);
  const bars = order.slice(0, 5).map((i) => bar(names[i], similarities[i], limit, i === best && !unknown));
  return element(
    "li",
    { class: unknown ? "answer unknown" : "answer" },
    element("img", { src: query.url, alt: "" }),
    element(
      "div",
      {},
      element("p", { class: "file" }, query.name),
      element("h3", {}, answer),
      element("p", { class: "detail" }, detail),
      element("div", { class: "bars" }, ...bars),
    ),
    removeButton(query.name, removed),
  );
}

function bar(name, similarity, limit, isAnswer) {
  const fill = element("span", { class: "fill" });
  fill.style.width = `${100 * similarity}%`;
  const line = element("span", { class: "line" });
  line.style.left = `${100 * limit}%`;
  const value = { role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 1 };
  const track = element("span", { class: "track", ...value, "aria-valuenow": similarity }, fill, line);
  const number = element("span", { class: "number", title: String(similarity) }, shown(similarity));
  const label = element("span", { class: "label", title: name }, name);
  return element("div", { class: isAnswer ? "bar best" : "bar" }, label, track, number);
}

/** Two digits that matter; never 1.00 for something that is not. */
function shown(value) {
  if (value > 0.99) return "> 0.99";
  return value < 0.01 ? "< 0.01" : value.toFixed(2);
}

function percent(share) {
  if (share > 0.99) return "over 99%";
  return `${Math.round(100 * share)}%`;
}
