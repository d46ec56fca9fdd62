// A project's files as folders.

export interface Folder {
  kind: "folder";
  name: string;
  path: string;
  entries: Entry[];
}

export type Entry = Folder | { kind: "file"; name: string; path: string };

/** Folders first, each part in the order of its names, as file managers have it. */
export function treeOf(paths: readonly string[]): Entry[] {
  const root: Folder = { kind: "folder", name: "", path: "", entries: [] };
  for (const path of paths) {
    const segments = path.split("/");
    const name = segments.pop() ?? "";
    folderAt(root, segments).entries.push({ kind: "file", name, path });
  }
  return sorted(root.entries);
}

function folderAt(root: Folder, segments: readonly string[]): Folder {
  let folder = root;
  for (const name of segments) {
    const path = folder.path === "" ? name : `${folder.path}/${name}`;
    let next = folder.entries.find(
      (entry): entry is Folder => entry.kind === "folder" && entry.name === name,
    );
    if (next === undefined) {
      next = { kind: "folder", name, path, entries: [] };
      folder.entries.push(next);
    }
    folder = next;
  }
  return folder;
}

function sorted(entries: Entry[]): Entry[] {
  const rank = ({ kind }: Entry): number => (kind === "folder" ? 0 : 1);
  return entries
    .map((entry) => (entry.kind === "folder" ? { ...entry, entries: sorted(entry.entries) } : entry))
    .sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name, "en"));
}
