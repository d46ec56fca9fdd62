// A small hub for the tests of the page: the built site with its headers, and an API that does as it is told.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";

import { documentedHeaders } from "./headers";
import { historyOf, statsOf } from "./statistics";

/** The built site; `DIST` names another folder, with a slash at its end. */
const DIST = process.env["DIST"] ?? fileURLToPath(new URL("../dist/", import.meta.url));
const types: Record<string, string> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript",
  css: "text/css",
  svg: "image/svg+xml",
  json: "application/json",
  wasm: "application/wasm",
  png: "image/png",
  webmanifest: "application/manifest+json",
};

/** 3 MiB and a bit: several chunks. */
export const weights = Buffer.from(Uint8Array.from({ length: 3_200_000 }, (_, i) => (i * 2654435761) >>> 24));

export interface Orders {
  /** What the engine's two builds are; null: this hub has none; "broken": it can't deliver them. */
  engine: string | null;
  /** Whether pages come with the headers that isolate them. */
  isolated: boolean;
  /** Goes before the code of the compute worker. */
  workerPrelude: string;
  /** How requests for weights are answered; null: not at all. */
  weightsStatus: number | null;
  /** Weights sent before the connection breaks or, if `hang`, stands still. */
  weightsUntil: number;
  hang: boolean;
  /** Served instead of the real weights. */
  weights: Buffer;
  /** Catalogue and statistics answer. */
  apiWorks: boolean;
  nodes: number;
  /** Takes the place of parts of the usual statistics; whoever listens is told of each change. */
  stats: object;
  /** Whether there is a live feed of the statistics. */
  live: boolean;
  /** What the database remembers, or that it can't be read. */
  history: "much" | "nothing" | "unreadable";
  /** Nothing is answered at all, as where the hub or the network is gone. */
  gone: boolean;
  /** Makes another version of the service worker, and so of the page. */
  edition: string;
  chat: "answers" | "refuses" | "breaks" | "hangs";
  /** What this question is answered with; where it has no word for it, all is as the orders beside it say. */
  script: ((question: Question) => Scripted | null) | null;
  /** Whether the pipeline's build is there. */
  pipeline: boolean;
  /** The pieces in which an answer comes. */
  pieces: readonly string[];
  finishReason: string;
}

export interface Question {
  model: string;
  messages: { role: string; content: string }[];
  kipina: object;
}

export type Scripted = Partial<Pick<Orders, "chat" | "pieces" | "finishReason">>;

const usual: Orders = {
  engine: null,
  isolated: true,
  workerPrelude: "",
  weightsStatus: 200,
  weightsUntil: Infinity,
  hang: false,
  weights,
  apiWorks: true,
  nodes: 1,
  stats: {},
  live: true,
  history: "much",
  gone: false,
  edition: "1",
  chat: "answers",
  script: null,
  pipeline: true,
  pieces: ["def summa(a, b):\n    ", "return a + b\n"],
  finishReason: "stop",
};

export interface TestHub {
  url: string;
  orders: Orders;
  /** Ranges of the requests for weights; "" for the whole file. */
  weightRequests: string[];
  /** What was asked, as it came. */
  prompts: Question[];
  reset(): void;
  /** Breaks every connection. */
  cut(): void;
  close(): Promise<void>;
}

export async function startHub(): Promise<TestHub> {
  const headers = documentedHeaders();
  const hub: TestHub = {
    url: "",
    orders: { ...usual },
    weightRequests: [],
    prompts: [],
    reset: () => {
      hub.orders = { ...usual };
      hub.weightRequests.length = 0;
      hub.prompts.length = 0;
    },
    cut: () => {
      server.closeAllConnections();
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => {
          resolve();
        });
      }),
  };
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(headers)) {
      if (hub.orders.isolated || !name.startsWith("cross-origin-")) response.setHeader(name, value);
    }
    void answer(hub, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  hub.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return hub;
}

