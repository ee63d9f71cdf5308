// What was dropped or chosen, as a flat list of {file, path}. A folder's files keep their place in it.

const MOST = 100000;

const pathOf = (file) => file.webkitRelativePath || file.name;

export const chosen = (input) => Array.from(input.files, (file) => ({ file, path: pathOf(file) }));

export async function dropped(transfer) {
  // The entries must be taken at once: after the first wait the browser has emptied the list.
  const entries = Array.from(transfer.items ?? [], (item) => (item.kind === "file" ? item.webkitGetAsEntry?.() ?? item.getAsFile() : null));
  const found = [];
  for (const entry of entries) {
    if (entry instanceof File) found.push({ file: entry, path: entry.name });
    else if (entry) await walk(entry, found);
  }
  return found;
}

async function walk(entry, found) {
  if (found.length >= MOST) return;
  if (entry.isFile) {
    const file = await new Promise((resolve) => entry.file(resolve, () => resolve(null)));
    if (file) found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const some = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (some.length === 0) return;
    for (const each of some) await walk(each, found);
  }
}
