import { describe, expect, it, vi } from "vitest";

import type { FromWorker, StartOptions } from "../compute/messages";
import { onGpu, onProcessor } from "../testing/computation";
import { fakeNetwork, MemoryStore, pin, sampleBytes } from "../testing/weights";
import { EngineMissing } from "./engine";
import { Host, type HostSurroundings } from "./host";
import type { ComputeNode, DistributionInput, LoadOptions, ModelFile, NodeEvent } from "./wasm";

const bytes = sampleBytes(5000);

const options: StartOptions = {
  file: pin(bytes),
  build: "threads",
  threads: 2,
  contextLength: 4096,
  hubUrl: "ws://hub/ws",
  nodeName: "selain-1234",
  compute: "auto",
  tuning: { adapter: "32x2" },
  owner: "secret",
  onlyOwn: true,
  tabHidden: false,
};

const candidate = { text: " a", logit: 3, recent: false, ends: false };

class FakeNode implements ComputeNode {
  say: (event: NodeEvent) => void = () => undefined;
  connect = vi.fn((_: unknown, onEvent: (event: NodeEvent) => void) => {
    this.say = onEvent;
  });
  setPaused = vi.fn();
  setOnlyOwn = vi.fn();
  setTabHidden = vi.fn();
  disconnect = vi.fn();
  measure = vi.fn(() => Promise.reject(new Error("nothing measures here")));
  distribution = vi.fn(
    (input: DistributionInput, count: number, onProgress: (done: number, total: number) => void) => {
      onProgress(1, 2);
      if (input === "") return Promise.reject(new Error("the prompt is empty"));
      const candidates = Array.from({ length: count }, (_, token) => ({ ...candidate, token }));
      return Promise.resolve({ candidates, rest: [], promptTokens: 2, cachedTokens: 0, prefillMs: 9 });
    },
  );
  computation = vi.fn(() => onGpu);
  rebuild = vi.fn((file: ModelFile, onProgress: (done: number, total: number) => void) => {
    onProgress(1, 2);
    file.read(0, new Uint8Array(5000));
    this.computation.mockReturnValue(onProcessor);
    return Promise.resolve();
  });
  free = vi.fn();
}

function setUp(load: (file: ModelFile) => Promise<void> = () => Promise.resolve()) {
  const posted: FromWorker[] = [];
  const store = new MemoryStore();
  const network = fakeNetwork(bytes);
  const node = new FakeNode();
  const loads: LoadOptions[] = [];
  const surroundings: HostSurroundings = {
    importEngine: () =>
      Promise.resolve({
        instantiate: () => Promise.resolve(),
        module: {
          default: () => Promise.resolve(),
          ComputeNode: {
            load: async (file, options, onProgress) => {
              loads.push(options);
              onProgress(1, 2);
              await load(file);
              return node;
            },
          },
        },
      }),
    openStore: () => Promise.resolve(store),
    network,
    estimateSpace: () => Promise.resolve({}),
    memoryIsFree: () => Promise.resolve(),
    adapterName: () => Promise.resolve("adapter"),
    post: (message) => posted.push(message),
  };
  return { host: new Host(surroundings), surroundings, posted, store, network, node, loads };
}

function types(posted: FromWorker[]): string[] {
  return posted.map((message) => message.type).filter((type, index, all) => type !== all[index - 1]);
}

async function start(host: Host, posted: FromWorker[], until = "loaded"): Promise<void> {
  host.handle({ type: "start", options });
  await vi.waitFor(() => {
    expect(posted.at(-1)?.type).toBe(until);
  });
}

