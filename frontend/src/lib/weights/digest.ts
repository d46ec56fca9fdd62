// Checksums of a file as its bytes pass by: one sha256 for the whole, and a fast one for each chunk.
//
// sha256 proves that a download is what the catalogue pins. The chunks' checksums prove, at a tenth of
// the cost, that the disk still has what was proved then, while the engine reads it.

import { createSHA256, createXXHash64, type IHasher } from "hash-wasm";

export const CHUNK_BYTES = 1024 * 1024;

export interface FileDigest {
  sha256: string;
  checksums: string[];
}

export class StreamingDigest {
  readonly #whole: IHasher;
  readonly #chunk: IHasher;
  #bytesInChunk = 0;
  #checksums: string[] = [];

  private constructor(whole: IHasher, chunk: IHasher) {
    this.#whole = whole;
    this.#chunk = chunk;
  }

  static async create(): Promise<StreamingDigest> {
    const digest = new StreamingDigest(await createSHA256(), await createXXHash64());
    digest.reset();
    return digest;
  }

  reset(): void {
    this.#whole.init();
    this.#chunk.init();
    this.#bytesInChunk = 0;
    this.#checksums = [];
  }

  update(bytes: Uint8Array): void {
    this.#whole.update(bytes);
    let rest = bytes;
    while (rest.length > 0) {
      const part = rest.subarray(0, CHUNK_BYTES - this.#bytesInChunk);
      this.#chunk.update(part);
      this.#bytesInChunk += part.length;
      if (this.#bytesInChunk === CHUNK_BYTES) this.#endChunk();
      rest = rest.subarray(part.length);
    }
  }

  finish(): FileDigest {
    if (this.#bytesInChunk > 0) this.#endChunk();
    return { sha256: this.#whole.digest("hex"), checksums: this.#checksums };
  }

  #endChunk(): void {
    this.#checksums.push(this.#chunk.digest("hex"));
    this.#chunk.init();
    this.#bytesInChunk = 0;
  }
}
