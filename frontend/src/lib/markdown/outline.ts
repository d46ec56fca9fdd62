// The levels of an answer's headings. Apart from what reads markdown: whoever shows blocks comes with the page, whoever
// reads them when there is something to read.

import type { Block } from "./blocks";

/** The level of every heading, from `base` on and with none left out, whatever the writer began with. */
export function outline(blocks: readonly Block[], base: number): (number | null)[] {
  const open: number[] = [];
  return blocks.map((block) => {
    if (block.kind !== "heading") return null;
    while ((open.at(-1) ?? 0) >= block.depth) open.pop();
    open.push(block.depth);
    return Math.min(6, base + open.length - 1);
  });
}