describe("the worker's host", () => {
  it("downloads, builds, and joins the hub", async () => {
    const { host, posted, node, store } = setUp();
    await start(host, posted);
    expect(types(posted)).toEqual(["progress", "building", "loaded"]);
    expect(node.connect.mock.calls[0]?.[0]).toEqual({
      hubUrl: "ws://hub/ws",
      name: "selain-1234",
      modelId: "sample",
      digest: `sha256:${options.file.sha256}`,
      owner: "secret",
      onlyOwn: true,
      paused: false,
      tabHidden: false,
    });
    expect(store.openFiles).toBe(0);
  });

  it("builds the model anew from the disk when it was lost with its GPU, and says what computes then", async () => {
    const { host, posted, node, store, network } = setUp();
    await start(host, posted);
    expect(posted.at(-1)).toEqual({ type: "loaded", computation: onGpu });
    node.say({ type: "gpuLost", message: "unplugged" });
    await vi.waitFor(() => {
      expect(posted.at(-1)).toEqual({ type: "rebuilt", computation: onProcessor });
    });
    expect(types(posted).slice(-3)).toEqual(["node", "building", "rebuilt"]);
    expect(node.connect).toHaveBeenCalledTimes(1);
    expect(network.requests.length).toBe(1);
    expect(store.openFiles).toBe(0);
  });

  it("says so when a model that was lost can't be built anew", async () => {
    const { host, posted, node } = setUp();
    await start(host, posted);
    node.rebuild.mockRejectedValue(new RangeError("out of memory"));
    node.say({ type: "gpuLost", message: "unplugged" });
    await vi.waitFor(() => {
      expect(posted.at(-1)).toEqual({ type: "failed", failure: { code: "out_of_memory" } });
    });
  });

  it.each([
    ["auto", "adapter"],
    ["cpu", null],
  ] as const)("hands on what is wished, and looks for a GPU only then: %s", async (compute, adapter) => {
    const { host, posted, loads } = setUp();
    host.handle({ type: "start", options: { ...options, compute } });
    await vi.waitFor(() => {
      expect(posted.at(-1)?.type).toBe("loaded");
    });
    const { tuning } = options;
    expect(loads).toEqual([{ threads: 2, contextLength: 4096, compute, adapter, tuning }]);
  });

  it("looks for the engine before it downloads anything", async () => {
    const { surroundings, posted, network } = setUp();
    const host = new Host({ ...surroundings, importEngine: () => Promise.reject(new EngineMissing()) });
    await start(host, posted, "failed");
    expect(posted).toEqual([{ type: "failed", failure: { code: "no_engine" } }]);
    expect(network.requests).toEqual([]);
  });

  it("fetches a file anew that the disk has damaged", async () => {
    const first = setUp();
    await start(first.host, first.posted);
    const damaged = first.store.files.get(options.file.key) ?? [];
    damaged[100] = (damaged[100] ?? 0) ^ 1;

    const { host, surroundings, posted, network } = setUp((file) => {
      file.read(0, new Uint8Array(5000));
      return Promise.resolve();
    });
    surroundings.openStore = () => Promise.resolve(first.store);
    await start(host, posted);
    expect(types(posted)).toEqual(["building", "progress", "building", "loaded"]);
    expect(network.requests.length).toBe(1);
  });

  it.each([
    [new RangeError("Array buffer allocation failed"), { code: "out_of_memory" }],
    [new Error("unknown tensor type"), { code: "engine", message: "unknown tensor type" }],
  ])("says what keeps the model from being built: %s", async (error, failure) => {
    const { host, posted } = setUp(() => Promise.reject(error));
    await start(host, posted, "failed");
    expect(posted.at(-1)).toEqual({ type: "failed", failure });
  });

  it("remembers what was pressed while the model was being built", async () => {
    const { host, posted, node } = setUp();
    host.handle({ type: "start", options });
    host.handle({ type: "pause", paused: true });
    host.handle({ type: "tab_hidden", hidden: true });
    await vi.waitFor(() => {
      expect(posted.at(-1)?.type).toBe("loaded");
    });
    expect(node.connect.mock.calls[0]?.[0]).toMatchObject({ paused: true, tabHidden: true });
  });

  it("connects at once after waking up, unless it is connected", async () => {
    const { host, posted, node } = setUp();
    await start(host, posted);
    node.say({ type: "connected", nodeId: "7" });
    host.handle({ type: "reconnect" });
    expect(node.connect).toHaveBeenCalledTimes(1);
    node.say({ type: "disconnected", reason: "gone", retryInMs: 8000 });
    host.handle({ type: "reconnect" });
    expect(node.connect).toHaveBeenCalledTimes(2);
  });

  it("joins again with the model that is in memory", async () => {
    const { host, posted, node, network } = setUp();
    await start(host, posted);
    node.say({ type: "refused", code: 4005, reason: "too many frames" });
    await start(host, posted);
    expect(node.connect).toHaveBeenCalledTimes(2);
    expect(network.requests.length).toBe(1);
  });

  it("stops in good order, also in the middle of a download", async () => {
    const { host, posted, store, network } = setUp();
    network.fetch = (_, init) =>
      new Promise((__, reject) => {
        init?.signal?.addEventListener("abort", () => {
          reject(new DOMException("aborted", "AbortError"));
        });
      });
    host.handle({ type: "start", options });
    await vi.waitFor(() => {
      expect(store.openFiles).toBe(1);
    });
    host.handle({ type: "stop" });
    await vi.waitFor(() => {
      expect(posted).toEqual([{ type: "stopped" }]);
    });
    expect(store.openFiles).toBe(0);
  });

  it("tells what the model says about the next token", async () => {
    const { host, posted } = setUp();
    await start(host, posted);
    host.handle({ type: "distribution", id: 4, input: "What is", count: 1 });
    await vi.waitFor(() => {
      expect(posted.at(-1)?.type).toBe("distribution");
    });
    expect(posted.slice(-2)).toEqual([
      { type: "distribution_progress", id: 4, done: 1, total: 2 },
      {
        type: "distribution",
        id: 4,
        distribution: {
          candidates: [{ ...candidate, token: 0 }],
          rest: [],
          promptTokens: 2,
          cachedTokens: 0,
          prefillMs: 9,
        },
      },
    ]);
    host.handle({ type: "distribution", id: 5, input: "", count: 1 });
    await vi.waitFor(() => {
      expect(posted.at(-1)).toEqual({ type: "no_distribution", id: 5, message: "the prompt is empty" });
    });
  });

  it("says so when there is no model to ask", async () => {
    const { host, posted } = setUp();
    host.handle({ type: "distribution", id: 1, input: "What is", count: 1 });
    await vi.waitFor(() => {
      expect(posted).toEqual([{ type: "no_distribution", id: 1, message: "no model is loaded" }]);
    });
  });

  it("frees the model when it stops", async () => {
    const { host, posted, node } = setUp();
    await start(host, posted);
    host.handle({ type: "stop" });
    await vi.waitFor(() => {
      expect(posted.at(-1)).toEqual({ type: "stopped" });
    });
    expect(node.disconnect).toHaveBeenCalled();
    expect(node.free).toHaveBeenCalledTimes(1);
  });
});
