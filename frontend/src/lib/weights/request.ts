// One request for the rest of a file, and what its answer means.

import type { SizedFile } from "./model";

export type RangeAnswer =
  /** The missing bytes; the first `skipBytes` of them are stored already. */
  | { kind: "body"; body: ReadableStream<Uint8Array>; skipBytes: number }
  /** This source won't have it; another may. */
  | { kind: "missing" }
  | { kind: "wrong_length" }
  /** The same request may succeed later. */
  | { kind: "try_later" };

export async function requestRest(
  fetcher: typeof fetch,
  url: string,
  file: SizedFile,
  offset: number,
  signal: AbortSignal,
): Promise<RangeAnswer> {
  const headers: HeadersInit = offset > 0 ? { range: `bytes=${offset}-` } : {};
  // The file is kept once, in our own store; the browser's cache would keep it twice.
  const response = await fetcher(url, { headers, signal, cache: "no-store" });
  if (response.status === 206) return partial(response, file, offset);
  if (response.ok) return whole(response, file, offset);
  await response.body?.cancel();
  if (response.status === 416) return { kind: "wrong_length" };
  const passes = response.status === 408 || response.status === 429 || response.status >= 500;
  return { kind: passes ? "try_later" : "missing" };
}

async function partial(response: Response, file: SizedFile, offset: number): Promise<RangeAnswer> {
  // A server of another origin may hide this header; the checksum then has the last word.
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get("content-range") ?? "");
  if (range !== null) {
    const wrongLength = range[2] !== "*" && Number(range[2]) !== file.bytes;
    if (wrongLength || Number(range[1]) !== offset) {
      await response.body?.cancel();
      return { kind: wrongLength ? "wrong_length" : "try_later" };
    }
  }
  return response.body === null ? { kind: "try_later" } : { kind: "body", body: response.body, skipBytes: 0 };
}

/** The server ignores ranges (or nothing is stored yet): what is stored already is read and dropped. */
async function whole(response: Response, file: SizedFile, offset: number): Promise<RangeAnswer> {
  const length = response.headers.get("content-length");
  // The header counts compressed bytes where there is an encoding.
  if (length !== null && !response.headers.has("content-encoding") && Number(length) !== file.bytes) {
    await response.body?.cancel();
    return { kind: "wrong_length" };
  }
  return response.body === null
    ? { kind: "try_later" }
    : { kind: "body", body: response.body, skipBytes: offset };
}
