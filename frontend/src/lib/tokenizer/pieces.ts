// The beginning of a model's file, piece by piece, from where there is one.

import { CHUNK_BYTES } from "../weights/digest";
import type { WeightsStore } from "../weights/store";
import { TokenizerError } from "./failure";

const FIRST_REQUEST_BYTES = 2 * 1024 * 1024;

/** A stored file's; whoever reads them ends the reading, so that the file is free for the engine. */
export async function* storedPieces(store: WeightsStore, key: string): AsyncGenerator<Uint8Array, void> {
  const file = await store.open(key);
  try {
    yield* inChunks(file.chunks());
  } finally {
    await file.close();
  }
}

/** Pieces as long as what the stored file's checksums are of. */
async function* inChunks(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const chunk = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  for await (const piece of pieces) {
    for (let done = 0; done < piece.length;) {
      const part = piece.subarray(done, done + CHUNK_BYTES - filled);
      chunk.set(part, filled);
      filled += part.length;
      done += part.length;
      if (filled < CHUNK_BYTES) continue;
      yield chunk;
      filled = 0;
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

/** A remote file's, in requests that each double what there is. */
export async function* remotePieces(fetcher: typeof fetch, url: string): AsyncGenerator<Uint8Array, void> {
  for (let offset = 0; ;) {
    const length = offset === 0 ? FIRST_REQUEST_BYTES : offset;
    const range = `bytes=${offset}-${offset + length - 1}`;
    const response = await asked(fetcher, url, range);
    if (response.status === 416) return;
    if (response.status !== 206) {
      yield* rest(response, offset);
      return;
    }
    const piece = new Uint8Array(await response.arrayBuffer().catch(lost));
    yield piece;
    if (piece.length < length) return;
    offset += piece.length;
  }
}

async function asked(fetcher: typeof fetch, url: string, range: string): Promise<Response> {
  const response = await fetcher(url, { headers: { range }, cache: "no-store" }).catch(lost);
  if (response.ok || response.status === 416) return response;
  const passes = response.status === 408 || response.status === 429 || response.status >= 500;
  throw new TokenizerError(passes ? "network_lost" : "source_missing");
}

/** A server that ignores ranges sends the whole file: what is there already is dropped. */
async function* rest(response: Response, skip: number): AsyncGenerator<Uint8Array, void> {
  if (response.body === null) return;
  const reader = response.body.getReader();
  let toSkip = skip;
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(lost);
      if (done) return;
      const piece = value.subarray(Math.min(toSkip, value.length));
      toSkip -= value.length - piece.length;
      if (piece.length > 0) yield piece;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function lost(cause: unknown): never {
  throw new TokenizerError("network_lost", { cause });
}
