// A project's files as a ZIP, in a folder of the project's name.

import { strToU8, zip } from "fflate";

import { newestText, type Project } from "./project";
import { fileNameOf } from "./record";

/** Drafts are what a person sees in the editor: they go in instead of the saved text. */
export function zipOf(
  name: string,
  project: Project,
  drafts: Readonly<Record<string, string>>,
): Promise<Uint8Array<ArrayBuffer>> {
  const folder = fileNameOf(name);
  const files: Record<string, Uint8Array> = {};
  for (const file of project.files) {
    const text = drafts[file.path] ?? newestText(file);
    if (text !== null) files[`${folder}/${file.path}`] = strToU8(text);
  }
  return new Promise((resolve, reject) => {
    zip(files, { level: 6 }, (error, bytes) => {
      if (error === null) resolve(new Uint8Array(bytes));
      else reject(error);
    });
  });
}
