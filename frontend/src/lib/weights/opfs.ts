// Models in the origin's private file system: the fastest that a browser has, and the only one that reads
// synchronously. One file per model, named by its key, with a record beside it.

import type { ModelFile } from "../worker/wasm";
import { parseRecord } from "./record";
import type { StoredRecord, WeightsFile, WeightsStore } from "./store";

const FOLDER = "models";
const READ_BYTES = 1024 * 1024;
const OPEN_ATTEMPTS = 10;
const OPEN_PAUSE_MS = 200;

export class OpfsStore implements WeightsStore {
  readonly #folder: FileSystemDirectoryHandle;

  private constructor(folder: FileSystemDirectoryHandle) {
    this.#folder = folder;
  }

  /** Throws where the browser has no private file system, as in some private windows. */
  static async open(): Promise<OpfsStore> {
    const root = await navigator.storage.getDirectory();
    return new OpfsStore(await root.getDirectoryHandle(FOLDER, { create: true }));
  }

  async record(key: string): Promise<StoredRecord | null> {
    try {
      const handle = await this.#folder.getFileHandle(recordName(key));
      return parseRecord(await (await handle.getFile()).text());
    } catch (error) {
      if (isNotFound(error)) return null;
      throw error;
    }
  }

  async saveRecord(record: StoredRecord): Promise<void> {
    const handle = await this.#folder.getFileHandle(recordName(record.key), { create: true });
    const access = await handle.createSyncAccessHandle();
    try {
      access.truncate(0);
      access.write(new TextEncoder().encode(JSON.stringify(record)), { at: 0 });
      access.flush();
    } finally {
      access.close();
    }
  }

  async list(): Promise<StoredRecord[]> {
    const records: StoredRecord[] = [];
    for await (const name of this.#folder.keys()) {
      if (!name.endsWith(".json")) continue;
      const record = await this.record(name.slice(0, -".json".length));
      if (record !== null) records.push(record);
    }
    return records;
  }

  async remove(key: string): Promise<void> {
    for (const name of [fileName(key), recordName(key)]) {
      await this.#folder.removeEntry(name).catch((error: unknown) => {
        if (!isNotFound(error)) throw error;
      });
    }
  }

  async open(key: string): Promise<WeightsFile> {
    const handle = await this.#folder.getFileHandle(fileName(key), { create: true });
    return new OpfsFile(await accessWhenFree(handle));
  }
}

class OpfsFile implements WeightsFile, ModelFile {
  readonly #access: FileSystemSyncAccessHandle;
  #length: number;

  constructor(access: FileSystemSyncAccessHandle) {
    this.#access = access;
    this.#length = access.getSize();
  }

  storedBytes(): number {
    return this.#length;
  }

  size(): number {
    return this.#length;
  }

  read(offset: number, into: Uint8Array): number {
    return this.#access.read(into, { at: offset });
  }

  append(bytes: Uint8Array): Promise<void> {
    const written = this.#access.write(bytes, { at: this.#length });
    // A full disk may take a part without an error.
    if (written !== bytes.length) {
      this.#access.truncate(this.#length);
      return Promise.reject(new DOMException("short write", "QuotaExceededError"));
    }
    this.#length += written;
    return Promise.resolve();
  }

  async *chunks(): AsyncIterable<Uint8Array> {
    const buffer = new Uint8Array(READ_BYTES);
    for (let offset = 0; offset < this.#length; offset += READ_BYTES) {
      // Waiting lets a "stop" in between two reads.
      yield await Promise.resolve(buffer.subarray(0, this.read(offset, buffer)));
    }
  }

  clear(): Promise<void> {
    this.#access.truncate(0);
    this.#length = 0;
    return Promise.resolve();
  }

  flush(): Promise<void> {
    this.#access.flush();
    return Promise.resolve();
  }

  reader(): Promise<ModelFile> {
    return Promise.resolve(this);
  }

  close(): Promise<void> {
    this.#access.close();
    return Promise.resolve();
  }
}

/** A page that was just reloaded may find its old worker's handle not yet closed. */
async function accessWhenFree(handle: FileSystemFileHandle): Promise<FileSystemSyncAccessHandle> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await handle.createSyncAccessHandle();
    } catch (error) {
      const held = error instanceof DOMException && error.name === "NoModificationAllowedError";
      if (!held || attempt === OPEN_ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, OPEN_PAUSE_MS));
    }
  }
}

function fileName(key: string): string {
  return `${key}.gguf`;
}

function recordName(key: string): string {
  return `${key}.json`;
}

function isNotFound(error: unknown): boolean {
  return error instanceof DOMException && error.name === "NotFoundError";
}
