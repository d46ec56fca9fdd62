import { describe, expect, it } from "vitest";

import {
  cacheStash,
  clearStashes,
  keyStash,
  storageUse,
  together,
  type Stash,
  type StashKind,
  type StorageFacts,
} from "./stash";

function stash(bytes: number | null, count: number | null = null): Stash & { cleared: number } {
  const made = {
    cleared: 0,
    measure: () => Promise.resolve({ bytes, count }),
    clear: () => {
      made.cleared += 1;
      return Promise.resolve();
    },
  };
  return made;
}

const broken: Stash = {
  measure: () => Promise.reject(new Error("no")),
  clear: () => Promise.reject(new Error("no")),
};

const stashes = (models: Stash = stash(7, 1)): Record<StashKind, Stash> => ({
  models,
  projects: stash(20, 2),
  conversation: stash(5),
  choices: stash(3),
  caches: stash(null),
});

function storage(entries: Record<string, string>) {
  const values = new Map(Object.entries(entries));
  return {
    get length() {
      return values.size;
    },
    key: (index: number) => [...values.keys()][index] ?? null,
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => values.set(key, value),
    removeItem: (key: string) => values.delete(key),
  };
}

describe("the storage used", () => {
  const facts: StorageFacts = {
    estimate: () => Promise.resolve({ usage: 40, quota: 100 }),
    persisted: () => Promise.resolve(true),
  };

  it("is measured kind by kind and as a whole", async () => {
    const use = await storageUse(stashes(), facts);
    expect(use.amounts.projects).toEqual({ bytes: 20, count: 2 });
    expect(use.amounts.caches).toEqual({ bytes: null, count: null });
    expect(use).toMatchObject({ usedBytes: 40, quotaBytes: 100, persisted: true });
  });

  it("is shown as far as it can be measured", async () => {
    const none = await storageUse(stashes(broken), undefined);
    expect(none.amounts.models).toBeNull();
    expect(none.amounts.choices).toEqual({ bytes: 3, count: null });
    expect(none).toMatchObject({ usedBytes: null, quotaBytes: null, persisted: null });
    const refusing: StorageFacts = {
      estimate: () => Promise.reject(new TypeError("no")),
      persisted: () => Promise.reject(new TypeError("no")),
    };
    expect(await storageUse(stashes(), refusing)).toMatchObject({ usedBytes: null, persisted: null });
  });
});

describe("taking away", () => {
  it("goes on after what stays, and tells of it", async () => {
    const all = { ...stashes(broken), projects: stash(1) };
    expect(await clearStashes(all, ["models", "projects"])).toEqual(["models"]);
    expect(all.projects.cleared).toBe(1);
  });
});

describe("the keys of a storage", () => {
  it("are Kipinä's own, and no others", async () => {
    const kept = storage({ "kipina.theme": "dark", "kipina.history": "[]", other: "x" });
    const choices = keyStash(
      () => kept,
      (key) => key !== "kipina.history",
    );
    expect(await choices.measure()).toEqual({ bytes: 32, count: null });
    await choices.clear();
    expect(kept.getItem("kipina.theme")).toBeNull();
    expect(kept.getItem("kipina.history")).toBe("[]");
    expect(kept.getItem("other")).toBe("x");
  });

  it("can't be had where storage is forbidden", async () => {
    const forbidden = keyStash(
      () => {
        throw new DOMException("no", "SecurityError");
      },
      () => true,
    );
    await expect(forbidden.measure()).rejects.toThrow("no");
  });
});

describe("several places", () => {
  it("are measured as one, and cleared one by one", async () => {
    const one = stash(2);
    const other = stash(3, 4);
    const both = together(one, other);
    expect(await both.measure()).toEqual({ bytes: 5, count: 4 });
    expect(await together(one, stash(null)).measure()).toEqual({ bytes: null, count: null });
    await both.clear();
    expect([one.cleared, other.cleared]).toEqual([1, 1]);
  });
});

describe("the page's own files", () => {
  it("are counted and deleted, cache by cache", async () => {
    const files = new Map([
      ["a", ["12345"]],
      ["b", ["1", "22"]],
    ]);
    const caches = {
      keys: () => Promise.resolve([...files.keys()]),
      open: (name: string) =>
        Promise.resolve({
          keys: () => Promise.resolve((files.get(name) ?? []).map((text) => new Request(`http://x/${text}`))),
          match: (request: RequestInfo | URL) =>
            Promise.resolve(new Response(new URL((request as Request).url).pathname.slice(1))),
        }),
      delete: (name: string) => Promise.resolve(files.delete(name)),
    };
    const kept = cacheStash(caches);
    expect(await kept.measure()).toEqual({ bytes: 8, count: null });
    await kept.clear();
    expect(files.size).toBe(0);
    expect(await cacheStash(undefined).measure()).toEqual({ bytes: 0, count: null });
  });
});
