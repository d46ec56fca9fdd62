import { describe, expect, it, vi } from "vitest";

import type { CatalogueModel } from "../hub/catalogue";
import type { HubView } from "../page/hub-status";
import { sampleModel } from "../testing/catalogue";
import type { FromTokenizer, ToTokenizer } from "./messages";
import { Tokenizers, type TokenizerWorker } from "./tokenizer";

const big: CatalogueModel = { ...sampleModel, id: "sample:7b", file: "big.gguf", file_available: false };
const other: CatalogueModel = { ...sampleModel, id: "other:1b", family: "other", file: "other.gguf" };

class FakeWorker implements TokenizerWorker {
  readonly received: ToTokenizer[] = [];
  onMessage: (message: FromTokenizer) => void = () => undefined;
  onLost: () => void = () => undefined;
  terminate = vi.fn();
  post(message: ToTokenizer): void {
    this.received.push(message);
  }
}

function setUp(models: CatalogueModel[] | null = [sampleModel, big, other]) {
  const workers: FakeWorker[] = [];
  const kept = new Map<string, string>();
  const hub = {
    value: { connection: "connected", models, stats: null } as HubView,
    refresh: vi.fn(() => Promise.resolve()),
  };
  const surroundings = {
    hub,
    stored: () => [{ key: "key", modelId: "sample:7b", sha256: null, bytes: 1, checksums: ["a"] }],
    local: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    },
    makeWorker: () => {
      const worker = new FakeWorker();
      workers.push(worker);
      return worker;
    },
  };
  return { tokenizers: new Tokenizers(surroundings), workers, hub, surroundings };
}

async function asked(workers: FakeWorker[], count = 1): Promise<FakeWorker> {
  await vi.waitFor(() => {
    expect(workers.at(-1)?.received.length).toBe(count);
  });
  const worker = workers.at(-1);
  if (worker === undefined) throw new Error("no worker");
  return worker;
}

describe("the tokenizers", () => {
  it("ask one worker, and give each answer to who asked", async () => {
    const { tokenizers, workers } = setUp();
    const count = tokenizers.count("sample:7b", "abc");
    const tokens = tokenizers.tokenize(sampleModel.id, "ab");
    const worker = await asked(workers, 2);
    expect(worker.received.map(({ want, text }) => [want, text])).toEqual([
      ["count", "abc"],
      ["tokens", "ab"],
    ]);
    worker.onMessage({ id: 2, tokens: [{ id: 7, text: "ab" }] });
    worker.onMessage({ id: 1, count: 3 });
    await expect(tokens).resolves.toEqual([{ id: 7, text: "ab" }]);
    await expect(count).resolves.toBe(3);
    expect(workers.length).toBe(1);
  });

  it("look for the file of any model of the family", async () => {
    const { tokenizers } = setUp();
    const source = await tokenizers.sourceOf("sample:7b");
    expect(source.family).toBe(sampleModel.family);
    expect(source.keys.length).toBe(2);
    expect(source.urls[0]).toBe(`/models/${sampleModel.file}`);
    expect(source.urls.join()).not.toContain("other");
  });

  it("know no model that the catalogue doesn't have", async () => {
    await expect(setUp().tokenizers.count("gpt-9", "a")).rejects.toThrow("unknown_model");
  });

  it("ask the hub for its catalogue first, and remember its families for a visit without it", async () => {
    const { tokenizers, hub, workers } = setUp();
    await tokenizers.sourceOf("sample:7b");
    hub.value = { ...hub.value, models: null };
    await expect(tokenizers.sourceOf("sample:7b")).resolves.toEqual({
      family: sampleModel.family,
      keys: ["key"],
      urls: [],
    });
    expect(hub.refresh).toHaveBeenCalledTimes(1);
    await expect(tokenizers.count("unseen", "a")).rejects.toThrow("hub_unreachable");
    expect(workers.length).toBe(0);
  });

  it("say why there is no answer", async () => {
    const { tokenizers, workers } = setUp();
    const failed = tokenizers.count("sample:7b", "a");
    (await asked(workers)).onMessage({ id: 1, failure: "network_lost" });
    await expect(failed).rejects.toThrow("network_lost");
  });

  it("ask a new worker after one that died, or that found no engine", async () => {
    const { tokenizers, workers } = setUp();
    const lost = tokenizers.count("sample:7b", "a");
    (await asked(workers)).onLost();
    await expect(lost).rejects.toThrow("worker_lost");
    const missing = tokenizers.count("sample:7b", "a");
    (await asked(workers)).onMessage({ id: 2, failure: "engine_unreachable" });
    await expect(missing).rejects.toThrow("engine_unreachable");
    void tokenizers.count("sample:7b", "a").catch(() => undefined);
    await asked(workers);
    expect(workers.length).toBe(3);
    expect(workers[1]?.terminate).toHaveBeenCalled();
  });
});
