// Files that a person saves and chooses.

import { MOST_BYTES, parseImport, type Imported, type ImportFailure } from "./transfer";

/** How long a browser may take to begin the download. */
const KEPT_MS = 60_000;

export function saveFile(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(link.href);
  }, KEPT_MS);
}

export type FileFailure = ImportFailure | { kind: "unreadable" };

export async function readTeamFile(
  file: Pick<Blob, "size" | "text">,
): Promise<Imported | { ok: false; failure: FileFailure }> {
  if (file.size > MOST_BYTES) return { ok: false, failure: { kind: "too_large" } };
  try {
    return parseImport(await file.text());
  } catch {
    // It was moved or changed after it was chosen.
    return { ok: false, failure: { kind: "unreadable" } };
  }
}
