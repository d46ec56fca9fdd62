// Which stores this browser has.

import { WeightsError } from "./errors";
import { IndexedDbStore } from "./indexed-db";
import { OpfsStore } from "./opfs";
import type { StoredRecord, WeightsStore } from "./store";

/** The best store. In a worker only: pages have no synchronous files. */
export async function bestStore(): Promise<WeightsStore> {
  if (hasSynchronousFiles()) {
    const store = await OpfsStore.open().catch(() => null);
    if (store !== null) return store;
  }
  try {
    return await IndexedDbStore.open();
  } catch {
    throw new WeightsError({ code: "storage_unavailable" });
  }
}

/** What is stored in any of them. */
export async function storedModels(): Promise<StoredRecord[]> {
  const lists = (await everyStore()).map((store) => store.list().catch(() => []));
  return (await Promise.all(lists)).flat();
}

/** Deletes a model wherever it is stored. */
export async function deleteModel(key: string): Promise<void> {
  for (const store of await everyStore()) await store.remove(key);
}

async function everyStore(): Promise<WeightsStore[]> {
  const opened = await Promise.allSettled([OpfsStore.open(), IndexedDbStore.open()]);
  return opened.flatMap((store): WeightsStore[] => (store.status === "fulfilled" ? [store.value] : []));
}

function hasSynchronousFiles(): boolean {
  return (
    typeof FileSystemFileHandle !== "undefined" && "createSyncAccessHandle" in FileSystemFileHandle.prototype
  );
}
