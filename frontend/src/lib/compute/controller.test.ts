import { describe, expect, it, vi } from "vitest";

import type { CatalogueModel } from "../hub/catalogue";
import { sampleModel } from "../testing/catalogue";
import { onGpu, onProcessor } from "../testing/computation";
import { FakeLocks, LoudChannels } from "../testing/tabs";
import { ComputeController, type Choices, type ComputeWorker, type Surroundings } from "./controller";
import type { Features } from "./features";
import type { NodeEvent, Tuning } from "../worker/wasm";
import type { FromWorker, ToWorker } from "./messages";
import type { Concern } from "./state";
import { TabLock } from "./tab-lock";

const modern: Features = {
  secure: true,
  webassembly: true,
  simd: true,
  relaxedSimd: true,
  threads: true,
  isolated: true,
};
const choices: Choices = { model: sampleModel, threads: 4, onlyOwn: false, compute: "auto" };

class FakeWorker implements ComputeWorker {
  readonly received: ToWorker[] = [];
  terminated = false;
  onMessage: ComputeWorker["onMessage"] = () => undefined;
  onLost = (): void => undefined;

  post(message: ToWorker): void {
    this.received.push(message);
    if (message.type === "stop") this.onMessage({ type: "stopped" });
  }

  terminate(): void {
    this.terminated = true;
  }
}

interface Browser {
  locks: FakeLocks;
  channels: LoudChannels;
}

function openTab(
  change: Partial<Pick<Surroundings, "features" | "concerns" | "deviceBytes">> = {},
  browser: Browser = { locks: new FakeLocks(), channels: new LoudChannels() },
) {
  const workers: FakeWorker[] = [];
  const kept: Tuning[] = [];
  const controller = new ComputeController({
    features: () => Promise.resolve(modern),
    deviceBytes: () => null,
    concerns: () => Promise.resolve<Concern[]>([]),
    tuning: { recall: () => kept.at(-1) ?? {}, keep: (tuning) => kept.push(tuning) },
    lock: new TabLock(browser.locks, browser.channels.open()),
    makeWorker: () => {
      const worker = new FakeWorker();
      workers.push(worker);
      return worker;
    },
    keepStorage: () => undefined,
    hidden: () => false,
    now: () => 1000,
    hubUrl: "ws://hub/ws",
    nodeName: "selain-1234",
    owner: "secret",
    ...change,
  });
  const kind = (): string => controller.value.state.kind;
  return { controller, workers, browser, kind, kept };
}

async function openRunningTab(browser?: Browser) {
  const tab = openTab({}, browser);
  await tab.controller.start(choices);
  join(tab.workers[0]);
  return tab;
}

function join(worker: FakeWorker | undefined): void {
  worker?.onMessage({ type: "loaded", computation: onGpu });
  worker?.onMessage({ type: "node", event: { type: "connected", nodeId: "n" } });
}

const answered: NodeEvent = {
  type: "promptFinished",
  taskId: "t",
  promptTokens: 5,
  completionTokens: 30,
  prefillMs: 100,
  decodeMs: 3000,
  outcome: "done",
};

function optionsOf(worker: FakeWorker | undefined) {
  const first = worker?.received[0];
  return first?.type === "start" ? first.options : undefined;
}

describe("starting", () => {
  it("hands the worker all it needs", async () => {
    const { controller, workers, kind } = openTab();
    await controller.start(choices);
    expect(kind()).toBe("preparing");
    expect(optionsOf(workers[0])).toMatchObject({
      build: "threads",
      threads: 4,
      contextLength: 4096,
      compute: "auto",
      owner: "secret",
      file: { modelId: sampleModel.id, sources: [{ kind: "hub" }, { kind: "hugging_face" }] },
    });
  });

  it("computes with one thread where there is no shared memory", async () => {
    const { controller, workers } = openTab({
      features: () => Promise.resolve({ ...modern, isolated: false }),
    });
    await controller.start(choices);
    expect(optionsOf(workers[0])).toMatchObject({ build: "plain", threads: 1 });
  });

  it.each<[string, Partial<Surroundings>, Partial<CatalogueModel>, object]>([
    [
      "without SIMD",
      { features: () => Promise.resolve({ ...modern, simd: false }) },
      {},
      { code: "browser_too_old", missing: "simd" },
    ],
    [
      "with little memory",
      { deviceBytes: () => 1024 ** 3 },
      {},
      { code: "not_enough_memory", deviceBytes: 1024 ** 3 },
    ],
    ["with nowhere to get it", {}, { file_available: false, sources: [] }, { code: "source_missing" }],
  ])("fails before the download %s", async (_, change, model, failure) => {
    const { controller, workers } = openTab(change);
    await controller.start({ ...choices, model: { ...sampleModel, ...model } });
    expect(controller.value.state).toMatchObject({ kind: "failed", failure });
    expect(workers).toEqual([]);
  });

  it("asks first on battery, and goes on after a yes", async () => {
    const { controller, workers, kind } = openTab({ concerns: () => Promise.resolve(["battery"]) });
    await controller.start(choices);
    expect(kind()).toBe("asking");
    expect(workers).toEqual([]);
    await controller.confirm();
    expect(kind()).toBe("preparing");
  });
});

