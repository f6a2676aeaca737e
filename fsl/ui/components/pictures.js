// A grid of pictures.
const removeButton = (tile, list, setTriggerValue) => {
  const button = make("button", "remove", "×");
  button.type = "button";
  button.title = `Remove ${tile.name}`;
  button.setAttribute("aria-label", button.title);
  button.onclick = () => {
    // The tile stays until the server agrees; fading it at once shows that the click was heard.
    button.disabled = true;
    button.closest("li").classList.add("leaving");
    list.dataset.focus = [...list.querySelectorAll(".remove")].indexOf(button);
    setTriggerValue("remove", tile.id);
  };
  return button;
};

// Boxes are drawn to the picture's own scale, with lines of the same width at every size.
const marked = (image, marks) => {
  const holder = make("span", "marked");
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", `0 0 ${marks.width} ${marks.height}`);
  drawing.setAttribute("aria-hidden", "true");
  const draw = ([left, top, right, bottom], name) => {
    const box = document.createElementNS(space, "rect");
    box.setAttribute("class", name);
    const sides = { x: left, y: top, width: Math.max(0, right - left), height: Math.max(0, bottom - top) };
    for (const [side, value] of Object.entries(sides)) box.setAttribute(side, value);
    drawing.append(box);
  };
  marks.boxes.forEach((box, number) => {
    if (number !== marks.chosen) draw(box, "other");
  });
  if (marks.boxes[marks.chosen]) {
    draw(marks.boxes[marks.chosen], "halo");
    draw(marks.boxes[marks.chosen], "chosen");
  }
  holder.append(image, drawing);
  return holder;
};

const picture = (tile, data, setTriggerValue) => {
  const frame = make(data.selectable ? "button" : "div", "frame");
  if (data.selectable) {
    frame.type = "button";
    frame.setAttribute("aria-pressed", String(tile.id === data.selected));
    frame.onclick = () => setTriggerValue("select", tile.id);
  }
  frame.title = [tile.name, tile.title, tile.exact || tile.note].filter(Boolean).join(" · ");
  const image = make("img", "");
  image.src = tile.src;
  image.alt = tile.title === tile.name ? "" : tile.name; // what stands below it is not read out twice
  frame.append(tile.marks ? marked(image, tile.marks) : image);
  if (tile.title) frame.append(make("span", "title", tile.title));
  if (tile.note) frame.append(make("span", "note", tile.note));
  if (tile.bar !== null) {
    const bar = make("span", "bar");
    const fill = make("span", "fill");
    fill.style.width = `${Math.round(tile.bar * 100)}%`;
    bar.append(fill);
    frame.append(bar);
  }
  return frame;
};

const item = (tile, data, list, setTriggerValue) => {
  const node = make("li", `tile ${tile.tone}${tile.id === data.selected ? " selected" : ""}`);
  node.append(picture(tile, data, setTriggerValue));
  if (data.removable) node.append(removeButton(tile, list, setTriggerValue));
  return node;
};

const moreItem = (data, setTriggerValue) => {
  const node = make("li", "tile");
  const button = make("button", "frame more", `+${data.hidden.toLocaleString("en")} more`);
  button.type = "button";
  button.onclick = () => setTriggerValue("more", Date.now());
  node.append(button);
  return node;
};

// A list that scrolls and has nothing to press in it is a place of its own for the keyboard.
const reach = (list) => {
  const needed = list.scrollHeight > list.clientHeight + 1 && !list.querySelector("button");
  if (needed) list.tabIndex = 0;
  else list.removeAttribute("tabindex");
};

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector("ul");
  const said = JSON.stringify([data.selected, data.hidden, data.tiles]);
  if (list.said === said) return;
  list.said = said;
  list.className = `grid ${data.size}`;
  list.setAttribute("aria-label", data.label);

  const focused = parentElement.activeElement?.closest("li");
  const focusedAt = focused ? [...list.children].indexOf(focused) : -1;
  const top = list.scrollTop;
  list.replaceChildren(...data.tiles.map((tile) => item(tile, data, list, setTriggerValue)));
  if (data.hidden > 0) list.append(moreItem(data, setTriggerValue));
  list.scrollTop = top;
  reach(list);
  if (!list.watched) {
    list.watched = new ResizeObserver(() => reach(list));
    list.watched.observe(list);
  }

  // Keyboard users keep their place: after a removal on the next remove button, else on the same tile.
  if (list.dataset.focus !== undefined) {
    const buttons = list.querySelectorAll(".remove");
    buttons[Math.min(Number(list.dataset.focus), buttons.length - 1)]?.focus();
    delete list.dataset.focus;
  } else if (focusedAt >= 0) {
    list.children[focusedAt]?.querySelector("button")?.focus({ preventScroll: true });
  }
}
