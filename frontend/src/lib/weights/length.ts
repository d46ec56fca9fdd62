// How long a file is whose catalogue does not say: its servers know.

import { WeightsError } from "./errors";
import type { ModelSource } from "./model";

/** The first source that tells decides, since downloads begin with it. */
export async function askLength(
  sources: readonly ModelSource[],
  fetcher: typeof fetch,
  signal: AbortSignal,
): Promise<number> {
  let answered = true;
  for (const source of sources) {
    try {
      const response = await fetcher(source.url, { method: "HEAD", signal, cache: "no-store" });
      const bytes = Number(response.headers.get("content-length"));
      if (response.ok && bytes > 0) return bytes;
      if (response.status >= 500) answered = false;
    } catch {
      signal.throwIfAborted();
      answered = false;
    }
  }
  throw new WeightsError({ code: answered ? "source_missing" : "network_lost" });
}
