// Fetches a file into a store: goes on where it stopped, tries the next source, checks the result.

import { StreamingDigest, type FileDigest } from "./digest";
import { asStorageError, WeightsError } from "./errors";
import type { ModelSource, SizedFile } from "./model";
import { requestRest } from "./request";
import type { WeightsFile } from "./store";

export interface Network {
  fetch: typeof fetch;
  /** Waits, or less long if the network comes back; rejects when aborted. */
  pause(milliseconds: number, signal: AbortSignal): Promise<void>;
}

export type DownloadProgress =
  /** What was stored earlier is read again for the checksum. */
  | { step: "rehashing"; doneBytes: number; totalBytes: number }
  | { step: "fetching"; doneBytes: number; totalBytes: number; source: ModelSource["kind"] }
  /** The connection broke; the next attempt comes by itself. */
  | { step: "waiting"; doneBytes: number; totalBytes: number };

const ATTEMPTS_WITHOUT_PROGRESS = 6;
const LONGEST_PAUSE_MS = 16_000;
/** A connection that brings nothing for so long is taken for dead. */
const STALL_MS = 30_000;

/** Returns the digest of a file that is as wanted; throws `WeightsError`, or `AbortError` when aborted. */
export async function download(
  wanted: SizedFile,
  file: WeightsFile,
  network: Network,
  onProgress: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<FileDigest> {
  const run = new Download(wanted, file, network, onProgress, signal, await StreamingDigest.create());
  return run.untilRight();
}

class Download {
  #sourceIndex = 0;
  #mismatchedLength = false;

  constructor(
    private readonly wanted: SizedFile,
    private readonly file: WeightsFile,
    private readonly network: Network,
    private readonly onProgress: (progress: DownloadProgress) => void,
    private readonly signal: AbortSignal,
    private readonly digest: StreamingDigest,
  ) {}

  /** A bad file is fetched once more, from the next source where there is one. */
  async untilRight(): Promise<FileDigest> {
    await this.#rehash();
    for (const lastChance of [false, true]) {
      await this.#fetchRest();
      await this.file.flush();
      const digest = this.digest.finish();
      if (this.wanted.sha256 === null || digest.sha256 === this.wanted.sha256) return digest;
      await this.#startOver();
      if (!lastChance) this.#sourceIndex += 1;
    }
    throw new WeightsError({ code: "corrupt" });
  }

  async #startOver(): Promise<void> {
    await this.file.clear();
    this.digest.reset();
  }

  async #rehash(): Promise<void> {
    const totalBytes = this.file.storedBytes();
    if (totalBytes > this.wanted.bytes) return this.#startOver();
    let doneBytes = 0;
    for await (const chunk of this.file.chunks()) {
      this.signal.throwIfAborted();
      this.digest.update(chunk);
      doneBytes += chunk.length;
      this.onProgress({ step: "rehashing", doneBytes, totalBytes });
    }
  }

  async #fetchRest(): Promise<void> {
    let attempts = 0;
    let sources = this.wanted.sources;
    while (this.file.storedBytes() < this.wanted.bytes) {
      const source = sources[this.#sourceIndex % sources.length];
      if (source === undefined) {
        throw new WeightsError({ code: this.#mismatchedLength ? "wrong_length" : "source_missing" });
      }
      const before = this.file.storedBytes();
      const outcome = await this.#attempt(source);
      if (outcome === "useless") {
        sources = sources.filter((other) => other !== source);
        continue;
      }
      attempts = this.file.storedBytes() > before ? 0 : attempts + 1;
      if (this.file.storedBytes() === this.wanted.bytes) return;
      if (attempts === ATTEMPTS_WITHOUT_PROGRESS) throw new WeightsError({ code: "network_lost" });
      if (attempts > 0) this.#sourceIndex += 1;
      this.#report({ step: "waiting" });
      await this.network.pause(Math.min(LONGEST_PAUSE_MS, 1000 * 2 ** attempts), this.signal);
    }
  }

  /** One request and as much of its answer as comes. */
  async #attempt(source: ModelSource): Promise<"interrupted" | "useless"> {
    const attempt = new AbortController();
    const signal = AbortSignal.any([this.signal, attempt.signal]);
    try {
      const request = requestRest(
        this.network.fetch,
        source.url,
        this.wanted,
        this.file.storedBytes(),
        signal,
      );
      const answer = await this.#unlessStalled(request);
      if (answer.kind === "wrong_length") this.#mismatchedLength = true;
      if (answer.kind === "wrong_length" || answer.kind === "missing") return "useless";
      if (answer.kind === "body") await this.#store(source, answer.body, answer.skipBytes);
      return "interrupted";
    } catch (error) {
      this.signal.throwIfAborted();
      if (error instanceof TooLong) {
        this.#mismatchedLength = true;
        await this.#startOver();
        return "useless";
      }
      if (error instanceof StorageFailure) throw asStorageError(error.cause, this.#missingBytes());
      // Whatever else fetch throws is a broken connection.
      return "interrupted";
    } finally {
      attempt.abort();
    }
  }

  async #store(source: ModelSource, body: ReadableStream<Uint8Array>, skipBytes: number): Promise<void> {
    const reader = body.getReader();
    let skip = skipBytes;
    for (;;) {
      const { done, value } = await this.#unlessStalled(reader.read());
      this.signal.throwIfAborted();
      if (done) return;
      const bytes = value.subarray(Math.min(skip, value.length));
      skip -= value.length - bytes.length;
      if (bytes.length === 0) continue;
      if (bytes.length > this.#missingBytes()) throw new TooLong();
      await this.file.append(bytes).catch((cause: unknown) => {
        throw new StorageFailure("the store refused", { cause });
      });
      this.digest.update(bytes);
      this.#report({ step: "fetching", source: source.kind });
    }
  }

  /**
   * The promise's value, or an error when nothing has come for too long, or when the network has come back:
   * a connection from before that is as good as dead.
   */
  async #unlessStalled<T>(promise: Promise<T>): Promise<T> {
    const timer = new AbortController();
    const stalled = this.network.pause(STALL_MS, AbortSignal.any([this.signal, timer.signal]));
    const alarm = stalled.then(() => Promise.reject(new Error("the connection stalled")));
    try {
      return await Promise.race([promise, alarm]);
    } finally {
      timer.abort();
      // The lost race's rejection has nobody to hear it.
      alarm.catch(() => undefined);
      promise.catch(() => undefined);
    }
  }

  #missingBytes(): number {
    return this.wanted.bytes - this.file.storedBytes();
  }

  #report(step: { step: "waiting" } | { step: "fetching"; source: ModelSource["kind"] }): void {
    this.onProgress({ ...step, doneBytes: this.file.storedBytes(), totalBytes: this.wanted.bytes });
  }
}

class TooLong extends Error {}
class StorageFailure extends Error {}
