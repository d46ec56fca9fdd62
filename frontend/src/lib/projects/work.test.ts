import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Observable } from "../compute/observable";
import type { Answer, Prompt } from "../hub/chat";
import { HubError, type HubFailure } from "../hub/client";
import type { HubView } from "../page/hub-status";
import { emptyProject, FakeMachines } from "../testing/pipeline";
import { MachineError } from "./machine";
import { Work, type WorkSurroundings, type WorkView } from "./work";

const whole: Answer = { finishReason: "stop", promptTokens: 9, completionTokens: 9, report: null };
const refused = (code: string, status = 503): HubFailure => ({
  kind: "refused",
  status,
  code,
  message: `the hub says ${code}`,
});

class Hub extends Observable<HubView> {
  refreshed = 0;
  refresh(): Promise<void> {
    this.refreshed += 1;
    return Promise.resolve();
  }
}

function bench() {
  const hub = new Hub({ connection: "connected", models: [], stats: null });
  const machines = new FakeMachines();
  const prompts: Prompt[] = [];
  const working: string[] = [];
  const saved: WorkView[] = [];
  const orders = {
    model: "m" as string | null,
    /** What the hub answers with; a failure is thrown. */
    answer: (prompt: Prompt): string | HubFailure => goodAnswer(prompt),
    /** Answers hang until withdrawn. */
    hangs: false,
    /** The whole answer is there before it can be broken off. */
    hasty: false,
    finish: "stop" as string | null,
    window: 4096,
  };
  const surroundings: WorkSurroundings = {
    machines,
    hub,
    now: () => Date.now(),
    modelFor: () => orders.model,
    windowOf: () => Promise.resolve(orders.window),
    tokenizer: () => Promise.resolve(null),
    pause: (milliseconds, signal) =>
      new Promise((resolve) => {
        setTimeout(resolve, milliseconds);
        signal.addEventListener("abort", () => {
          resolve();
        });
        if (signal.aborted) resolve();
      }),
    ask: async (prompt, onText, signal) => {
      prompts.push(prompt);
      const answer = orders.answer(prompt);
      await new Promise((resolve, reject) => {
        if (!orders.hangs) setTimeout(resolve, 2000);
        signal.addEventListener("abort", () => {
          reject(new DOMException("aborted", "AbortError"));
        });
      });
      if (typeof answer !== "string") throw new HubError(answer);
      for (const piece of answer.match(/[^]{1,1000}/g) ?? []) {
        onText(piece);
        if (signal.aborted && !orders.hasty) throw new DOMException("aborted", "AbortError");
      }
      return { ...whole, finishReason: orders.finish };
    },
    team: {
      value: { agents: [] },
      subscribe: () => () => undefined,
      begin: (role) => {
        working.push(role);
        return () => working.splice(working.indexOf(role), 1);
      },
    },
  };
  const work = new Work(surroundings, { project: emptyProject("x"), timings: [], meters: {} }, (view) =>
    saved.push(view),
  );
  const run = () => work.value.project.run;
  const waits = () => work.value.jobs.map(({ state }) => state.value.wait?.for ?? null);
  return { hub, machines, prompts, working, saved, orders, surroundings, work, run, waits };
}

function goodAnswer({ messages }: Prompt): string {
  return messages.some(({ content }) => content.includes("plan")) && !isFile(messages)
    ? "a.py b.py"
    : "x = 1\n";
}

