// The Caddyfile in front of a real hub: what it must let through untouched, and what it must not let through.

import { execFile } from "node:child_process";
import { connect as connectHttp2 } from "node:http2";
import { request as httpsRequest } from "node:https";
import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { connect } from "node:net";
import { connect as connectTls } from "node:tls";
import { promisify } from "node:util";

import { afterAll, beforeAll, expect, it } from "vitest";

import { Caddy, CADDYFILE } from "./support/caddy";
import { Hub } from "./support/hub";
import { startOllama, type StandInOllama } from "./support/ollama";
import { Program } from "./support/programs";

const MODEL = "llama3.2:latest";
/** From the model to the reader, through the node, the hub and Caddy. */
const LONGEST_DELAY_MS = 50;
const PIECES = Array.from({ length: 20 }, (_, index) => `piece ${index} `);

let hub: Hub;
let caddy: Caddy;
let ollama: StandInOllama;
let node: Program;

// The next piece goes out when the reader has the one before: what holds a piece back holds back the test.
let sentAt = 0;
let sendNext: () => void = () => undefined;
let mayGoOn: Promise<void> = Promise.resolve();

function hold(): void {
  mayGoOn = new Promise((resolve) => (sendNext = resolve));
}

async function* pieces(): AsyncGenerator<string> {
  for (const piece of PIECES) {
    hold();
    sentAt = performance.now();
    yield piece;
    await mayGoOn;
  }
}

beforeAll(async () => {
  hub = await Hub.start({ CONNECTIONS_PER_ADDRESS: "2" });
  caddy = await Caddy.start(hub.url);
  ollama = await startOllama(MODEL, pieces);
  node = new Program("kipina-node", ["--ollama", "--name", "behind-tls"], {
    HUB_URL: `wss://localhost:${caddy.port}/ws`,
    OLLAMA_URL: ollama.url,
    OLLAMA_MODEL: MODEL,
    SSL_CERT_FILE: caddy.authorityFile,
  });
});

afterAll(async () => {
  await node.end();
  ollama.close();
  await caddy.end();
  await hub.end();
});

interface Response {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

interface Sent {
  method?: string;
  headers?: OutgoingHttpHeaders;
  body?: string | Buffer;
}

function send(
  path: string,
  { method = "GET", headers = {}, body = "" }: Sent = {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const options = { host: "localhost", port: caddy.port, path, method, headers, ca: caddy.authority };
    httpsRequest(options, resolve).on("error", reject).end(body);
  });
}

async function fetched(path: string, sent: Sent = {}): Promise<Response> {
  const response = await send(path, sent);
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return { status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) };
}

const question = JSON.stringify({ model: MODEL, stream: true, messages: [{ role: "user", content: "Go." }] });
const questionHeaders = { "content-type": "application/json", "accept-encoding": "gzip, zstd, br" };

/** Reads a stream of events and lets each piece be followed by the next; returns how long each was on its way. */
async function follow(stream: AsyncIterable<Buffer | string>): Promise<number[]> {
  const delays: number[] = [];
  let text = "";
  for await (const bytes of stream) {
    text += bytes.toString();
    const wanted = PIECES[delays.length];
    if (wanted !== undefined && text.includes(wanted.trim())) {
      delays.push(performance.now() - sentAt);
      sendNext();
    }
  }
  expect(text).toContain("[DONE]");
  expect(delays).toHaveLength(PIECES.length);
  return delays;
}

/**
 * A machine that is busy for a moment delays one stream, and a proxy that holds pieces back delays them all: the best of a few
 * attempts counts.
 */
async function expectNothingHeldBack(ask: () => Promise<number[]>): Promise<void> {
  const attempts: number[][] = [];
  while (attempts.length < 3) {
    const delays = await ask();
    attempts.push(delays);
    if (slowest(delays) < LONGEST_DELAY_MS) return;
  }
  expect(Math.min(...attempts.map(slowest))).toBeLessThan(LONGEST_DELAY_MS);
}

function slowest(delays: number[]): number {
  return Math.max(...delays);
}

it("is valid", async () => {
  await promisify(execFile)("caddy", ["validate", "--config", CADDYFILE, "--adapter", "caddyfile"]);
});

it("lets a node's WebSocket through", async () => {
  await hub.until((nodes) => nodes.some(({ name }) => name === "behind-tls"));
});

