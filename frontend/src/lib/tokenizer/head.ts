// The beginning of a model's file: its header holds the tokenizer, and how long it is shows in the reading.

import type { ModelFile } from "../worker/wasm";

const FIRST_CAPACITY = 2 * 1024 * 1024;

export class Head implements ModelFile {
  #bytes = new Uint8Array(FIRST_CAPACITY);
  #length = 0;
  #used = 0;
  #short = false;

  get length(): number {
    return this.#length;
  }

  /** Whether bytes were asked for that are not here. The engine may wrap the error that `read` threw. */
  get short(): boolean {
    return this.#short;
  }

  /** As much as was read. */
  used(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#used);
  }

  append(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
    this.#short = false;
  }

  /** The whole file is longer than what is here, and nobody needs to know how long. */
  size(): number {
    return Number.MAX_SAFE_INTEGER;
  }

  read(offset: number, into: Uint8Array): number {
    if (offset >= this.#length) {
      this.#short = true;
      throw new Error("the head of the file ends here");
    }
    const part = this.#bytes.subarray(offset, Math.min(offset + into.length, this.#length));
    into.set(part);
    this.#used = Math.max(this.#used, offset + part.length);
    return part.length;
  }
}

/** Reads as many pieces as `load` needs, and no more than about twice that. */
export async function readHead<Loaded>(
  pieces: AsyncIterable<Uint8Array>,
  load: (head: Head) => Loaded | Promise<Loaded>,
): Promise<{ loaded: Loaded; head: Head }> {
  const head = new Head();
  let enough = FIRST_CAPACITY;
  for await (const piece of pieces) {
    head.append(piece);
    if (head.length < enough) continue;
    try {
      return { loaded: await load(head), head };
    } catch (error) {
      if (!head.short) throw error;
      enough = 2 * head.length;
    }
  }
  return { loaded: await load(head), head };
}