function isFile(messages: Prompt["messages"]): boolean {
  return messages.some(({ content }) => content.includes('"write"'));
}

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe("the team at work", () => {
  it("asks for a plan, then for its files at once, and saves after every step", async () => {
    const { work, prompts, working, saved, run } = bench();
    await work.start();
    expect(working).toEqual(["manager"]);
    await pass(2000);
    expect(working).toEqual(["coder", "coder"]);
    expect(prompts.length).toBe(3);
    await pass(2000);
    expect(run()).toEqual({ is: "finished" });
    expect(working).toEqual([]);
    expect(work.value.jobs).toEqual([]);
    expect(saved.length).toBe(4);
    expect(saved.at(-1)?.project).toBe(work.value.project);
    expect(work.value.timings.map(({ kind }) => kind)).toEqual(["plan", "file", "file"]);
    expect(work.value.meters["file:a.py"]).toEqual({ promptTokens: 100, window: 4096 });
  });

  it("begins answers as the pipeline says, and shows them as they come", async () => {
    const { work, prompts } = bench();
    await work.start();
    await pass(2000);
    const [, file] = prompts;
    expect(file?.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant"]);
    expect(file?.messages.at(-1)?.content).toBe("```python\n");
    expect(file?.stop).toEqual(["\n```"]);
    expect(file?.sampling?.max_tokens).toBe(64);
    const job = work.value.jobs[0];
    const texts: string[] = [];
    job?.text.subscribe((text) => texts.push(text));
    await pass(2000);
    expect(texts.at(-1)).toBe("x = 1\n");
  });

  it("withdraws its questions when it is stopped, and asks them again when it goes on", async () => {
    const { work, prompts, orders, working, run } = bench();
    await work.start();
    await pass(2000);
    orders.hangs = true;
    await work.stop();
    expect(run()).toEqual({ is: "stopped" });
    expect(work.value.jobs).toEqual([]);
    await pass(0);
    expect(working).toEqual([]);
    orders.hangs = false;
    await work.start();
    await pass(2000);
    expect(prompts.length).toBe(5);
    expect(run()).toEqual({ is: "finished" });
  });

  it.each([
    ["broken off", false],
    ["there at once", true],
  ])(
    "tells an answer that was cut off by its end, and one without end by its length: %s",
    async (_, hasty) => {
      const { work, orders, machines } = bench();
      orders.hasty = hasty;
      await work.start();
      orders.finish = "length";
      await pass(2000);
      orders.answer = () => "A".repeat(1_000_000);
      await work.stop();
      await work.start();
      orders.finish = "stop";
      await pass(2000);
      const events = machines.opened.flatMap(({ events }) => events).filter(({ type }) => type === "answer");
      expect(events[0]).toMatchObject({ finish: "length" });
      const last = events.at(-1);
      expect(last).toMatchObject({ finish: "length" });
      expect(last?.type === "answer" && last.text.length).toBeLessThan(10_000);
    },
  );
});

describe("what goes wrong", () => {
  it.each<[string, HubFailure, string]>([
    ["the hub is away", { kind: "unreachable" }, "hub"],
    ["nobody has the model", refused("no_node_available"), "node"],
    ["all are busy", refused("rate_limit_exceeded", 429), "turn"],
    ["the hub restarts", refused("hub_stopping"), "turn"],
  ])("is waited out, however long it takes, where %s", async (_, failure, wait) => {
    const { work, orders, run, waits, working } = bench();
    orders.answer = () => failure;
    await work.start();
    await pass(3_600_000);
    expect(run()).toEqual({ is: "running" });
    await vi.waitFor(() => {
      expect(waits()).toEqual([wait]);
    });
    expect(working).toEqual([]);
    expect(work.value.project.notices).toEqual([]);
    orders.answer = goodAnswer;
    await pass(60_000);
    expect(run()).toEqual({ is: "finished" });
  });

  it("is over as soon as somebody comes", async () => {
    const { work, orders, prompts, hub, waits } = bench();
    orders.model = null;
    await work.start();
    await pass(100_000);
    expect(waits()).toEqual(["node"]);
    expect(prompts).toEqual([]);
    expect(hub.refreshed).toBeGreaterThan(2);
    orders.model = "m";
    hub.set({ ...hub.value });
    await pass(10);
    expect(prompts.length).toBe(1);
  });

  it("does not ask without a pause, whatever the hub tells", async () => {
    const { work, orders, prompts, hub } = bench();
    orders.answer = () => refused("no_node_available");
    await work.start();
    for (let second = 0; second < 60; second += 1) {
      await pass(1000);
      hub.set({ ...hub.value });
    }
    expect(prompts.length).toBeLessThan(10);
  });

  it("is told where a machine is lost, and given up only after a while", async () => {
    const { work, orders, run, machines, waits } = bench();
    orders.answer = () => refused("node_lost", 200);
    await work.start();
    await pass(4000);
    const lost = () => machines.opened[0]?.events.filter(({ type }) => type === "lost") ?? [];
    expect(lost().length).toBe(2);
    expect(lost()[0]).toMatchObject({ may_retry: true, message: "the hub says node_lost" });
    await pass(3000);
    expect(waits()).toEqual(["again"]);
    await pass(200_000);
    expect(lost().at(-1)).toMatchObject({ may_retry: false });
    expect(run()).toMatchObject({ is: "failed", reason: { kind: "nobody" } });
    orders.answer = goodAnswer;
    await work.start();
    await pass(4000);
    expect(run()).toEqual({ is: "finished" });
  });

  it("does not count waiting for a turn as a loss", async () => {
    const { work, orders, run } = bench();
    const lost = refused("node_lost", 200);
    // Two that the team hears of, then a crowd, then as many losses as one question bears.
    const answers = [lost, lost, ...Array<HubFailure>(7).fill(refused("rate_limit_exceeded", 429))];
    answers.push(...Array<HubFailure>(5).fill(lost));
    orders.answer = (prompt) => answers.shift() ?? goodAnswer(prompt);
    await work.start();
    await pass(1_000_000);
    expect(answers).toEqual([]);
    expect(run()).toEqual({ is: "finished" });
  });

  it.each<[HubFailure, string]>([
    [refused("invalid_api_key", 401), "invalid_api_key"],
    [refused("expired_api_key", 401), "expired_api_key"],
    [refused("model_not_allowed", 403), "model_not_allowed"],
    [refused("insufficient_quota", 429), "insufficient_quota"],
    [refused("from_the_future", 401), "invalid_api_key"],
    [refused("model_not_found", 404), "the hub says model_not_found"],
  ])("ends the run where asking again is of no use", async (failure, message) => {
    const { work, orders, run } = bench();
    orders.answer = () => failure;
    await work.start();
    await pass(2000);
    expect(run()).toEqual({ is: "failed", reason: { kind: "nobody", message } });
  });

  it("asks for less where the machine's window is smaller than was thought", async () => {
    const { work, orders, machines, run } = bench();
    orders.answer = () => refused("context_length_exceeded", 400);
    await work.start();
    orders.answer = goodAnswer;
    await pass(6000);
    expect(machines.opened.map(({ start }) => start.window)).toEqual([4096, 3072]);
    expect(machines.opened[0]?.closed).toBe(true);
    expect(run()).toEqual({ is: "finished" });
  });

  it("says so where there is no pipeline, and goes on once the hub is back", async () => {
    const { work, machines, hub, run } = bench();
    machines.problem = new MachineError("unreachable");
    const running = { ...work.value, project: { ...emptyProject("x"), run: { is: "running" } as const } };
    work.set(running);
    await work.start();
    expect(work.value.problem).toBe("unreachable");
    machines.problem = null;
    hub.set({ ...hub.value, connection: "unreachable" });
    hub.set({ ...hub.value, connection: "connected" });
    await pass(4000);
    expect(work.value.problem).toBeNull();
    expect(run()).toEqual({ is: "finished" });
  });

  it("leaves everything as it is when the project is closed", async () => {
    const { work, orders, working, saved } = bench();
    orders.hangs = true;
    await work.start();
    work.close();
    await pass(1000);
    expect(working).toEqual([]);
    expect(saved.at(-1)?.project.run).toEqual({ is: "running" });
  });
});
