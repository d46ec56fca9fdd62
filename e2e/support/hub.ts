// A real hub with the built pages, and what a program asks it.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { MODELS_DIR, Program } from "./programs";

export interface Ask {
  model: string;
  messages: readonly { role: string; content: string }[];
  max_tokens?: number;
  temperature?: number;
  top_p?: number;
  kipina?: { nodes?: "browser" | "native" };
}

export interface Answered {
  text: string;
  finishReason: string;
  completionTokens: number;
  node: string;
  kind: string;
}

/** A node that was lost while it answered. */
export interface Handover {
  node: string;
  after_tokens: number;
  reason: string;
}

export interface HubNode {
  id: string;
  name: string;
  kind: string;
  models: string[];
  busy: number;
}

export class Hub {
  private constructor(
    readonly url: string,
    readonly program: Program,
    private readonly folder: string,
    private readonly nodes: Program[] = [],
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<Hub> {
    const site = process.env["STATIC_DIR"];
    if (site === undefined)
      throw new Error("STATIC_DIR must name the built pages: see scripts/build-site.sh");
    const folder = await mkdtemp(join(tmpdir(), "kipina-e2e-"));
    const program = new Program("kipina-hub", [], {
      PORT: "0",
      STATIC_DIR: site,
      MODELS_DIR,
      DATABASE_PATH: join(folder, "kipina.sqlite"),
      ...settings,
    });
    const [, url] = await program.says(/(http:\/\/[\d.:]+)/);
    return new Hub(url ?? "", program, folder);
  }

  async end(): Promise<void> {
    for (const node of this.nodes) await node.end();
    await this.program.end();
    await rm(this.folder, { recursive: true });
  }

  /** A native node with the built-in engine, which has joined. */
  async startNode(model: string, settings: Record<string, string> = {}): Promise<Program> {
    const node = new Program("kipina-node", ["--engine", "--model", model, "--name", "native"], {
      HUB_URL: `${this.url.replace("http", "ws")}/ws`,
      MODELS_DIR,
      ...settings,
    });
    this.nodes.push(node);
    await this.until((nodes) => nodes.some(({ kind }) => kind === "native"));
    return node;
  }

  async stats(): Promise<HubNode[]> {
    const response = await fetch(`${this.url}/api/stats`);
    return ((await response.json()) as { nodes: HubNode[] }).nodes;
  }

  /** What an operator reads, whose hub asks nobody on this machine for a password. */
  async administer(path: string): Promise<unknown> {
    return (await fetch(`${this.url}/api/admin${path}`)).json();
  }

  /** Waits until the hub's nodes are as wanted; returns how many milliseconds that took. */
  async until(wanted: (nodes: HubNode[]) => boolean): Promise<number> {
    const start = performance.now();
    while (!wanted(await this.stats())) await new Promise((resolve) => setTimeout(resolve, 20));
    return performance.now() - start;
  }

  async ask(ask: Ask): Promise<Answered> {
    const response = await this.post({ ...ask, stream: false });
    const body = (await response.json()) as {
      choices: [{ message: { content: string }; finish_reason: string }];
      usage: { completion_tokens: number };
      kipina: { node: string; kind: string };
    };
    if (!response.ok) throw new Error(`${response.status}: ${JSON.stringify(body)}`);
    return {
      text: body.choices[0].message.content,
      finishReason: body.choices[0].finish_reason,
      completionTokens: body.usage.completion_tokens,
      node: body.kipina.node,
      kind: body.kipina.kind,
    };
  }

  /** Pieces of text as they come, and at the end the nodes that were lost on the way; leaving the loop cancels the prompt. */
  async *stream(ask: Ask): AsyncGenerator<string, Handover[] | undefined> {
    const abort = new AbortController();
    const response = await this.post({ ...ask, stream: true }, abort.signal);
    if (response.body === null) throw new Error("a stream without a body");
    let unread = "";
    let handovers: Handover[] = [];
    try {
      for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
        const lines = (unread + piece).split("\n");
        unread = lines.pop() ?? "";
        for (const line of lines) {
          if (!line.startsWith("data: {")) continue;
          const event = JSON.parse(line.slice("data: ".length)) as {
            error?: { message: string };
            choices?: { delta: { content?: string } }[];
            kipina?: { handovers?: Handover[] };
          };
          if (event.error !== undefined) throw new Error(event.error.message);
          handovers = event.kipina?.handovers ?? handovers;
          const text = event.choices?.[0]?.delta.content ?? "";
          if (text !== "") yield text;
        }
      }
    } finally {
      abort.abort();
    }
    return handovers;
  }

  post(body: object, signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.url}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  }
}
