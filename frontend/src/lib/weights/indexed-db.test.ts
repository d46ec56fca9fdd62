import "fake-indexeddb/auto";

import { expect, it } from "vitest";

import { sampleBytes } from "../testing/weights";
import { IndexedDbStore } from "./indexed-db";

it("keeps a file in pieces and reads it as one, over several openings", async () => {
  const bytes = sampleBytes(9_000_000);
  const store = await IndexedDbStore.open();
  const first = await store.open("abc");
  await first.append(bytes.subarray(0, 5_000_000));
  await first.append(bytes.subarray(5_000_000, 5_000_100));
  expect(first.storedBytes()).toBe(5_000_100);
  await first.close();

  const second = await store.open("abc");
  expect(second.storedBytes()).toBe(5_000_100);
  await second.append(bytes.subarray(5_000_100));
  const reader = await second.reader();
  expect(reader.size()).toBe(bytes.length);
  const into = new Uint8Array(1000);
  expect(reader.read(4_999_500, into)).toBe(1000);
  expect(into).toEqual(bytes.slice(4_999_500, 5_000_500));
  await second.close();
});

it("deletes a file with its record, and leaves the others alone", async () => {
  const store = await IndexedDbStore.open();
  for (const key of ["one", "two"]) {
    const file = await store.open(key);
    await file.append(sampleBytes(10));
    await file.close();
    await store.saveRecord({ key, modelId: key, sha256: null, bytes: 10, checksums: null });
  }
  await store.remove("one");
  expect(await store.record("one")).toBeNull();
  expect((await store.open("one")).storedBytes()).toBe(0);
  expect((await store.open("two")).storedBytes()).toBe(10);
});
