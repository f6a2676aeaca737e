// Files and folders that are dropped or chosen.

const ENDINGS = /\.(avif|bmp|gif|heic|heif|jfif|jpe?g|png|tiff?|webp)$/i;

/** Return whether a file says that it is a picture. */
export function isPicture(file) {
  return file.type.startsWith("image/") || ENDINGS.test(file.name);
}

/** Return the files of a drop as { path, file }, those in folders too. */
export async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files].map((file) => ({ path: file.name, file }));
  return (await Promise.all(entries.map((entry) => filesBelow(entry, "")))).flat();
}

async function filesBelow(entry, folder) {
  const path = folder + entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ path, file }];
  }
  const found = [];
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found.flat();
    found.push(...(await Promise.all(some.map((one) => filesBelow(one, `${path}/`)))));
  }
}

/** Sort files by the folder they lie in; the folder "queries" holds pictures to classify. */
export function inClasses(found) {
  const classes = new Map();
  const queries = [];
  for (const { path, file } of [...found].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    const folder = path.split("/").at(-2);
    if (!folder || !isPicture(file)) continue;
    if (folder === "queries") queries.push(file);
    else classes.set(folder, [...(classes.get(folder) ?? []), file]);
  }
  return { classes, queries };
}
