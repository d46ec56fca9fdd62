// The hub itself, for pages that are nothing without one: built by cargo, and named by `HUB` where it lies elsewhere.

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import type { Browser, BrowserContext, Page } from "playwright-core";

const TARGET = process.env["CARGO_TARGET_DIR"] ?? join(homedir(), ".cache/kipina/target");
const HUB = process.env["HUB"] ?? join(TARGET, "debug/kipina-hub");
const DIST = process.env["DIST"] ?? fileURLToPath(new URL("../dist/", import.meta.url));

export class RealHub {
  private constructor(
    readonly url: string,
    private readonly process: ChildProcess,
    private readonly folder: string,
    private readonly settings: Record<string, string>,
  ) {}

  static start(settings: Record<string, string> = {}): Promise<RealHub> {
    return RealHub.#startIn(null, "0", settings);
  }

  static async #startIn(
    before: string | null,
    port: string,
    settings: Record<string, string>,
  ): Promise<RealHub> {
    const folder = before ?? (await mkdtemp(join(tmpdir(), "kipina-page-")));
    const child = spawn(HUB, [], {
      env: {
        HOME: folder,
        LANG: "en_GB.UTF-8",
        PORT: port,
        STATIC_DIR: DIST,
        DATABASE_PATH: join(folder, "hub.sqlite"),
        // Answers of these tests have no end of their own.
        DRAIN_SECONDS: "1",
        ...settings,
      },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const failed = once(child, "error").then(([error]: unknown[]) => {
      throw new Error(`${HUB} can't be started (cargo build -p hub): ${String(error)}`);
    });
    for await (const line of lines(child, failed)) {
      const url = /http:\/\/[\d.:]+/.exec(line)?.[0];
      if (url !== undefined) return new RealHub(url, child, folder, settings);
    }
    throw new Error("the hub ended before it listened");
  }

  /** At the same address, with what it has in its database. */
  async restart(pause: () => Promise<void> = () => Promise.resolve()): Promise<RealHub> {
    await this.#stop();
    await pause();
    return RealHub.#startIn(this.folder, new URL(this.url).port, this.settings);
  }

  async end(): Promise<void> {
    await this.#stop();
    await rm(this.folder, { recursive: true });
  }

  async #stop(): Promise<void> {
    const gone = once(this.process, "exit");
    this.process.kill("SIGTERM");
    await gone;
  }
}

async function* lines(child: ChildProcess, failed: Promise<never>): AsyncIterable<string> {
  if (child.stdout === null) return;
  const reader = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([reader.next(), failed]);
    if (next.done === true) return;
    yield next.value;
  }
}

/** What a node tells of itself, and what it does beside that. */
interface Part {
  name: string;
  kind?: "native" | "browser";
  key?: string;
  owner?: string;
  slots?: number;
  /** The digest of its model's file. */
  digest?: string;
  runtime?: string;
  /** The whole answer to every prompt; none: it never answers. */
  says?: string;
  /** How far each of 300 tokens of every answer that it judges lies from the model's own, in logits. */
  finds?: number;
}

/** A node that joins and does what it is told here, and no more; in a page of its own. */
export class PlayedNode {
  private constructor(
    private readonly page: Page,
    private readonly context: BrowserContext,
  ) {}

  static async join(browser: Browser, hub: RealHub, part: Part): Promise<PlayedNode> {
    // Pages that are nobody's may connect to nothing.
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await page.goto(`${hub.url}/healthz`);
    await page.evaluate(
      ({ name, kind = "native", key, owner, slots = 1, digest, runtime = "none", says, finds }) =>
        new Promise<void>((resolve, reject) => {
          const socket = new WebSocket(`ws://${location.host}/ws`);
          const tell = (frame: object): void => {
            socket.send(JSON.stringify(frame));
          };
          const usage = { prompt_tokens: 1, cached_tokens: 0, completion_tokens: 1 };
          const timings = { load_ms: 0, prefill_ms: 1, decode_ms: 1 };
          const model = { id: "qwen2.5-coder:0.5b", context_length: 4096, digest, runtime };
          const about = { protocol_version: 1, software: "played 1.0", models: [model], slots, device: {} };
          socket.onopen = () => {
            tell({ type: "hello", kind, name, key, owner, ...about });
          };
          socket.onmessage = ({ data }) => {
            resolve();
            const { type, task_id } = JSON.parse(data as string) as { type: string; task_id?: string };
            if (type === "llm_prompt" && says !== undefined) {
              tell({ type: "llm_token", task_id, seq: 0, text: says });
              tell({ type: "llm_done", task_id, finish_reason: "stop", usage, timings });
            }
            if (type === "audit_prompt" && finds !== undefined) {
              const margins = Array.from({ length: 300 }, () => finds);
              tell({ type: "audit_result", task_id, logit_margins: margins, sampling_margins: margins });
            }
          };
          socket.onclose = ({ code, reason }) => {
            document.title = `${code} ${reason}`;
            reject(new Error(document.title));
          };
        }),
      part,
    );
    return new PlayedNode(page, context);
  }

  /** The close code and the reason with which the hub sent it away; the empty string while it is here. */
  closed(): Promise<string> {
    return this.page.title();
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}
