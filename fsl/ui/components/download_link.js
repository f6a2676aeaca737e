export default function ({ data, parentElement }) {
  const link = parentElement.querySelector("a");
  link.href = data.address;
  link.download = data.name;
  link.textContent = data.label;
  link.title = data.about;
}