async function answer(hub: TestHub, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (hub.orders.gone) {
    request.socket.destroy();
    return;
  }
  const { pathname: path, searchParams } = new URL(request.url ?? "/", "http://hub");
  if (path === "/api/models" || path === "/api/stats") sendApi(hub.orders, path, response);
  else if (path === "/api/stats/live") sendLive(hub, response);
  else if (path === "/api/history") sendHistory(hub.orders, searchParams.get("range") ?? "", response);
  else if (path.startsWith("/api/admin/")) sendAdmin(path, response);
  else if (path === "/v1/chat/completions") await sendChat(hub, request, response);
  else if (path.startsWith("/models/")) sendWeights(hub, request, response);
  else if (path.startsWith("/wasm/pipeline/")) await sendPipeline(hub.orders, path, response);
  else if (/^\/wasm\/(threads|plain)\/node\.js$/.test(path)) sendEngine(hub.orders.engine, response);
  else await sendPage(hub.orders, path, request, response);
}

function send(response: ServerResponse, body: string | Buffer | null, type: string): void {
  response.writeHead(body === null ? 404 : 200, { "content-type": types[type] ?? "text/plain" });
  response.end(body ?? "");
}

function sendEngine(engine: string | null, response: ServerResponse): void {
  if (engine === "broken") response.writeHead(500).end();
  else send(response, engine, "js");
}

/** The real one, of `WASM`: a stand-in would prove nothing. */
async function sendPipeline({ pipeline }: Orders, path: string, response: ServerResponse): Promise<void> {
  const file = path.replace("/wasm", "");
  const body = pipeline ? await readFile((process.env["WASM"] ?? "") + file).catch(() => null) : null;
  send(response, body, path.endsWith(".wasm") ? "wasm" : "js");
}

async function sendPage(
  orders: Orders,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const file = path.endsWith("/") ? `${path}index.html` : path;
  const body = await readFile(DIST + file).catch(() => null);
  const changed =
    body === null
      ? null
      : path.includes("compute.worker")
        ? Buffer.concat([Buffer.from(orders.workerPrelude), body])
        : path === "/sw.js"
          ? Buffer.concat([body, Buffer.from(`\n// ${orders.edition}`)])
          : body;
  // As the hub does.
  response.setHeader(
    "cache-control",
    path.startsWith("/_astro/") ? "public, max-age=31536000, immutable" : "no-cache",
  );
  send(response, encoded(changed, file, request, response), file.split(".").at(-1) ?? "");
}

const encodings = new Map<string, Buffer>();

/** Compressed where the browser takes it, as the hub's files are. */
function encoded(
  body: Buffer | null,
  file: string,
  request: IncomingMessage,
  response: ServerResponse,
): Buffer | null {
  const takes = /\bbr\b/.test(request.headers["accept-encoding"]?.toString() ?? "");
  if (body === null || !takes || file.endsWith(".png")) return body;
  response.setHeader("content-encoding", "br");
  const key = createHash("sha256").update(body).digest("hex");
  const known = encodings.get(key) ?? brotliCompressSync(body);
  encodings.set(key, known);
  return known;
}

function sendApi(orders: Orders, path: string, response: ServerResponse): void {
  if (!orders.apiWorks) {
    response.writeHead(502).end("<html>no hub</html>");
    return;
  }
  const body = path === "/api/stats" ? statsOf(orders) : { models: catalogue(orders) };
  send(response, JSON.stringify(body), "json");
}

