// What Kipinä keeps on this device, kind by kind, and how each is taken away.

import type { KeyValue } from "./storage";

export const stashKinds = ["models", "projects", "conversation", "choices", "caches"] as const;

export type StashKind = (typeof stashKinds)[number];

export interface Amount {
  /** Null where the browser does not tell. */
  bytes: number | null;
  /** Models or projects; null for what isn't counted. */
  count: number | null;
}

export interface Stash {
  measure(): Promise<Amount>;
  clear(): Promise<void>;
}

export interface StorageUse {
  /** Null for what could not be measured. */
  amounts: Readonly<Record<StashKind, Amount | null>>;
  usedBytes: number | null;
  quotaBytes: number | null;
  /** The browser won't take it away by itself when the disk is full; null where it doesn't tell. */
  persisted: boolean | null;
}

/** The part of `navigator.storage` that is used. */
export interface StorageFacts {
  estimate(): Promise<{ usage?: number; quota?: number }>;
  persisted(): Promise<boolean>;
}

/** What can't be measured keeps nothing else from being shown. */
export async function storageUse(
  stashes: Readonly<Record<StashKind, Stash>>,
  facts: StorageFacts | undefined,
): Promise<StorageUse> {
  const measured = await Promise.all(
    stashKinds.map(async (kind) => [kind, await orNull(() => stashes[kind].measure())] as const),
  );
  const estimate = await orNull(() => facts?.estimate() ?? Promise.resolve(null));
  return {
    amounts: Object.fromEntries(measured) as Record<StashKind, Amount | null>,
    usedBytes: estimate?.usage ?? null,
    quotaBytes: estimate?.quota ?? null,
    persisted: await orNull(() => facts?.persisted() ?? Promise.resolve(null)),
  };
}

/** Takes all of these away, whatever becomes of each; the kinds that stayed. */
export async function clearStashes(
  stashes: Readonly<Record<StashKind, Stash>>,
  kinds: readonly StashKind[],
): Promise<StashKind[]> {
  const left: StashKind[] = [];
  for (const kind of kinds) {
    try {
      await stashes[kind].clear();
    } catch {
      left.push(kind);
    }
  }
  return left;
}

async function orNull<Result>(measure: () => Promise<Result>): Promise<Result | null> {
  try {
    return await measure();
  } catch {
    return null;
  }
}

/** A storage whose keys can be counted, as the browser's are. */
export interface KeyList extends KeyValue {
  readonly length: number;
  key(index: number): string | null;
}

/** Every key of Kipinä's begins so. */
const PREFIX = "kipina.";

/** The keys of one storage that are Kipinä's, but for these. */
export function keyStash(open: () => KeyList, belongs: (key: string) => boolean): Stash {
  const keys = (storage: KeyList): string[] =>
    Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "").filter(
      (key) => key.startsWith(PREFIX) && belongs(key),
    );
  return {
    measure: async () => {
      const storage = open();
      const characters = keys(storage).map((key) => key.length + (storage.getItem(key)?.length ?? 0));
      // Browsers store two bytes a character.
      const bytes = 2 * characters.reduce((sum, length) => sum + length, 0);
      return Promise.resolve({ bytes, count: null });
    },
    clear: async () => {
      const storage = open();
      for (const key of keys(storage)) storage.removeItem(key);
      return Promise.resolve();
    },
  };
}

/** Several places that a person thinks of as one. */
export function together(...stashes: readonly Stash[]): Stash {
  return {
    measure: async () => {
      const amounts = await Promise.all(stashes.map((stash) => stash.measure()));
      return {
        bytes: amounts.reduce<number | null>(
          (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
          0,
        ),
        count: amounts.find(({ count }) => count !== null)?.count ?? null,
      };
    },
    clear: async () => {
      for (const stash of stashes) await stash.clear();
    },
  };
}

/** The part of `caches` that is used. */
export interface CacheList {
  keys(): Promise<string[]>;
  open(name: string): Promise<Pick<Cache, "keys" | "match">>;
  delete(name: string): Promise<boolean>;
}

/** The files of the page itself, which it needs to open without a network. */
export function cacheStash(caches: CacheList | undefined): Stash {
  return {
    measure: async () => {
      if (caches === undefined) return { bytes: 0, count: null };
      let bytes = 0;
      for (const name of await caches.keys()) {
        const cache = await caches.open(name);
        for (const request of await cache.keys()) {
          bytes += (await (await cache.match(request))?.blob())?.size ?? 0;
        }
      }
      return { bytes, count: null };
    },
    clear: async () => {
      for (const name of (await caches?.keys()) ?? []) await caches?.delete(name);
    },
  };
}
