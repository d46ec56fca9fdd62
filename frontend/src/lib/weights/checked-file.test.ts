import { beforeAll, describe, expect, it } from "vitest";

import { sampleBytes } from "../testing/weights";
import type { ModelFile } from "../worker/wasm";
import { CheckedFile } from "./checked-file";
import { CHUNK_BYTES, StreamingDigest } from "./digest";

const bytes = sampleBytes(2 * CHUNK_BYTES + 1234);
let checksums: string[];

beforeAll(async () => {
  const digest = await StreamingDigest.create();
  for (let offset = 0; offset < bytes.length; offset += 99_999) {
    digest.update(bytes.subarray(offset, offset + 99_999));
  }
  ({ checksums } = digest.finish());
});

function fileOf(content: Uint8Array): ModelFile {
  return {
    size: () => content.length,
    read: (offset, into) => {
      const part = content.subarray(offset, offset + into.length);
      into.set(part);
      return part.length;
    },
  };
}

describe("a checked file", () => {
  it.each([
    ["inside a chunk", 10, 100],
    ["over a chunk's end", CHUNK_BYTES - 50, 100],
    ["over several chunks", 1, 2 * CHUNK_BYTES + 100],
    ["the last bytes", bytes.length - 7, 7],
  ])("reads %s", async (_, offset, length) => {
    const file = await CheckedFile.create(fileOf(bytes), checksums);
    const into = new Uint8Array(length);
    expect(file.read(offset, into)).toBe(length);
    expect(Buffer.compare(into, bytes.subarray(offset, offset + length))).toBe(0);
    expect(file.damaged).toBe(false);
  });

  it("reads no further than the end", async () => {
    const file = await CheckedFile.create(fileOf(bytes), checksums);
    expect(file.read(bytes.length - 5, new Uint8Array(100))).toBe(5);
    expect(file.read(bytes.length, new Uint8Array(100))).toBe(0);
  });

  it("finds a flipped bit in the chunk that is read, and keeps saying so", async () => {
    const damaged = bytes.slice();
    damaged[CHUNK_BYTES + 5] = (damaged[CHUNK_BYTES + 5] ?? 0) ^ 0x80;
    const file = await CheckedFile.create(fileOf(damaged), checksums);
    expect(file.read(0, new Uint8Array(100))).toBe(100);
    expect(() => file.read(CHUNK_BYTES, new Uint8Array(1))).toThrow(/damaged/);
    expect(file.damaged).toBe(true);
    expect(() => file.read(CHUNK_BYTES, new Uint8Array(1))).toThrow(/damaged/);
  });
});