describe("a running tab", () => {
  it("passes pauses and switches on", async () => {
    const { controller, workers } = await openRunningTab();
    controller.pause(true);
    controller.setOnlyOwn(true);
    controller.setTabHidden(true);
    expect(workers[0]?.received.slice(1)).toEqual([
      { type: "pause", paused: true },
      { type: "only_own", onlyOwn: true },
      { type: "tab_hidden", hidden: true },
    ]);
  });

  it("reconnects on waking up only when it is not connected", async () => {
    const { controller, workers } = await openRunningTab();
    controller.wake();
    workers[0]?.onMessage({ type: "node", event: { type: "disconnected", reason: "", retryInMs: 9000 } });
    controller.wake();
    expect(workers[0]?.received.filter((message) => message.type === "reconnect").length).toBe(1);
  });

  it("stops in good order and lets the lock go", async () => {
    const { controller, workers, browser, kind } = await openRunningTab();
    await controller.stop();
    expect(kind()).toBe("stopped");
    expect(workers[0]?.terminated).toBe(true);
    await vi.waitFor(() => {
      expect(browser.locks.held).toBe(false);
    });
  });

  it("does not wait for a worker that is stuck", async () => {
    vi.useFakeTimers();
    const { controller, workers, kind } = await openRunningTab();
    const worker = workers[0];
    if (worker !== undefined) worker.post = () => undefined;
    const stopping = controller.stop();
    expect(kind()).toBe("stopping");
    await vi.advanceTimersByTimeAsync(3000);
    await stopping;
    expect(kind()).toBe("stopped");
    vi.useRealTimers();
  });

  it("changes the model in a new worker", async () => {
    const { controller, workers } = await openRunningTab();
    await controller.start({ ...choices, model: { ...sampleModel, id: "other", sha256: "ff" } });
    expect(workers.length).toBe(2);
    expect(workers[0]?.terminated).toBe(true);
    expect(optionsOf(workers[1])?.file.modelId).toBe("other");
  });

  it("changes what computes in a new worker", async () => {
    const { controller, workers } = await openRunningTab();
    await controller.start({ ...choices, compute: "cpu" });
    expect(workers.length).toBe(2);
    expect(optionsOf(workers[1])?.compute).toBe("cpu");
  });

  it("keeps what was found out of a GPU for the next load, and nothing of a processor's", async () => {
    const { controller, workers, kept } = await openRunningTab();
    expect(kept).toEqual([onGpu.tuning]);
    workers[0]?.onMessage({ type: "rebuilt", computation: onProcessor });
    await controller.start({ ...choices, compute: "gpu" });
    expect(optionsOf(workers[0])?.tuning).toEqual({});
    expect(optionsOf(workers[1])?.tuning).toEqual(onGpu.tuning);
  });

  it("goes on when its model was lost with the GPU and built anew", async () => {
    const { controller, workers } = await openRunningTab();
    workers[0]?.onMessage({ type: "node", event: { type: "gpuLost", message: "unplugged" } });
    expect(controller.value.state).toMatchObject({ rebuilding: { done: 0, total: 0 } });
    workers[0]?.onMessage({ type: "rebuilt", computation: onProcessor });
    expect(controller.value.state).toMatchObject({ computation: onProcessor, rebuilding: null });
    expect(workers.length).toBe(1);
  });

  it("starts again by itself when its worker dies, once", async () => {
    const { controller, workers, browser, kind } = await openRunningTab();
    controller.setOnlyOwn(true);
    workers[0]?.onLost();
    await vi.waitFor(() => {
      expect(workers.length).toBe(2);
    });
    expect(controller.value).toMatchObject({ state: { kind: "preparing" }, restarted: true });
    expect(optionsOf(workers[1])?.onlyOwn).toBe(true);
    expect(browser.locks.held).toBe(true);
    join(workers[1]);
    workers[1]?.onLost();
    expect(controller.value.state).toMatchObject({ kind: "failed", failure: { code: "worker_lost" } });
    await vi.waitFor(() => {
      expect(browser.locks.held).toBe(false);
    });
    await controller.start(choices);
    expect(kind()).toBe("preparing");
    expect(controller.value.restarted).toBe(false);
  });

  it("may die again after it has answered", async () => {
    const { workers } = await openRunningTab();
    for (const expected of [2, 3, 4]) {
      const worker = workers.at(-1);
      join(worker);
      worker?.onMessage({ type: "node", event: answered });
      worker?.onLost();
      await vi.waitFor(() => {
        expect(workers.length).toBe(expected);
      });
    }
  });

  it.each<[string, FromWorker[], string]>([
    ["before it says anything", [], "engine_unreachable"],
    ["while it loads", [{ type: "alive" }, { type: "building", done: 1, total: 2 }], "worker_lost"],
  ])("does not start again by itself when the worker dies %s", async (_, messages, code) => {
    const { controller, workers } = openTab();
    await controller.start(choices);
    for (const message of messages) workers[0]?.onMessage(message);
    workers[0]?.onLost();
    expect(controller.value.state).toMatchObject({ kind: "failed", failure: { code } });
    expect(workers.length).toBe(1);
  });

  it("does not start again by itself what was paused", async () => {
    const { controller, workers, kind } = await openRunningTab();
    controller.pause(true);
    workers[0]?.onLost();
    expect(kind()).toBe("failed");
  });

  it("keeps the model in memory when the hub refuses it", async () => {
    const { controller, workers, kind } = await openRunningTab();
    workers[0]?.onMessage({ type: "node", event: { type: "refused", code: 4005, reason: "" } });
    await controller.start(choices);
    expect(kind()).toBe("preparing");
    expect(workers.length).toBe(1);
    expect(workers[0]?.terminated).toBe(false);
  });

  it("hears nothing of a worker that it has dropped", async () => {
    const { controller, workers, kind } = await openRunningTab();
    const late = workers[0]?.onMessage;
    await controller.stop();
    late?.({ type: "loaded", computation: onGpu });
    workers[0]?.onMessage({ type: "failed", failure: { code: "corrupt" } });
    expect(kind()).toBe("stopped");
  });
});

