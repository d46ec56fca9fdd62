// A hub whose live feed says what a test wants, as a `fetch`.

import type { Stats } from "../hub/stats";
import { sampleModel } from "./catalogue";

export function sampleStats(prompts: number, change: Partial<Stats> = {}): Stats {
  return {
    nodes: [],
    queue: { waiting: 0, running: 0 },
    totals: { prompts, failed: 0, prompt_tokens: 0, completion_tokens: 0, nodes_seen: 0 },
    rates: { prompts_per_minute: prompts, tokens_per_second: prompts * 10 },
    ...change,
  };
}

export class FakeFeeds {
  /** How the feed is answered. */
  answer: "feed" | "nothing" | "missing" | "full" | "page" = "feed";
  /** What `GET /api/stats` answers; null: nothing. */
  stats: Stats | null = sampleStats(0);
  /** Requests for the feed. */
  asked = 0;
  /** Requests for the catalogue. */
  listed = 0;
  open: ReadableStreamDefaultController<Uint8Array>[] = [];

  readonly fetch = (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const path = input instanceof Request ? input.url : String(input);
    if (path !== "/api/stats/live") return this.#answerOnce(path);
    this.asked += 1;
    if (this.answer === "nothing") return Promise.reject(new TypeError("failed to fetch"));
    if (this.answer === "missing") return Promise.resolve(new Response("", { status: 404 }));
    if (this.answer === "page") return Promise.resolve(new Response("<html>"));
    if (this.answer === "full") {
      return Promise.resolve(new Response('{"error":{"message":"full"}}', { status: 429 }));
    }
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.open.push(controller);
        init?.signal?.addEventListener("abort", () => {
          if (!this.open.includes(controller)) return;
          this.#forget(controller);
          controller.error(init.signal?.reason);
        });
      },
      cancel: () => {
        this.open = [];
      },
    });
    return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }));
  };

  tell(stats: Stats): void {
    this.say(`data: ${JSON.stringify(stats)}\n\n`);
  }

  comment(): void {
    this.say(": keep-alive\n\n");
  }

  say(text: string): void {
    for (const controller of this.open) controller.enqueue(new TextEncoder().encode(text));
  }

  /** In good order, as a proxy does, or a hub that stops. */
  end(): void {
    for (const controller of this.open) controller.close();
    this.open = [];
  }

  #forget(controller: ReadableStreamDefaultController<Uint8Array>): void {
    this.open = this.open.filter((other) => other !== controller);
  }

  #answerOnce(path: string): Promise<Response> {
    if (this.stats === null) return Promise.reject(new TypeError("failed to fetch"));
    if (path === "/api/stats") return Promise.resolve(Response.json(this.stats));
    this.listed += 1;
    return Promise.resolve(Response.json({ models: [{ ...sampleModel, nodes: this.stats.nodes.length }] }));
  }
}
