import { describe, expect, it } from "vitest";

import { fakeNetwork, MemoryStore, pin, sampleBytes } from "../testing/weights";
import { obtain, type Surroundings } from "./obtain";
import type { SpaceEstimate } from "./space";

const bytes = sampleBytes(5000);
const pinned = pin(bytes);

function surroundings(store: MemoryStore, space: SpaceEstimate = {}) {
  const network = fakeNetwork(bytes);
  return { store, network, estimateSpace: () => Promise.resolve(space) } satisfies Surroundings;
}

function get(around: Surroundings) {
  return obtain(pinned, around, () => undefined, new AbortController().signal);
}

describe("obtaining a model", () => {
  it("takes it from the network once, then from disk", async () => {
    const store = new MemoryStore();
    const first = surroundings(store);
    await (await get(first)).close();
    expect(first.network.requests.length).toBe(1);

    const second = surroundings(store);
    const { model } = await get(second);
    const read = new Uint8Array(5000);
    expect(model.read(0, read)).toBe(5000);
    expect(read).toEqual(bytes);
    expect(second.network.requests).toEqual([]);
  });

  it("asks for room before the first byte", async () => {
    const store = new MemoryStore();
    const around = surroundings(store, { quota: 20_000_000, usage: 19_000_000 });
    await expect(get(around)).rejects.toMatchObject({
      failure: { code: "storage_full", freeBytes: 1_000_000 },
    });
    expect(around.network.requests).toEqual([]);
    expect(store.openFiles).toBe(0);
  });

  it("needs room only for what is missing", async () => {
    const store = new MemoryStore();
    await (await get(surroundings(store))).close();
    await (await get(surroundings(store, { quota: 1, usage: 1 }))).close();
    expect(store.openFiles).toBe(0);
  });

  it("marks a file that is not whole yet, so that it can be found", async () => {
    const store = new MemoryStore();
    store.capacity = 1000;
    await expect(get(surroundings(store))).rejects.toMatchObject({ failure: { code: "storage_full" } });
    expect(await store.list()).toEqual([
      { modelId: "sample", sha256: pinned.sha256, bytes: 5000, checksums: null },
    ]);
  });

  it("leaves nothing behind of a file that was bad", async () => {
    const store = new MemoryStore();
    const around = surroundings(store);
    around.network.fetch = fakeNetwork(sampleBytes(10), [
      { body: new Uint8Array(5000) },
      { body: new Uint8Array(5000) },
    ]).fetch;
    await expect(get(around)).rejects.toMatchObject({ failure: { code: "corrupt" } });
    expect(await store.list()).toEqual([]);
  });
});
