// Make an element. Text is only ever set as text, never as HTML: names come from strangers' files.
const make = (tag, className, text) => {
  const node = document.createElement(tag);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
