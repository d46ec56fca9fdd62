import { describe, expect, it } from "vitest";

import { sampleModel } from "../testing/catalogue";
import { fetchCatalogue, findModel } from "./catalogue";
import { streamChat } from "./chat";
import { HubError } from "./client";
import { fetchStats } from "./stats";

function answering(body: BodyInit, init: ResponseInit = {}): typeof fetch {
  return () => Promise.resolve(new Response(body, init));
}

const unreachable: typeof fetch = () => Promise.reject(new TypeError("failed to fetch"));

async function failureOf(promise: Promise<unknown>) {
  const error: unknown = await promise.catch((thrown: unknown) => thrown);
  return error instanceof HubError ? error.failure : error;
}

describe("the catalogue", () => {
  it("is read as the hub sends it, with sources from the future left out", async () => {
    const listed = { ...sampleModel, sources: [...sampleModel.sources, { kind: "carrier_pigeon" }], new: 1 };
    const models = await fetchCatalogue(answering(JSON.stringify({ models: [listed] })));
    expect(models).toEqual([sampleModel]);
    expect(findModel(models, "qwen2.5-coder:0.5b-instruct-q4_k_m")?.id).toBe(sampleModel.id);
    expect(findModel(models, "nothing")).toBeUndefined();
  });

  it.each<[string, typeof fetch, object]>([
    ["no answer", unreachable, { kind: "unreachable" }],
    ["a proxy's page", answering("<html>", { status: 502 }), { kind: "unreachable" }],
    ["something else", answering("{}"), { kind: "unreadable" }],
    ["no JSON", answering("hello"), { kind: "unreadable" }],
    [
      "a refusal",
      answering('{"error":{"message":"no","code":"origin_not_allowed"}}', { status: 403 }),
      { kind: "refused", status: 403, code: "origin_not_allowed", message: "no" },
    ],
  ])("fails clearly with %s", async (_, fetcher, failure) => {
    expect(await failureOf(fetchCatalogue(fetcher))).toEqual(failure);
  });
});

it("reads the statistics of a hub with one node", async () => {
  const node = {
    id: "1",
    name: "n",
    kind: "browser",
    trusted: false,
    models: ["m"],
    busy: 0,
    slots: 1,
    device: {},
    tokens_per_second: null,
    prompts: 3,
    tokens: 9,
    joined_at: 1,
  };
  const totals = { prompts: 3, failed: 0, prompt_tokens: 5, completion_tokens: 9, nodes_seen: 1 };
  const body = JSON.stringify({ nodes: [node], queue: { waiting: 0, running: 0 }, totals });
  expect((await fetchStats(answering(body))).nodes[0]?.prompts).toBe(3);
});

describe("a streamed answer", () => {
  const delta = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
  const report = {
    node: "n",
    kind: "native",
    model: "m",
    queued_ms: 0,
    first_token_ms: 9,
    tokens_per_second: 20,
  };
  const ending = { choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: null };
  const last = { choices: [], usage: { prompt_tokens: 7, completion_tokens: 2 }, kipina: report };
  const events = (...chunks: (object | string)[]) =>
    chunks.map((chunk) => `data: ${typeof chunk === "string" ? chunk : JSON.stringify(chunk)}\n\n`).join("");

  async function ask(
    fetcher: typeof fetch,
    abort = new AbortController(),
    { ownNodes = false, apiKey = null as string | null } = {},
  ) {
    let text = "";
    const failure = await streamChat(
      fetcher,
      { owner: "secret", ownNodes, apiKey },
      { model: "m", messages: [{ role: "user", content: "hi" }], sampling: { top_k: 5 } },
      (piece) => (text += piece),
      abort.signal,
    ).then(
      (answer) => answer,
      (error: unknown) => (error instanceof HubError ? error.failure : error),
    );
    return { text, outcome: failure };
  }

  it("is handed on piece by piece, and ends with who answered", async () => {
    const body = events(delta(""), delta("Hei"), delta(" vaan"), ending, last, "[DONE]");
    expect(await ask(answering(`: keep-alive\n\n${body}`))).toEqual({
      text: "Hei vaan",
      outcome: {
        finishReason: "stop",
        promptTokens: 7,
        completionTokens: 2,
        report,
      },
    });
  });

  it.each([
    [false, { owner: "secret" }],
    [true, { owner: "secret", nodes: "own" }],
  ])("tells whose prompt it is, and who may answer (only own machines: %s)", async (ownNodes, kipina) => {
    const { fetcher, sent } = listening();
    await ask(fetcher, new AbortController(), { ownNodes });
    const messages = [{ role: "user", content: "hi" }];
    expect(JSON.parse(sent().body as string)).toMatchObject({ model: "m", messages, top_k: 5, kipina });
    expect(sent().headers).not.toHaveProperty("authorization");
  });

  it("is asked for with the key where there is one", async () => {
    const { fetcher, sent } = listening();
    await ask(fetcher, new AbortController(), { apiKey: "kpn-1" });
    expect(sent().headers).toMatchObject({ authorization: "Bearer kpn-1" });
  });

  function listening() {
    let sent: RequestInit = {};
    const fetcher: typeof fetch = (_, init) => {
      sent = init ?? {};
      return Promise.resolve(new Response(events("[DONE]")));
    };
    return { fetcher, sent: () => sent };
  }

  it("is not whole without its end", async () => {
    expect(await ask(answering(events(delta("Hei"))))).toEqual({
      text: "Hei",
      outcome: { kind: "unreachable" },
    });
  });

  it("may fail in the middle", async () => {
    const error = { error: { message: "the node is gone", code: "node_lost" } };
    expect((await ask(answering(events(delta("He"), error)))).outcome).toEqual({
      kind: "refused",
      status: 200,
      code: "node_lost",
      message: "the node is gone",
    });
  });

  it("may be something else altogether", async () => {
    expect((await ask(answering(events("what?")))).outcome).toEqual({ kind: "unreadable" });
  });

  it("can be stopped", async () => {
    const abort = new AbortController();
    const hanging: typeof fetch = (_, init) =>
      new Promise((__, reject) => {
        init?.signal?.addEventListener("abort", () => {
          reject(new DOMException("aborted", "AbortError"));
        });
      });
    const asked = ask(hanging, abort);
    abort.abort();
    expect((await asked).outcome).toMatchObject({ name: "AbortError" });
  });
});