describe("two tabs of one browser", () => {
  it("don't compute at the same time: the second says where the first runs", async () => {
    const first = await openRunningTab();
    const second = openTab({}, first.browser);
    await second.controller.start(choices);
    expect(second.controller.value.state).toEqual({
      kind: "elsewhere",
      modelId: sampleModel.id,
      holder: { modelId: sampleModel.id, since: 1000 },
    });
    expect(second.workers).toEqual([]);
    await first.controller.stop();
    await vi.waitFor(() => {
      expect(second.kind()).toBe("idle");
    });
  });

  it("hand the computing over", async () => {
    const first = await openRunningTab();
    const second = openTab({}, first.browser);
    await second.controller.start(choices);
    await second.controller.takeOver();
    expect(second.kind()).toBe("preparing");
    expect(first.controller.value.state).toEqual({ kind: "stopped", reason: "moved" });
  });

  it("asks the loaded model about the next token", async () => {
    const { controller, workers } = await openRunningTab();
    const progress: number[][] = [];
    const asked = controller.distribution("What is", 5, (done, total) => progress.push([done, total]));
    const [worker] = workers;
    expect(worker?.received.at(-1)).toEqual({ type: "distribution", id: 1, input: "What is", count: 5 });
    worker?.onMessage({ type: "distribution_progress", id: 1, done: 1, total: 2 });
    const distribution = { candidates: [], rest: [], promptTokens: 2, cachedTokens: 0, prefillMs: 9 };
    worker?.onMessage({ type: "distribution", id: 1, distribution });
    await expect(asked).resolves.toEqual(distribution);
    expect(progress).toEqual([[1, 2]]);

    const refused = controller.distribution("", 5, () => undefined);
    worker?.onMessage({ type: "no_distribution", id: 2, message: "the prompt is empty" });
    await expect(refused).rejects.toThrow("the prompt is empty");
  });

  it("lets nobody wait for an answer that can't come", async () => {
    const { controller } = await openRunningTab();
    const asked = controller.distribution("What is", 5, () => undefined);
    const given = expect(asked).rejects.toThrow("the computing ended");
    await controller.stop();
    await given;
    await expect(controller.distribution("What is", 5, () => undefined)).rejects.toThrow("no model");
  });
});
