// A text that grows as it is streamed: what stands before its last blocks is read once.

import { readBlocks, type Block, type SourceBlock } from "./blocks";

/** The last block may still become another one, and so may the one before it (a line of `---` makes it a heading). */
const UNSETTLED = 2;

export class GrowingMarkdown {
  #settled: SourceBlock[] = [];
  #settledText = "";
  #last: SourceBlock[] = [];

  /** The blocks of the whole text; those that have not changed are the same objects. */
  update(source: string): Block[] {
    if (!source.startsWith(this.#settledText)) this.#forget();
    const tail = source.slice(this.#settledText.length);
    const read = readBlocks(tail, this.#last);
    // Windows' line ends are read as others: then the blocks' lengths are not the text's.
    const settling = tail.includes("\r") ? 0 : Math.max(0, lastContents(read, UNSETTLED));
    const all = [...this.#settled, ...read];
    this.#settled.push(...read.slice(0, settling));
    this.#settledText += read
      .slice(0, settling)
      .map(({ raw }) => raw)
      .join("");
    this.#last = read.slice(settling);
    return all.map(({ block }) => block).filter((block) => block !== null);
  }

  #forget(): void {
    this.#settled = [];
    this.#settledText = "";
    this.#last = [];
  }
}

/** Where the last `count` blocks that show something begin. */
function lastContents(blocks: readonly SourceBlock[], count: number): number {
  let left = count;
  for (let index = blocks.length - 1; index >= 0; index -= 1) {
    if (blocks[index]?.block !== null) left -= 1;
    if (left === 0) return index;
  }
  return 0;
}
