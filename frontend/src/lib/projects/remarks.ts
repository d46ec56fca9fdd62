// Which line of a file a reviewer's remark is about.

import type { Project } from "./project";

export interface Remark {
  text: string;
  /** From 1; null: the file as a whole. */
  line: number | null;
}

/** What the last review said of a file: what is to be mended, and what was left. */
export function remarksOn(project: Project, path: string, text: string): Remark[] {
  const open = project.issues.filter((issue) => issue.path === path);
  const left = project.notices
    .filter((notice) => notice.kind === "issues_left")
    .slice(-1)
    .flatMap(({ issues }) => issues)
    .filter((issue) => issue.path === path && !open.some((other) => other.text === issue.text));
  return [...open, ...left].map((issue) => ({ text: issue.text, line: lineOf(issue.text, text) }));
}

/** A line that is named by its number, or by a name in quotes that the file has. */
export function lineOf(remark: string, text: string): number | null {
  const lines = text.split("\n");
  const number = Number(/\b(?:lines?|rivi\p{L}*)\s+(\d{1,5})\b/iu.exec(remark)?.[1] ?? NaN);
  if (number >= 1 && number <= lines.length) return number;
  for (const [, name = ""] of remark.matchAll(/[`'"]([^`'"\n]{2,80})[`'"]/g)) {
    const at = lines.findIndex((line) => line.includes(name));
    if (at >= 0) return at + 1;
  }
  return null;
}
