import { describe, expect, it } from "vitest";

import { fakeNetwork, MemoryStore, sampleBytes, type Mischief } from "../testing/weights";
import { CHUNK_BYTES, StreamingDigest } from "../weights/digest";
import { EngineMissing } from "../worker/engine";
import type { ModelFile, TokenizerModule } from "../worker/wasm";
import { openTokenizer, type HeadCache, type OpenSurroundings } from "./open";

const HEADER_BYTES = 3 * CHUNK_BYTES;
const bytes = sampleBytes(9 * CHUNK_BYTES);
const source = { family: "sample", keys: ["stored"], urls: ["/models/sample.gguf"] };

/** Reads the header as the engine does: piece by piece, wrapping errors. */
function read(file: ModelFile): void {
  const piece = new Uint8Array(100_000);
  for (let offset = 0; offset < HEADER_BYTES;) {
    let length: number;
    try {
      length = file.read(offset, piece);
    } catch (cause) {
      throw new Error("not a GGUF file", { cause });
    }
    if (piece[0] !== bytes[offset]) throw new Error("not a GGUF file");
    offset += length;
  }
}

const engine: TokenizerModule = {
  default: () => Promise.resolve(),
  Tokenizer: {
    load: (file) => {
      read(file);
      return {
        count: (text) => text.length,
        tokenize: (text) => [{ id: 0, text }],
        free: () => undefined,
      };
    },
  },
};

class MemoryCache implements HeadCache {
  readonly heads = new Map<string, Uint8Array>();
  match = (family: string): Promise<Uint8Array | null> => Promise.resolve(this.heads.get(family) ?? null);
  put = (family: string, head: Uint8Array): Promise<void> => {
    this.heads.set(family, head);
    return Promise.resolve();
  };
  delete = (family: string): Promise<void> => {
    this.heads.delete(family);
    return Promise.resolve();
  };
}

function setUp(mischief: Mischief[] = [], change: Partial<OpenSurroundings> = {}) {
  const network = fakeNetwork(bytes, mischief);
  const cache = new MemoryCache();
  const store = new MemoryStore();
  const surroundings: OpenSurroundings = {
    importEngine: () => Promise.resolve({ module: engine, instantiate: () => Promise.resolve() }),
    openStore: () => Promise.resolve(store),
    openCache: () => Promise.resolve(cache),
    fetcher: network.fetch,
    ...change,
  };
  return { network, cache, store, open: (from = source) => openTokenizer(from, surroundings) };
}

async function store(into: MemoryStore, content: Uint8Array): Promise<void> {
  const digest = await StreamingDigest.create();
  digest.update(bytes);
  const { sha256, checksums } = digest.finish();
  into.files.set("stored", [...content]);
  await into.saveRecord({ key: "stored", modelId: "sample", sha256, bytes: bytes.length, checksums });
}

describe("opening a tokenizer", () => {
  it("takes as much of the file as its header has, and keeps that", async () => {
    const { open, network, cache } = setUp();
    const tokenizer = await open();
    expect(tokenizer.count("abc")).toBe(3);
    const [first, second] = [2 * 1024 * 1024, 4 * 1024 * 1024];
    expect(network.requests.map(({ range }) => range)).toEqual([
      `bytes=0-${first - 1}`,
      `bytes=${first}-${second - 1}`,
    ]);
    const kept = cache.heads.get("sample")?.length ?? 0;
    expect(kept).toBeGreaterThanOrEqual(HEADER_BYTES);
    expect(kept).toBeLessThan(HEADER_BYTES + 200_000);
    await open();
    expect(network.requests.length).toBe(2);
  });

  it("works where the server ignores ranges, and stops reading then", async () => {
    const { open } = setUp([{ ignoreRange: true }]);
    await expect(open()).resolves.toBeDefined();
  });

  it("takes a model that is stored here", async () => {
    const { open, network, store: disk } = setUp();
    await store(disk, bytes);
    await open();
    expect(network.requests).toEqual([]);
    expect(disk.openFiles).toBe(0);
  });

  it("does not believe a disk that has changed, or a file that is not whole", async () => {
    const damaged = bytes.slice();
    damaged[5] = (damaged[5] ?? 0) ^ 1;
    const { open, network, store: disk } = setUp();
    await store(disk, damaged);
    await open();
    expect(network.requests.length).toBe(2);
    expect(disk.openFiles).toBe(0);
  });

  it("throws away a head that is no good", async () => {
    const { open, network, cache } = setUp();
    cache.heads.set("sample", new Uint8Array(100));
    await open();
    expect(network.requests.length).toBe(2);
    expect(cache.heads.get("sample")?.length).toBeGreaterThan(100);
  });

  it("works where nothing can be kept", async () => {
    const no = () => Promise.reject(new DOMException("no", "SecurityError"));
    const { open } = setUp([], { openCache: no, openStore: no });
    await expect(open()).resolves.toBeDefined();
  });

  it("goes to the next source", async () => {
    const { open, network } = setUp([{ status: 404 }]);
    await open({ ...source, urls: ["/models/a.gguf", "https://huggingface.co/b.gguf"] });
    expect(network.requests.map(({ url }) => url)).toEqual([
      "/models/a.gguf",
      "https://huggingface.co/b.gguf",
      "https://huggingface.co/b.gguf",
    ]);
  });

  it.each<[string, Mischief[]]>([
    ["source_missing", [{ status: 404 }]],
    ["network_lost", [{ status: 503 }]],
    ["network_lost", [{ refuseConnection: true }]],
    ["unsupported", [{ body: new Uint8Array(bytes.length) }]],
  ])("says why there is none: %s", async (failure, mischief) => {
    await expect(setUp(mischief).open()).rejects.toThrow(failure);
  });

  it("says when the hub has no engine", async () => {
    const { open } = setUp([], { importEngine: () => Promise.reject(new EngineMissing()) });
    await expect(open()).rejects.toThrow("no_engine");
  });
});
