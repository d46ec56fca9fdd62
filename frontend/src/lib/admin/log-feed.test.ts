import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { AdminApi } from "./api";
import { Door } from "./door";
import { LogFeed } from "./log-feed";

/** The streams that are open, the last one last. */
let open: ReadableStreamDefaultController<Uint8Array>[];
/** Each request's address, and the line that it goes on after. */
let asked: [string, string | null][];
/** The status and code of a refusal; null: it answers. */
let refuses: [number, string] | null;
let feed: LogFeed;
let door: Door;
let end: () => void;

const fetcher: typeof fetch = (input, init) => {
  const address = input instanceof Request ? input.url : String(input);
  asked.push([address, new Headers(init?.headers).get("last-event-id")]);
  if (refuses !== null) {
    const [status, code] = refuses;
    return Promise.resolve(Response.json({ error: { message: "no", code } }, { status }));
  }
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      open.push(controller);
      init?.signal?.addEventListener("abort", () => {
        if (!open.includes(controller)) return;
        open = open.filter((other) => other !== controller);
        controller.error(init.signal?.reason);
      });
    },
  });
  return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
};

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  open = [];
  asked = [];
  refuses = null;
  door = new Door(new AdminApi(fetcher));
  feed = new LogFeed(fetcher, door);
  end = () => undefined;
});

afterEach(() => {
  end();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

async function say(text: string): Promise<void> {
  open.at(-1)?.enqueue(new TextEncoder().encode(text));
  await pass(0);
}

function line(id: number, message: string): string {
  const data = { at_ms: 1_790_000_000_000, level: "info", target: "hub", message };
  return `id: ${id}\ndata: ${JSON.stringify(data)}\n\n`;
}

const messages = () => feed.value.items.map((item) => (item.kind === "line" ? item.message : item.count));

describe("the log", () => {
  it("is heard line by line, with what was missed between", async () => {
    end = feed.follow("info");
    await pass(0);
    expect(asked).toEqual([["/api/admin/log?level=info", null]]);
    await say(line(1, "one"));
    await say('event: missed\ndata: {"missed": 40}\n\n');
    await say(line(42, "two"));
    expect(messages()).toEqual(["one", 40, "two"]);
    expect(feed.value.connected).toBe(true);
  });

  it("goes on after its last line where the connection broke", async () => {
    end = feed.follow("info");
    await pass(0);
    await say(line(7, "before"));
    open.at(-1)?.close();
    await pass(0);
    expect(feed.value.connected).toBe(false);
    await pass(1000);
    expect(asked.at(-1)).toEqual(["/api/admin/log?level=info", "7"]);
    await say(line(8, "after"));
    expect(messages()).toEqual(["before", "after"]);
  });

  it("is tried anew where nothing is heard for too long", async () => {
    end = feed.follow("info");
    await pass(0);
    await say(": keep-alive\n\n");
    await pass(44_000);
    expect(asked).toHaveLength(1);
    await pass(3000);
    expect(asked).toHaveLength(2);
  });

  it("begins anew with another level", async () => {
    end = feed.follow("info");
    await pass(0);
    await say(line(1, "chatter"));
    end = feed.follow("error");
    await pass(0);
    expect(messages()).toEqual([]);
    expect(asked.at(-1)).toEqual(["/api/admin/log?level=error", null]);
  });

  it("keeps the last thousand lines", async () => {
    end = feed.follow("info");
    await pass(0);
    await say(Array.from({ length: 1005 }, (_, index) => line(index + 1, String(index))).join(""));
    expect(messages()).toHaveLength(1000);
    expect(messages()[0]).toBe("5");
  });

  it("says why it is not to be had, until it is", async () => {
    refuses = [429, "rate_limit_exceeded"];
    end = feed.follow("info");
    await pass(0);
    expect(feed.value).toMatchObject({ connected: false, failure: { kind: "refused", status: 429 } });
    expect(door.value.kind).toBe("asking");
    refuses = null;
    await pass(1000);
    expect(feed.value).toMatchObject({ connected: true, failure: null });
    open.at(-1)?.error(new TypeError("broken"));
    await pass(0);
    expect(feed.value).toMatchObject({ connected: false, failure: null });
  });

  it("shuts the door where nobody is in", async () => {
    refuses = [401, "login_required"];
    end = feed.follow("info");
    await pass(0);
    expect(door.value.kind).toBe("login");
  });
});
