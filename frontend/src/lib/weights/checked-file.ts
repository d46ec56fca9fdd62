// A stored file that checks every chunk as it is read: the disk may have changed since the download.

import { createXXHash64, type IHasher } from "hash-wasm";

import type { ModelFile } from "../worker/wasm";
import { CHUNK_BYTES } from "./digest";

export class CheckedFile implements ModelFile {
  readonly #file: ModelFile;
  readonly #checksums: readonly string[];
  readonly #hasher: IHasher;
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  #buffered: { index: number; bytes: Uint8Array } | null = null;
  #damaged = false;

  private constructor(file: ModelFile, checksums: readonly string[], hasher: IHasher) {
    this.#file = file;
    this.#checksums = checksums;
    this.#hasher = hasher;
  }

  static async create(file: ModelFile, checksums: readonly string[]): Promise<CheckedFile> {
    return new CheckedFile(file, checksums, await createXXHash64());
  }

  /** Whether a chunk was not what it should be. The engine may wrap the error that `read` threw. */
  get damaged(): boolean {
    return this.#damaged;
  }

  size(): number {
    return this.#file.size();
  }

  read(offset: number, into: Uint8Array): number {
    let done = 0;
    while (done < into.length && offset + done < this.size()) {
      const position = offset + done;
      const chunk = this.#chunk(Math.floor(position / CHUNK_BYTES));
      const start = position % CHUNK_BYTES;
      const part = chunk.subarray(start, start + into.length - done);
      into.set(part, done);
      done += part.length;
    }
    return done;
  }

  /** The engine reads tensor after tensor, so that one chunk in memory is nearly always the right one. */
  #chunk(index: number): Uint8Array {
    if (this.#buffered?.index === index) return this.#buffered.bytes;
    const length = this.#file.read(index * CHUNK_BYTES, this.#buffer);
    const bytes = this.#buffer.subarray(0, length);
    this.#buffered = null;
    if (this.#hasher.init().update(bytes).digest("hex") !== this.#checksums[index]) {
      this.#damaged = true;
      throw new Error(`chunk ${index} of the stored model is damaged`);
    }
    this.#buffered = { index, bytes };
    return bytes;
  }
}