/** Tells of the statistics as long as somebody listens, and ends as a hub does that goes away. */
function sendLive(hub: TestHub, response: ServerResponse): void {
  if (!hub.orders.live || !hub.orders.apiWorks) {
    response.writeHead(hub.orders.apiWorks ? 404 : 502).end();
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
  let told = "";
  const tell = (): void => {
    const stats = JSON.stringify(statsOf(hub.orders));
    if (!hub.orders.apiWorks || !hub.orders.live) response.end();
    else if (stats !== told) response.write(`data: ${stats}\n\n`);
    told = stats;
  };
  tell();
  const ticking = setInterval(tell, 50);
  response.on("close", () => {
    clearInterval(ticking);
  });
}

function sendHistory(orders: Orders, range: string, response: ServerResponse): void {
  if (!orders.apiWorks) response.writeHead(502).end("<html>no hub</html>");
  else if (orders.history === "unreadable") {
    response.writeHead(503, { "content-type": "application/json" });
    response.end('{"error":{"message":"the database can not be read","code":"history_unavailable"}}');
  } else send(response, JSON.stringify(historyOf(range, orders.history === "much")), "json");
}

/** As to somebody at the hub's own machine, where no node is; what the pages do is tested with a real hub. */
function sendAdmin(path: string, response: ServerResponse): void {
  const answers: Record<string, object> = {
    "/api/admin/session": { who: { kind: "this_machine" }, expires_at: null },
    "/api/admin/nodes": { nodes: [], count: 0, next_after: null },
    "/api/admin/node-rules": { rules: [] },
    "/api/admin/audits": {
      counts: { waiting: 0, running: 0, judged: 0, missed: 0, faults: 0 },
      standings: [],
      suspended: [],
    },
  };
  const body = answers[path];
  send(response, body === undefined ? null : JSON.stringify(body), "json");
}

function catalogue(orders: Orders): object[] {
  const huggingFace = { kind: "hugging_face", repository: "none/none", file: "none.gguf" };
  const common = { quantisation: "Q4_K_M", context_length: 32768, aliases: [], sources: [huggingFace] };
  const qwen = { ...common, family: "qwen-coder", licence: "Apache-2.0", nodes: 0, file_available: true };
  return [
    {
      ...qwen,
      id: "smollm2:135m",
      family: "smollm2",
      parameters: 134515008,
      file: "smollm2.gguf",
      bytes: weights.length,
      sha256: createHash("sha256").update(weights).digest("hex"),
      sources: [],
      nodes: orders.nodes,
    },
    {
      ...qwen,
      id: "qwen2.5-coder:0.5b",
      parameters: 494032768,
      file: "q05.gguf",
      bytes: 491400064,
      sha256: "aa",
    },
    {
      ...qwen,
      id: "qwen2.5-coder:1.5b",
      parameters: 1543714304,
      file: "q15.gguf",
      bytes: 1117320768,
      sha256: "bb",
    },
    {
      ...qwen,
      id: "qwen2.5-coder:3b",
      parameters: 3085938688,
      file: "q3.gguf",
      licence: "Qwen Research License (non-commercial)",
      file_available: true,
    },
    { ...qwen, id: "qwen2.5-coder:7b", parameters: 7615616512, file: "q7.gguf", file_available: false },
  ];
}

function sendWeights(hub: TestHub, request: IncomingMessage, response: ServerResponse): void {
  const range = request.headers.range ?? "";
  if (request.method === "GET") hub.weightRequests.push(range);
  const { weights: file, weightsUntil, weightsStatus, hang } = hub.orders;
  if (weightsStatus === null) {
    response.destroy();
    return;
  }
  if (weightsStatus !== 200) {
    response.writeHead(weightsStatus).end();
    return;
  }
  const start = Number(/\d+/.exec(range)?.[0] ?? 0);
  response.writeHead(range === "" ? 200 : 206, {
    "content-length": file.length - start,
    ...(range === "" ? {} : { "content-range": `bytes ${start}-${file.length - 1}/${file.length}` }),
  });
  const end = Math.max(start, Math.min(file.length, weightsUntil));
  response.write(file.subarray(start, end), () => {
    if (end === file.length) response.end();
    else if (!hang) response.destroy();
  });
}

async function sendChat(hub: TestHub, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const question = JSON.parse(Buffer.concat(await request.toArray()).toString()) as Question;
  hub.prompts.push(question);
  const orders = { ...hub.orders, ...hub.orders.script?.(question) };
  if (orders.chat === "refuses") {
    response.writeHead(503, { "content-type": "application/json" });
    response.end('{"error":{"message":"no node","code":"no_node_available"}}');
    return;
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const event = (body: object): void => {
    response.write(`data: ${JSON.stringify(body)}\n\n`);
  };
  const [first = "", ...others] = orders.pieces;
  event({ choices: [{ delta: { content: first } }] });
  if (orders.chat === "hangs") return;
  if (orders.chat === "breaks") {
    event({ error: { message: "the node is gone", code: "node_lost" } });
    response.end();
    return;
  }
  for (const content of others) event({ choices: [{ delta: { content } }] });
  event({ choices: [{ delta: {}, finish_reason: orders.finishReason }] });
  const report = {
    node: "kone",
    kind: "native",
    model: "smollm2:135m",
    first_token_ms: 90,
    tokens_per_second: 21.5,
  };
  event({ choices: [], usage: { prompt_tokens: 210, completion_tokens: 12 }, kipina: report });
  response.end("data: [DONE]\n\n");
}