it("hands on each token as it comes, over HTTP/1.1", async () => {
  await expectNothingHeldBack(async () => {
    const response = await send("/v1/chat/completions", {
      method: "POST",
      headers: questionHeaders,
      body: question,
    });
    expect(response.statusCode).toBe(200);
    expect(response.headers["content-encoding"]).toBeUndefined();
    return follow(response);
  });
});

it("hands on each token as it comes, over HTTP/2, and offers HTTP/3", async () => {
  await expectNothingHeldBack(async () => {
    const session = connectHttp2(`https://localhost:${caddy.port}`, { ca: caddy.authority });
    const stream = session.request({
      ":method": "POST",
      ":path": "/v1/chat/completions",
      ...questionHeaders,
    });
    const headers = new Promise<IncomingHttpHeaders>((resolve) => {
      stream.once("response", resolve);
    });
    stream.end(question);
    const delays = await follow(stream);
    expect((await headers)["content-encoding"]).toBeUndefined();
    expect((await headers)["alt-svc"]).toMatch(/^h3=/);
    session.close();
    return delays;
  });
});

it("hands on ranges of weights as they are, to be kept", async () => {
  const file = "/models/smollm2-135m-instruct-q4_1.gguf";
  const { status, headers, body } = await fetched(file, {
    headers: { range: "bytes=0-3", "accept-encoding": "gzip" },
  });
  expect([status, body.toString()]).toEqual([206, "GGUF"]);
  expect(headers["content-range"]).toBe("bytes 0-3/98362432");
  expect(headers["content-encoding"]).toBeUndefined();
  expect(headers["cache-control"]).toContain("immutable");
});

it("sends pages with what they need, and nothing twice", async () => {
  const { status, headers } = await fetched("/", { headers: { "accept-encoding": "br" } });
  expect(status).toBe(200);
  expect(headers).toMatchObject({
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "strict-transport-security": "max-age=31536000",
  });
  expect(headers["content-security-policy"]).toContain("default-src 'none'");
  expect(headers.server).toBeUndefined();
});

it("lets browsers keep what has its contents in its name, and have it compressed", async () => {
  const page = (await fetched("/")).body.toString();
  const [script] = /\/_astro\/[\w.-]+\.js/.exec(page) ?? [""];
  const { status, headers } = await fetched(script, { headers: { "accept-encoding": "br" } });
  expect(status).toBe(200);
  expect(headers["cache-control"]).toContain("immutable");
  expect(headers["content-encoding"]).toBe("br");
});

it("compresses what is whole", async () => {
  const { headers } = await fetched("/api/models", { headers: { "accept-encoding": "gzip" } });
  expect(headers["content-encoding"]).toBe("gzip");
});

it("refuses an upload over the hub's limit", async () => {
  const body = Buffer.alloc(5 << 20, " ");
  const answer = await fetched("/v1/chat/completions", { method: "POST", headers: questionHeaders, body });
  expect(answer.status).toBe(413);
  expect(JSON.parse(answer.body.toString())).toHaveProperty("error.message");
});

/** The status that an attempt at a WebSocket gets, and what ends it. */
function knock(from: string, headers: Record<string, string> = {}): Promise<[number, () => void]> {
  return new Promise((resolve, reject) => {
    const plain = connect({ host: "127.0.0.1", localAddress: from, port: caddy.port });
    const socket = connectTls({ socket: plain, servername: "localhost", ca: caddy.authority });
    socket.once("error", reject);
    socket.once("data", (data: Buffer) => {
      resolve([Number(data.toString().split(" ")[1]), () => socket.destroy()]);
    });
    const given = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: localhost:${caddy.port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n${given.join("")}\r\n`,
    );
  });
}

it("tells the hub whose address it is, whatever a client says of itself", async () => {
  const invented = {
    "X-Forwarded-For": "203.0.113.7",
    Forwarded: "for=203.0.113.7",
    "X-Real-IP": "203.0.113.7",
  };
  const first = await knock("127.0.0.2");
  const second = await knock("127.0.0.2", invented);
  const third = await knock("127.0.0.2", invented);
  const another = await knock("127.0.0.3");
  for (const [, end] of [first, second, third, another]) end();
  expect([first[0], second[0], third[0], another[0]]).toEqual([101, 101, 429, 101]);
});

it("holds a request while the hub is away, and says so when it stays away", async () => {
  const { host, port } = new URL(hub.url);
  await hub.program.end();
  const waiting = fetched("/healthz");
  const again = await Hub.start({ PORT: port });
  expect(new URL(again.url).host).toBe(host);
  expect((await waiting).status).toBe(200);
  await again.end();
});
