// A list of answers. What a person does shows at once; it is sent again and again until the server says that it has it.
const UNKNOWN = -1;

const button = (text, label, press) => {
  const node = make("button", "turn", text);
  node.type = "button";
  node.setAttribute("aria-label", label);
  node.onclick = press;
  return node;
};

const picture = () => {
  const image = make("img", "");
  image.loading = "lazy";
  image.alt = "";
  return image;
};

const newItem = (work, id) => {
  const node = make("li", "tile");
  node.setAttribute("role", "option");
  node.id = `answer-${id}`;
  node.dataset.id = id;
  const parts = { image: picture(), mark: make("span", "mark"), name: make("span", "name") };
  parts.title = make("span", "title");
  parts.note = make("span", "note");
  parts.bar = make("span", "bar");
  parts.fill = make("span", "fill");
  parts.bar.append(parts.fill);
  node.append(parts.image, parts.mark, parts.title, parts.note, parts.bar, parts.name);
  node.parts = parts;
  node.onclick = () => work.choose(id);
  return node;
};

const MARKS = { "": "", accepted: "✓", corrected: "✎" };

const fill = (node, row) => {
  const { image, mark, title, note, bar, name } = node.parts;
  if (image.dataset.src !== row.src) {
    image.dataset.src = row.src;
    image.src = row.src;
  }
  const tone = row.target === UNKNOWN ? "unknown" : "known";
  node.className = `tile ${tone} ${row.mark}`;
  node.title = [row.name, row.title, row.note].filter(Boolean).join(" · ");
  mark.textContent = MARKS[row.mark];
  mark.hidden = row.mark === "";
  title.textContent = row.title;
  note.textContent = row.note;
  bar.hidden = row.bar === null;
  node.parts.fill.style.width = `${Math.round((row.bar ?? 0) * 100)}%`;
  name.textContent = [row.name, row.mark].filter(Boolean).join(", ");
};

class Work {
  constructor(root) {
    this.pending = [];
    this.last = 0;
    this.rows = [];
    this.selected = "";
    this.awaited = ""; // an answer of another page, until that page is here
    this.list = make("ul", "list");
    this.list.setAttribute("role", "listbox");
    this.list.tabIndex = 0;
    this.list.onkeydown = (event) => this.press(event);
    this.where = make("span", "where");
    this.where.setAttribute("aria-live", "polite");
    this.back = button("‹", "Previous answers", () => this.turn(-1));
    this.on = button("›", "Next answers", () => this.turn(1));
    this.pager = make("div", "pager");
    this.pager.append(this.back, this.where, this.on);
    root.append(this.list, this.pager);
  }

  take(data, send) {
    this.sendAll = send;
    this.data = data;
    this.pending = this.pending.filter((event) => event.number > data.seen);
    this.last = Math.max(this.last, data.seen);
    this.list.setAttribute("aria-label", data.label);
    this.rows = data.rows.map((row) => ({ ...row }));
    for (const event of this.pending) this.apply(event);
    // What was chosen here since goes before what the server knows.
    const known = this.rows.some((row) => row.id === this.selected);
    if (!this.pending.some((event) => event.kind === "select") || !known) this.selected = data.selected;
    this.draw();
    if (this.awaited && this.awaited === this.selected) {
      this.awaited = "";
      this.highlight(true);
    }
  }

  draw() {
    const held = new Map([...this.list.children].map((node) => [node.dataset.id, node]));
    const top = this.list.scrollTop;
    const nodes = this.rows.map((row) => {
      const node = held.get(row.id) ?? newItem(this, row.id);
      fill(node, row);
      return node;
    });
    const same =
      nodes.length === this.list.children.length && nodes.every((n, i) => n === this.list.children[i]);
    if (!same) this.list.replaceChildren(...nodes);
    this.list.scrollTop = top;
    const { first, total } = this.data;
    this.pager.hidden = total <= this.rows.length;
    this.where.textContent = `${first + 1}–${first + this.rows.length} of ${total.toLocaleString("en")}`;
    this.back.disabled = first === 0;
    this.on.disabled = first + this.rows.length >= total;
    this.highlight();
  }

