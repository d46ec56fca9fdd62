// Models in IndexedDB, for browsers without synchronous files. It reads asynchronously only, so that the
// engine's reader has to hold the whole file: twice the memory, but it works.

import { openDB, type DBSchema, type IDBPDatabase } from "idb";

import type { ModelFile } from "../worker/wasm";
import type { StoredRecord, WeightsFile, WeightsStore } from "./store";

const CHUNK_BYTES = 4 * 1024 * 1024;

interface Extent {
  bytes: number;
  chunks: number;
}

interface Schema extends DBSchema {
  records: { key: string; value: StoredRecord };
  /** How much of each file there is; changes together with its chunks. */
  extents: { key: string; value: Extent };
  chunks: { key: [string, number]; value: Uint8Array };
}

type Database = IDBPDatabase<Schema>;

export class IndexedDbStore implements WeightsStore {
  readonly #database: Database;

  private constructor(database: Database) {
    this.#database = database;
  }

  static async open(): Promise<IndexedDbStore> {
    const database = await openDB<Schema>("kipina-weights", 1, {
      upgrade(created) {
        created.createObjectStore("records");
        created.createObjectStore("extents");
        created.createObjectStore("chunks");
      },
    });
    return new IndexedDbStore(database);
  }

  async record(key: string): Promise<StoredRecord | null> {
    return (await this.#database.get("records", key)) ?? null;
  }

  async saveRecord(record: StoredRecord): Promise<void> {
    await this.#database.put("records", record, record.key);
  }

  list(): Promise<StoredRecord[]> {
    return this.#database.getAll("records");
  }

  async remove(key: string): Promise<void> {
    await removeChunks(this.#database, key);
    await this.#database.delete("records", key);
  }

  async open(key: string): Promise<WeightsFile> {
    const extent = await this.#database.get("extents", key);
    return new IndexedDbFile(this.#database, key, extent ?? { bytes: 0, chunks: 0 });
  }
}

class IndexedDbFile implements WeightsFile {
  readonly #database: Database;
  readonly #key: string;
  #extent: Extent;
  /** Small pieces are collected: a transaction for each would be slow. */
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;

  constructor(database: Database, key: string, extent: Extent) {
    this.#database = database;
    this.#key = key;
    this.#extent = extent;
  }

  storedBytes(): number {
    return this.#extent.bytes + this.#pendingBytes;
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#pending.push(bytes.slice());
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= CHUNK_BYTES) await this.flush();
  }

  async *chunks(): AsyncIterable<Uint8Array> {
    await this.flush();
    for (let index = 0; index < this.#extent.chunks; index += 1) {
      const chunk = await this.#database.get("chunks", [this.#key, index]);
      if (chunk === undefined) throw new Error(`chunk ${index} of ${this.#key} is gone`);
      yield chunk;
    }
  }

  async clear(): Promise<void> {
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#extent = { bytes: 0, chunks: 0 };
    await removeChunks(this.#database, this.#key);
  }

  async flush(): Promise<void> {
    if (this.#pendingBytes === 0) return;
    const chunk = join(this.#pending, this.#pendingBytes);
    const extent = { bytes: this.#extent.bytes + chunk.length, chunks: this.#extent.chunks + 1 };
    const transaction = this.#database.transaction(["chunks", "extents"], "readwrite");
    await Promise.all([
      transaction.objectStore("chunks").put(chunk, [this.#key, this.#extent.chunks]),
      transaction.objectStore("extents").put(extent, this.#key),
      transaction.done,
    ]);
    this.#extent = extent;
    this.#pending = [];
    this.#pendingBytes = 0;
  }

  async reader(): Promise<ModelFile> {
    await this.flush();
    const whole = new Uint8Array(this.#extent.bytes);
    let offset = 0;
    for await (const chunk of this.chunks()) {
      whole.set(chunk, offset);
      offset += chunk.length;
    }
    return new MemoryFile(whole);
  }

  async close(): Promise<void> {
    await this.flush();
  }
}

class MemoryFile implements ModelFile {
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  size(): number {
    return this.#bytes.length;
  }

  read(offset: number, into: Uint8Array): number {
    const part = this.#bytes.subarray(offset, offset + into.length);
    into.set(part);
    return part.length;
  }
}

async function removeChunks(database: Database, key: string): Promise<void> {
  const transaction = database.transaction(["chunks", "extents"], "readwrite");
  await Promise.all([
    transaction.objectStore("chunks").delete(IDBKeyRange.bound([key, 0], [key, Infinity])),
    transaction.objectStore("extents").delete(key),
    transaction.done,
  ]);
}

function join(parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
