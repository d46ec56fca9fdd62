// The headers that README.md tells operators to send.

import { readFileSync } from "node:fs";

export function documentedHeaders(): Record<string, string> {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const block = /## Headers[\s\S]*?```\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const lines = block.trim().split("\n");
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(": ");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
    }),
  );
}
