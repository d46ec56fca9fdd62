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

/** A node that joins and answers nothing, in a page of its own. */
export class SilentNode {
  private constructor(
    private readonly page: Page,
    private readonly context: BrowserContext,
  ) {}

  static async join(
    browser: Browser,
    hub: RealHub,
    hello: { name: string; kind?: "native" | "browser"; key?: string; slots?: number },
  ): Promise<SilentNode> {
    // Pages that are nobody's may connect to nothing.
    const context = await browser.newContext({ bypassCSP: true });
    const page = await context.newPage();
    await page.goto(`${hub.url}/healthz`);
    await page.evaluate(
      ({ name, kind = "native", key = null, slots = 1 }) =>
        new Promise<void>((resolve, reject) => {
          const socket = new WebSocket(`ws://${location.host}/ws`);
          const model = { id: "qwen2.5-coder:0.5b", context_length: 4096, runtime: "none" };
          const about = { protocol_version: 1, software: "silent 1.0", models: [model], slots, device: {} };
          socket.onopen = () => {
            socket.send(JSON.stringify({ type: "hello", kind, name, key, ...about }));
          };
          socket.onmessage = () => {
            resolve();
          };
          socket.onclose = ({ code, reason }) => {
            document.title = `${code} ${reason}`;
            reject(new Error(document.title));
          };
        }),
      hello,
    );
    return new SilentNode(page, context);
  }

  /** The close code and the reason with which the hub sent it away; the empty string while it is here. */
  closed(): Promise<string> {
    return this.page.title();
  }

  async leave(): Promise<void> {
    await this.context.close();
  }
}
