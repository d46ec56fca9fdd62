// The shape of a place on this device that keeps models, whatever it is made of.

import type { ModelFile } from "../worker/wasm";

/** What is known about a stored file; kept beside it. */
export interface StoredRecord {
  key: string;
  modelId: string;
  /** Null while it is not known yet: the catalogue pins none, and the file is not whole. */
  sha256: string | null;
  /** The length of the whole file. */
  bytes: number;
  /** Checksums of its chunks, present once the whole file is there and passed its sha256. */
  checksums: string[] | null;
}

export interface WeightsStore {
  record(key: string): Promise<StoredRecord | null>;
  saveRecord(record: StoredRecord): Promise<void>;
  list(): Promise<StoredRecord[]>;
  remove(key: string): Promise<void>;
  /** Opens the file, or makes an empty one. Only one may be open at a time. */
  open(key: string): Promise<WeightsFile>;
}

/** A file that is being fetched or read. */
export interface WeightsFile {
  storedBytes(): number;
  append(bytes: Uint8Array): Promise<void>;
  /** What is stored, from the start. */
  chunks(): AsyncIterable<Uint8Array>;
  clear(): Promise<void>;
  /** Makes what was appended survive a crash. */
  flush(): Promise<void>;
  /** The file as the engine reads it. */
  reader(): Promise<ModelFile>;
  close(): Promise<void>;
}
