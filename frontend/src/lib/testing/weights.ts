// A store in memory and a server of one file: what the tests of the download need.

import { createHash } from "node:crypto";

import type { Network } from "../weights/download";
import type { SizedFile } from "../weights/model";
import type { StoredRecord, WeightsFile, WeightsStore } from "../weights/store";
import type { ModelFile } from "../worker/wasm";

/** Bytes that repeat nowhere near a chunk's length. */
export function sampleBytes(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let index = 0; index < length; index += 1) bytes[index] = (index * 2654435761) >>> 24;
  return bytes;
}

export function pin(bytes: Uint8Array, urls: string[] = ["/models/sample.gguf"]): SizedFile {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return {
    modelId: "sample",
    key: sha256,
    bytes: bytes.length,
    sha256,
    sources: urls.map((url) => ({ kind: url.startsWith("/") ? "hub" : "hugging_face", url })),
  };
}

export class MemoryStore implements WeightsStore {
  readonly records = new Map<string, StoredRecord>();
  readonly files = new Map<string, number[]>();
  /** How many bytes the device takes in all. */
  capacity = Infinity;
  openFiles = 0;

  record(key: string): Promise<StoredRecord | null> {
    return Promise.resolve(this.records.get(key) ?? null);
  }

  saveRecord(record: StoredRecord): Promise<void> {
    this.records.set(record.key, record);
    return Promise.resolve();
  }

  list(): Promise<StoredRecord[]> {
    return Promise.resolve([...this.records.values()]);
  }

  remove(key: string): Promise<void> {
    this.records.delete(key);
    this.files.delete(key);
    return Promise.resolve();
  }

  open(key: string): Promise<WeightsFile> {
    const stored = this.files.get(key) ?? [];
    this.files.set(key, stored);
    this.openFiles += 1;
    return Promise.resolve(new MemoryStoreFile(this, stored));
  }
}

class MemoryStoreFile implements WeightsFile, ModelFile {
  constructor(
    private readonly store: MemoryStore,
    private readonly stored: number[],
  ) {}

  storedBytes = (): number => this.stored.length;
  size = this.storedBytes;

  append(bytes: Uint8Array): Promise<void> {
    if (this.stored.length + bytes.length > this.store.capacity) {
      return Promise.reject(new DOMException("full", "QuotaExceededError"));
    }
    for (const byte of bytes) this.stored.push(byte);
    return Promise.resolve();
  }

  async *chunks(): AsyncIterable<Uint8Array> {
    for (let offset = 0; offset < this.stored.length; offset += 1000) {
      yield await Promise.resolve(Uint8Array.from(this.stored.slice(offset, offset + 1000)));
    }
  }

  clear(): Promise<void> {
    this.stored.length = 0;
    return Promise.resolve();
  }

  flush = (): Promise<void> => Promise.resolve();
  reader = (): Promise<ModelFile> => Promise.resolve(this);

  close(): Promise<void> {
    this.store.openFiles -= 1;
    return Promise.resolve();
  }

  read(offset: number, into: Uint8Array): number {
    const part = this.stored.slice(offset, offset + into.length);
    into.set(part);
    return part.length;
  }
}

/** The wait after which the download gives a silent connection up. */
const STALL_MS = 30_000;

export interface ServedRequest {
  url: string;
  range: string | null;
}

/** What a server does with one request; an empty one: it serves the file as it should. */
export interface Mischief {
  breakAfter?: number;
  ignoreRange?: true;
  status?: number;
  body?: Uint8Array<ArrayBuffer>;
  hideLength?: true;
  refuseConnection?: true;
  /** Nothing comes, and the wait for it runs out. */
  hang?: true;
}

/** Serves the bytes, with one piece of mischief per request for as long as there is any. */
export function fakeNetwork(
  bytes: Uint8Array<ArrayBuffer>,
  mischief: Mischief[] = [],
): Network & { requests: ServedRequest[]; lengthRequests: string[]; pauses: number[] } {
  const requests: ServedRequest[] = [];
  const lengthRequests: string[] = [];
  const pauses: number[] = [];
  let hanging = false;
  return {
    requests,
    lengthRequests,
    pauses,
    fetch: (input, init) => {
      const range = new Headers(init?.headers).get("range");
      const url = input instanceof Request ? input.url : input.toString();
      if (init?.method === "HEAD") lengthRequests.push(url);
      else requests.push({ url, range });
      const trick = mischief.shift() ?? {};
      hanging = trick.hang === true;
      if (trick.refuseConnection) return Promise.reject(new TypeError("failed to fetch"));
      if (trick.hang) return untilAborted(init?.signal);
      if (trick.status !== undefined) return Promise.resolve(new Response(null, { status: trick.status }));
      return Promise.resolve(serve(trick.body ?? bytes, trick.ignoreRange ? null : range, trick));
    },
    pause: (milliseconds, signal) => {
      if (milliseconds < STALL_MS) pauses.push(milliseconds);
      // No pause takes time here; but a connection is given up only where it hangs.
      return milliseconds < STALL_MS || hanging ? Promise.resolve() : untilAborted(signal);
    },
  };
}

function serve(whole: Uint8Array<ArrayBuffer>, range: string | null, trick: Mischief): Response {
  const [first, last] = (range ?? "").match(/\d+/g) ?? [];
  const start = Number(first ?? 0);
  const end = last === undefined ? whole.length : Math.min(whole.length, Number(last) + 1);
  const partial = start > 0 || last !== undefined;
  const headers = new Headers();
  if (!trick.hideLength) headers.set("content-length", String(end - start));
  if (partial) headers.set("content-range", `bytes ${start}-${end - 1}/${whole.length}`);
  const breaks = trick.breakAfter !== undefined;
  const body = pieces(whole.subarray(start, breaks ? start + (trick.breakAfter ?? 0) : end), breaks);
  return new Response(body, { status: partial ? 206 : 200, headers });
}

function pieces(bytes: Uint8Array<ArrayBuffer>, breaks: boolean): ReadableStream<Uint8Array<ArrayBuffer>> {
  let offset = 0;
  return new ReadableStream({
    pull(controller) {
      if (offset < bytes.length) {
        controller.enqueue(bytes.slice(offset, offset + 700));
        offset += 700;
      } else if (breaks) controller.error(new TypeError("network error"));
      else controller.close();
    },
  });
}

function untilAborted(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => {
      reject(abortError());
    };
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort);
  });
}

function abortError(): DOMException {
  return new DOMException("aborted", "AbortError");
}
