// Server-sent events over fetch: unlike `EventSource` it tells why a stream did not begin.

import { EventSourceParserStream, type EventSourceMessage } from "eventsource-parser/stream";

import { HubError } from "./client";

/** `onBytes` is told of everything that comes, comments among it. */
export async function* events(
  response: Response,
  signal: AbortSignal,
  onBytes: () => void,
): AsyncIterable<EventSourceMessage> {
  const isFeed = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (response.body === null || !isFeed) throw new HubError({ kind: "unreadable" });
  const watched = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(bytes, controller) {
      onBytes();
      controller.enqueue(bytes);
    },
  });
  const reader = response.body
    .pipeThrough(watched, { signal })
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())
    .getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** Longer each time, and never the same for everybody: a hub that comes back is not stormed. */
export function pauseAfter(failures: number): number {
  const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures, 10));
  return longest * (0.5 + Math.random() / 2);
}

export function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener("abort", done);
  });
}
