import { describe, expect, it } from "vitest";

import { fakeNetwork, MemoryStore, pin, sampleBytes, type Mischief } from "../testing/weights";
import { download, type DownloadProgress } from "./download";
import type { SizedFile } from "./model";

const bytes = sampleBytes(10_000);
const flipped = bytes.slice();
flipped[5000] = (flipped[5000] ?? 0) ^ 1;

interface Setup {
  pinned?: SizedFile;
  mischief?: Mischief[];
  stored?: Uint8Array;
  store?: MemoryStore;
  abort?: AbortController;
  onProgress?: (progress: DownloadProgress) => void;
}

async function run({ pinned = pin(bytes), mischief = [], stored, store, abort, onProgress }: Setup) {
  const place = store ?? new MemoryStore();
  const file = await place.open(pinned.key);
  if (stored !== undefined) await file.append(stored);
  const network = fakeNetwork(bytes, mischief);
  const progress: DownloadProgress[] = [];
  const outcome = await download(
    pinned,
    file,
    network,
    (step) => {
      progress.push(step);
      onProgress?.(step);
    },
    (abort ?? new AbortController()).signal,
  ).then(
    (digest) => ({ digest, error: null }),
    (error: unknown) => ({ digest: null, error }),
  );
  return { ...outcome, network, progress, kept: Uint8Array.from(place.files.get(pinned.key) ?? []) };
}

describe("a download", () => {
  it("stores the file and proves its sha256", async () => {
    const { digest, kept, progress } = await run({});
    expect(kept).toEqual(bytes);
    expect(digest?.sha256).toBe(pin(bytes).sha256);
    expect(progress.at(-1)).toEqual({
      step: "fetching",
      source: "hub",
      doneBytes: 10_000,
      totalBytes: 10_000,
    });
  });

  it("goes on after a broken connection where it stopped", async () => {
    const { kept, network, progress } = await run({ mischief: [{ breakAfter: 4200 }] });
    expect(kept).toEqual(bytes);
    expect(network.requests.map((request) => request.range)).toEqual([null, "bytes=4200-"]);
    expect(progress.some((step) => step.step === "waiting")).toBe(true);
  });

  it("goes on in a new tab, and hashes what was stored before", async () => {
    const { kept, network, progress } = await run({ stored: bytes.subarray(0, 3000) });
    expect(kept).toEqual(bytes);
    expect(network.requests).toEqual([{ url: "/models/sample.gguf", range: "bytes=3000-" }]);
    expect(progress[0]).toEqual({ step: "rehashing", doneBytes: 1000, totalBytes: 3000 });
  });

  it("asks the network for nothing when all is stored", async () => {
    const { digest, network } = await run({ stored: bytes });
    expect(digest?.sha256).toBe(pin(bytes).sha256);
    expect(network.requests).toEqual([]);
  });

  it("skips what it has when the server ignores ranges", async () => {
    const { kept } = await run({ mischief: [{ breakAfter: 4200 }, { ignoreRange: true }] });
    expect(kept).toEqual(bytes);
  });

  it("survives a break while it skips", async () => {
    const { kept } = await run({
      mischief: [{ breakAfter: 4200 }, { ignoreRange: true, breakAfter: 2000 }, { ignoreRange: true }],
    });
    expect(kept).toEqual(bytes);
  });

  it("finds a flipped byte and fetches the file again", async () => {
    const { kept, network } = await run({ mischief: [{ body: flipped }] });
    expect(kept).toEqual(bytes);
    expect(network.requests.map((request) => request.range)).toEqual([null, null]);
  });

  it("finds a byte that was flipped on disk before it goes on", async () => {
    const { kept } = await run({ stored: flipped.subarray(0, 6000) });
    expect(kept).toEqual(bytes);
  });

  it("takes the next source after a bad file", async () => {
    const pinned = pin(bytes, ["/models/sample.gguf", "https://huggingface.co/sample"]);
    const { network } = await run({ pinned, mischief: [{ body: flipped }] });
    expect(network.requests.map((request) => request.url)).toEqual(
      pinned.sources.map((source) => source.url),
    );
  });

  it("gives up after two bad files, and keeps neither", async () => {
    const { error, kept } = await run({ mischief: [{ body: flipped }, { body: flipped }] });
    expect(error).toMatchObject({ failure: { code: "corrupt" } });
    expect(kept.length).toBe(0);
  });

  it("throws away more than the file could be", async () => {
    const { kept } = await run({ stored: sampleBytes(10_001) });
    expect(kept).toEqual(bytes);
  });

  it.each<[string, Mischief]>([
    ["announced", { body: sampleBytes(9000) }],
    ["too long and unannounced", { body: sampleBytes(12_000), hideLength: true }],
  ])("refuses a file of another length: %s", async (_, trick) => {
    const { error } = await run({ mischief: [trick] });
    expect(error).toMatchObject({ failure: { code: "wrong_length" } });
  });

  it("takes a file of the right length where no checksum is pinned", async () => {
    const { digest, kept } = await run({ pinned: { ...pin(bytes), key: "unpinned-sample", sha256: null } });
    expect(kept).toEqual(bytes);
    expect(digest?.sha256).toBe(pin(bytes).sha256);
  });

  it("goes to the next source when the first has nothing", async () => {
    const pinned = pin(bytes, ["/models/sample.gguf", "https://huggingface.co/sample"]);
    const { kept, progress } = await run({ pinned, mischief: [{ status: 404 }] });
    expect(kept).toEqual(bytes);
    expect(progress.at(-1)).toMatchObject({ source: "hugging_face" });
  });

  it("says when no source has the file", async () => {
    const { error, network } = await run({ mischief: [{ status: 404 }] });
    expect(error).toMatchObject({ failure: { code: "source_missing" } });
    expect(network.requests.length).toBe(1);
  });

  it("waits longer each time for a server in trouble, and then gives up", async () => {
    const { error, network } = await run({ mischief: Array<Mischief>(10).fill({ status: 503 }) });
    expect(error).toMatchObject({ failure: { code: "network_lost" } });
    expect(network.pauses).toEqual([2000, 4000, 8000, 16_000, 16_000]);
    expect(network.requests.length).toBe(6);
  });

  it("counts attempts anew after every piece that came", async () => {
    const broken: Mischief[] = Array.from({ length: 12 }, () => ({ breakAfter: 700 }));
    const { kept } = await run({ mischief: broken });
    expect(kept).toEqual(bytes);
  });

  it.each<Mischief>([{ refuseConnection: true }, { hang: true }])("recovers from %o", async (trick) => {
    const { kept, network } = await run({ mischief: [trick] });
    expect(kept).toEqual(bytes);
    expect(network.requests.length).toBe(2);
  });

  it("stops when aborted, and keeps what it has", async () => {
    const abort = new AbortController();
    const { error, kept } = await run({
      abort,
      onProgress: ({ doneBytes }) => {
        if (doneBytes >= 2100) abort.abort();
      },
    });
    expect(error).toMatchObject({ name: "AbortError" });
    expect(kept).toEqual(bytes.slice(0, 2100));
  });

  it("says when the disk is full", async () => {
    const store = new MemoryStore();
    store.capacity = 5000;
    const { error } = await run({ store });
    expect(error).toMatchObject({ failure: { code: "storage_full", neededBytes: 10_000 - 4900 } });
  });
});
