import { describe, expect, it } from "vitest";

import { fakeNetwork, MemoryStore, pin, sampleBytes, type Mischief } from "../testing/weights";
import { obtain, type Surroundings } from "./obtain";
import type { WantedFile } from "./model";
import type { SpaceEstimate } from "./space";

const bytes = sampleBytes(5000);
const pinned = pin(bytes);

function surroundings(store: MemoryStore, space: SpaceEstimate = {}) {
  const network = fakeNetwork(bytes);
  return { store, network, estimateSpace: () => Promise.resolve(space) } satisfies Surroundings;
}

function get(around: Surroundings, file: WantedFile = pinned) {
  return obtain(file, around, () => undefined, new AbortController().signal);
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
      { key: pinned.key, modelId: "sample", sha256: pinned.sha256, bytes: 5000, checksums: null },
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

  it("throws away what the catalogue had under this model's name before", async () => {
    const store = new MemoryStore();
    await (await get(surroundings(store), { ...pinned, key: "older" })).close();
    await (await get(surroundings(store))).close();
    expect([...store.files.keys()]).toEqual([pinned.key]);
  });
});

describe("a model of which the catalogue pins nothing", () => {
  const unpinned: WantedFile = { ...pinned, key: "unpinned-sample", bytes: null, sha256: null };

  it("is as long as its server says, and has its own checksums from then on", async () => {
    const store = new MemoryStore();
    const first = await get(surroundings(store), unpinned);
    expect(first.sha256).toBe(pinned.sha256);
    await first.close();
    expect(await store.record(unpinned.key)).toMatchObject({ bytes: 5000, sha256: pinned.sha256 });

    const second = surroundings(store);
    expect((await get(second, unpinned)).sha256).toBe(pinned.sha256);
    expect([...second.network.requests, ...second.network.lengthRequests]).toEqual([]);
  });

  it("begins anew when its server has another file since", async () => {
    const store = new MemoryStore();
    store.capacity = 2000;
    await get(surroundings(store), unpinned).catch(() => undefined);
    const [record] = await store.list();
    expect(record).toMatchObject({ bytes: 5000, sha256: null, checksums: null });
    if (record !== undefined) await store.saveRecord({ ...record, bytes: 4000 });

    store.capacity = Infinity;
    const around = surroundings(store);
    await (await get(around, unpinned)).close();
    expect(around.network.requests.map((request) => request.range)).toEqual([null]);
  });

  it.each<[string, Mischief[], string]>([
    ["no source has it", [{ status: 404 }, { status: 404 }], "source_missing"],
    ["a source does not answer", [{ status: 404 }, { refuseConnection: true }], "network_lost"],
    ["a source is in trouble", [{ status: 503 }, { status: 404 }], "network_lost"],
  ])("fails clearly when %s", async (_, mischief, code) => {
    const store = new MemoryStore();
    const network = fakeNetwork(bytes, mischief);
    const { sources } = pin(bytes, ["/models/sample.gguf", "https://huggingface.co/sample"]);
    const failed = get({ ...surroundings(store), network }, { ...unpinned, sources });
    await expect(failed).rejects.toMatchObject({ failure: { code } });
    expect(store.files.size).toBe(0);
  });
});