  highlight(follow = false) {
    for (const node of this.list.children) {
      const is = node.dataset.id === this.selected;
      node.setAttribute("aria-selected", String(is));
      if (!is) continue;
      this.list.setAttribute("aria-activedescendant", node.id);
      if (follow) node.scrollIntoView({ block: "nearest" });
    }
  }

  send(...events) {
    for (const event of events) {
      this.last = Math.max(this.last + 1, Date.now());
      this.pending.push({ id: "", target: UNKNOWN, ...event, number: this.last });
    }
    this.sendAll([...this.pending]);
  }

  get place() {
    return this.rows.findIndex((row) => row.id === this.selected);
  }

  choose(id) {
    if (id === this.selected) return;
    this.selected = id;
    this.highlight();
    this.send({ kind: "select", id });
  }

  go(place) {
    const beyond = place < 0 ? this.data.before : place >= this.rows.length ? this.data.after : "";
    if (beyond) {
      this.awaited = beyond;
      return this.choose(beyond);
    }
    const row = this.rows[Math.min(Math.max(place, 0), this.rows.length - 1)];
    if (!row) return;
    this.choose(row.id);
    this.highlight(true);
  }

  turn(pages) {
    this.list.scrollTop = 0;
    this.send({ kind: "turn", target: pages });
  }

  apply(event) {
    const row = this.rows.find((one) => one.id === event.id);
    if (!row || event.kind !== "label") return;
    const [, name] = this.data.classes.find(([id]) => id === event.target) ?? [UNKNOWN, "unknown"];
    row.mark = row.target === event.target && row.mark !== "corrected" ? "accepted" : "corrected";
    Object.assign(row, { target: event.target, title: name, note: row.mark, bar: null });
  }

  // Give the selected answer a class; go on to the next one unless the key may mean another class.
  label(target, stay = false) {
    const place = this.place;
    if (place < 0) return;
    const label = { kind: "label", id: this.selected, target };
    this.apply(label);
    const follower = this.rows[place + 1]?.id;
    const next = stay ? "" : (follower ?? this.data.after);
    if (next) this.selected = next;
    if (next && !follower) this.awaited = next;
    this.draw();
    this.highlight(true);
    this.send(label, ...(next ? [{ kind: "select", id: next }] : []));
  }

  labelByLetter(letter) {
    const fold = (text) => text.trim().normalize("NFKD").slice(0, 1).toLocaleLowerCase();
    const found = this.data.classes.filter(([, name]) => fold(name) === fold(letter)).map(([id]) => id);
    if (!found.length) return;
    const now = found.indexOf(this.rows[this.place]?.target);
    this.label(found[(now + 1) % found.length], found.length > 1);
  }

  columns() {
    const [first] = this.list.children;
    if (!first) return 1;
    return [...this.list.children].filter((node) => node.offsetTop === first.offsetTop).length;
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.place < 0) return event.preventDefault(); // the next page is not here yet
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns(), ArrowDown: this.columns() }[
      event.key
    ];
    const row = this.rows[this.place];
    if (step) this.go(this.place + step);
    else if (event.key === "Home") this.go(0);
    else if (event.key === "End") this.go(this.rows.length - 1);
    else if (event.key === "PageUp" && this.data.first > 0) this.turn(-1);
    else if (event.key === "PageDown" && !this.on.disabled) this.turn(1);
    else if ((event.key === "Enter" || event.key === " ") && row) this.label(row.target);
    else if (event.key === "Backspace" && row) this.send({ kind: "clear", id: row.id });
    else if (event.key === "0") this.label(UNKNOWN);
    else if (/^[1-9]$/.test(event.key)) {
      const chosen = this.data.classes[Number(event.key) - 1];
      if (chosen) this.label(chosen[0]);
    } else if (event.key.length === 1) this.labelByLetter(event.key);
    else return;
    event.preventDefault();
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".work");
  root.work ??= new Work(root);
  root.work.take(data, (events) => setStateValue("events", events));
}
