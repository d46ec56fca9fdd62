import { describe, expect, it, vi } from "vitest";

import type { Answer, Prompt } from "../hub/chat";
import { HubError } from "../hub/client";
import { defaultSettings } from "../settings/settings";
import type { KeyValue } from "../settings/storage";
import type { CommandEntry, Exchange } from "./entries";
import type { Output } from "./outputs";
import type { Target } from "./target";
import { Terminal, type TerminalSurroundings } from "./terminal";
import { fitTurns, learnDensity } from "./window";

const answer: Answer = {
  finishReason: "stop",
  promptTokens: 30,
  completionTokens: 4,
  report: {
    node: "kone",
    kind: "native",
    model: "m",
    queued_ms: 0,
    first_token_ms: 5,
    tokens_per_second: 20,
  },
};

type Ask = TerminalSurroundings["ask"];

function memory(): KeyValue & { size(): number } {
  const values = new Map<string, string>();
  return {
    getItem: (key) => values.get(key) ?? null,
    setItem: (key, value) => values.set(key, value),
    removeItem: (key) => values.delete(key),
    size: () => [...values.values()].join("").length,
  };
}

function bench(session: KeyValue = memory()) {
  const asked: Prompt[] = [];
  const working: string[] = [];
  let now = 0;
  const world = {
    ask: ((_, onText) => {
      onText("vas");
      onText("taus");
      return Promise.resolve(answer);
    }) as Ask,
    target: { kind: "model", model: "m", contextLength: 4096 } as Target,
    run: vi.fn<TerminalSurroundings["run"]>(() => Promise.resolve<Output>({ kind: "help" })),
    stopProjects: vi.fn(() => Promise.resolve()),
    prompt: "You write code.",
  };
  const terminal = new Terminal({
    local: memory(),
    session,
    now: () => (now += 500),
    agent: () => ({
      id: "coder",
      name: "Koodari",
      prompt: world.prompt,
      sampling: defaultSettings.sampling,
      model: null,
    }),
    target: () => world.target,
    ask: (prompt, onText, signal) => {
      asked.push(prompt);
      return world.ask(prompt, onText, signal);
    },
    begin: (id) => {
      working.push(id);
      return () => working.pop();
    },
    run: world.run,
    stopProjects: world.stopProjects,
  });
  const exchange = (index: number): Exchange => terminal.entries.value[index] as Exchange;
  return { terminal, world, asked, working, exchange, session };
}

/** Says something, then waits to be stopped. */
const hanging: Ask = (_, onText, signal) => {
  onText("alku");
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => {
      reject(new DOMException("aborted", "AbortError"));
    });
  });
};

const refusing =
  (code: string, before = ""): Ask =>
  (_, onText) => {
    if (before !== "") onText(before);
    return Promise.reject(new HubError({ kind: "refused", status: 400, code, message: "no" }));
  };

describe("an answer", () => {
  it("tells who gave it, and how", async () => {
    const { terminal, asked, exchange, working } = bench();
    await terminal.submit("hei");
    expect(asked).toEqual([
      {
        model: "m",
        sampling: defaultSettings.sampling,
        messages: [
          { role: "system", content: "You write code." },
          { role: "user", content: "hei" },
        ],
      },
    ]);
    expect(exchange(0)).toMatchObject({
      prompt: "hei",
      shown: 0,
      attempts: [
        {
          agent: "Koodari",
          model: "m",
          node: "kone",
          text: "vastaus",
          tokens: 4,
          seconds: 0.5,
          tokensPerSecond: 20,
          ending: { kind: "done", finishReason: "stop" },
        },
      ],
    });
    expect(working).toEqual([]);
    expect(terminal.draft.value).toBe("");
  });

  it("has the conversation so far before it", async () => {
    const { terminal, asked } = bench();
    await terminal.submit("eka");
    await terminal.submit("toka");
    expect(asked[1]?.messages.map(({ content }) => content)).toEqual([
      "You write code.",
      "eka",
      "vastaus",
      "toka",
    ]);
  });

  it("is stopped, and what has come stays and can be gone on with", async () => {
    const { terminal, world, asked, exchange, working } = bench();
    world.ask = hanging;
    const sending = terminal.submit("hei");
    expect(terminal.answering.value).toBe(true);
    expect(working).toEqual(["coder"]);
    terminal.draft.set("toinen");
    expect(await terminal.submit("toinen")).toBe(false);
    expect(terminal.draft.value).toBe("toinen");
    terminal.stop();
    await sending;
    expect(exchange(0).attempts[0]).toMatchObject({ text: "alku", ending: { kind: "stopped" } });
    world.ask = (_, onText) => {
      onText(" ja loppu");
      return Promise.resolve(answer);
    };
    await terminal.continue(exchange(0).id);
    expect(asked[1]?.messages.at(-1)).toEqual({ role: "assistant", content: "alku" });
    expect(exchange(0).attempts).toHaveLength(1);
    expect(exchange(0).attempts[0]).toMatchObject({
      text: "alku ja loppu",
      seconds: 1,
      ending: { kind: "done" },
    });
  });

  it("is asked for again, and the earlier one can be looked at", async () => {
    const { terminal, exchange, asked } = bench();
    await terminal.submit("eka");
    const { id } = exchange(0);
    for (let time = 0; time < 8; time += 1) await terminal.regenerate(id);
    expect(exchange(0)).toMatchObject({ shown: 5 });
    expect(exchange(0).attempts).toHaveLength(6);
    terminal.show(id, 2);
    expect(exchange(0).shown).toBe(2);
    terminal.show(id, 9);
    expect(exchange(0).shown).toBe(2);
    expect(asked.at(-1)?.messages).toHaveLength(2);
    await terminal.submit("toka");
    await terminal.regenerate(id);
    expect(exchange(0).attempts).toHaveLength(6);
  });

  it("comes to an edited prompt in place of the old one and what came after", async () => {
    const { terminal, exchange } = bench();
    for (const line of ["eka", "toka", "kolmas"]) await terminal.submit(line);
    terminal.edit(exchange(1).id);
    expect(terminal.draft.value).toBe("toka");
    expect(terminal.laterThanEdited).toBe(1);
    terminal.cancelEdit();
    expect([terminal.draft.value, terminal.editing.value]).toEqual(["", null]);
    terminal.edit(exchange(1).id);
    await terminal.submit("toka toisin");
    expect(terminal.entries.value).toHaveLength(2);
    expect(exchange(1).prompt).toBe("toka toisin");
    expect(terminal.editing.value).toBeNull();
  });

  it.each([
    ["node_lost", "alku"],
    ["rate_limit_exceeded", ""],
  ])("may fail, and what came before stays: %s", async (code, before) => {
    const { terminal, world, exchange } = bench();
    world.ask = refusing(code, before);
    await terminal.submit("hei");
    expect(exchange(0).attempts[0]).toMatchObject({
      text: before,
      ending: { kind: "failed", failure: { kind: "refused", code } },
    });
    expect(terminal.answering.value).toBe(false);
  });

  it("is not asked of anybody where nobody may answer", async () => {
    const { terminal, world, asked, exchange } = bench();
    world.target = { kind: "obstacle", obstacle: "own_idle" };
    await terminal.submit("salaista");
    expect(asked).toEqual([]);
    expect(exchange(0).attempts[0]?.ending).toEqual({ kind: "obstacle", obstacle: "own_idle" });
  });

  it("is asked for with less of the conversation where a machine's window is smaller than thought", async () => {
    const { terminal, world, asked, exchange } = bench();
    for (const line of ["eka", "toka", "kolmas"]) await terminal.submit(line.repeat(400));
    const usual = world.ask;
    world.ask = (prompt, onText, signal) =>
      prompt.messages.length > 4
        ? refusing("context_length_exceeded")(prompt, onText, signal)
        : usual(prompt, onText, signal);
    await terminal.submit("neljäs");
    expect(exchange(3).attempts[0]).toMatchObject({ text: "vastaus", ending: { kind: "done" } });
    expect(exchange(3).attempts[0]?.forgotten).toBeGreaterThan(1);
    expect(asked.at(-1)?.messages.at(-1)?.content).toBe("neljäs");
    world.ask = refusing("context_length_exceeded");
    await terminal.submit("viides");
    expect(exchange(4).attempts[0]?.ending).toMatchObject({ kind: "failed" });
  });

  it("is cut off where it has no end", async () => {
    const { terminal, world, exchange } = bench();
    world.ask = async (_, onText, signal) => {
      for (let piece = 0; piece < 100 && !signal.aborted; piece += 1) onText("x".repeat(100_000));
      await Promise.resolve();
      throw new DOMException("aborted", "AbortError");
    };
    await terminal.submit("hei");
    expect(exchange(0).attempts[0]?.ending).toEqual({ kind: "endless" });
    expect(exchange(0).attempts[0]?.text.length).toBe(4_100_000);
  });
});

describe("commands", () => {
  it("are run, and answered in their place", async () => {
    const { terminal, world } = bench();
    await terminal.submit("kpn load 1");
    expect(world.run.mock.calls[0]?.[0]).toEqual({ name: "load", argument: "1" });
    expect(terminal.entries.value).toMatchObject([{ line: "kpn load 1", output: { kind: "help" } }]);
  });

  it("are no part of the conversation", async () => {
    const { terminal, asked } = bench();
    await terminal.submit("kpn help");
    await terminal.submit("hei");
    expect(asked[0]?.messages).toHaveLength(2);
  });

  it.each([
    ["kpn hepl", { kind: "unknown_command", word: "hepl", nearest: "help" }],
    ["kpn project", { kind: "incomplete", command: "project" }],
  ])("say what is wrong with them: %s", async (line, problem) => {
    const { terminal } = bench();
    await terminal.submit(line);
    expect((terminal.entries.value[0] as CommandEntry).output).toEqual({ kind: "problem", problem });
  });

  it("survive a part of the page that does not come", async () => {
    const { terminal, world } = bench();
    world.run.mockRejectedValue(new TypeError("failed to fetch"));
    await terminal.submit("kpn tokens hei");
    expect((terminal.entries.value[0] as CommandEntry).output).toMatchObject({
      problem: { kind: "missing_part" },
    });
  });

  it("stop everything, and clear everything", async () => {
    const { terminal, world, exchange, asked } = bench();
    world.ask = hanging;
    const sending = terminal.submit("hei");
    await terminal.submit("kpn bench");
    expect((terminal.entries.value[1] as CommandEntry).output).toMatchObject({ problem: { kind: "busy" } });
    await terminal.submit("kpn stop");
    await sending;
    expect(world.stopProjects).toHaveBeenCalledOnce();
    expect(exchange(0).attempts[0]?.ending).toEqual({ kind: "stopped" });
    await terminal.submit("kpn clear");
    expect(terminal.entries.value).toEqual([]);
    world.ask = (_, onText) => {
      onText("uusi");
      return Promise.resolve(answer);
    };
    await terminal.submit("kuka?");
    expect(asked.at(-1)?.messages).toHaveLength(2);
  });

  it("may clear what is being answered", async () => {
    const { terminal, world } = bench();
    world.ask = hanging;
    const sending = terminal.submit("hei");
    await terminal.submit("kpn clear");
    await sending;
    expect(terminal.entries.value).toEqual([]);
    expect(terminal.answering.value).toBe(false);
  });
});

describe("a reload", () => {
  it("finds the conversation as it was left", async () => {
    const { terminal, session, world } = bench();
    await terminal.submit("eka");
    await terminal.submit("kpn help");
    world.ask = hanging;
    void terminal.submit("toka");
    terminal.keep();
    const after = bench(session);
    expect(after.terminal.entries.value).toMatchObject([
      { prompt: "eka", attempts: [{ text: "vastaus", ending: { kind: "done" } }] },
      { line: "kpn help", output: { kind: "help" } },
      { prompt: "toka", attempts: [{ text: "alku", ending: { kind: "left" } }] },
    ]);
    await after.terminal.submit("kolmas");
    expect(new Set(after.terminal.entries.value.map(({ id }) => id)).size).toBe(4);
  });

  it("keeps no more than a tab can hold", async () => {
    const session = memory();
    const { terminal, world } = bench(session);
    world.ask = (_, onText) => {
      onText("x".repeat(300_000));
      return Promise.resolve(answer);
    };
    for (let turn = 0; turn < 20; turn += 1) await terminal.submit(`kysymys ${turn}`);
    expect(session.size()).toBeLessThan(650_000);
    expect(bench(session).terminal.entries.value.at(-1)).toMatchObject({
      prompt: "kysymys 19",
      attempts: [{ shortened: true }],
    });
  });

  it.each(["{", "[{}]", '[{"kind":"exchange","id":1,"prompt":"x","attempts":[],"shown":0}]', "7"])(
    "starts anew where what was kept makes no sense: %s",
    (kept) => {
      const session = memory();
      session.setItem("kipina.terminal", kept);
      expect(bench(session).terminal.entries.value).toEqual([]);
    },
  );

  it("keeps nothing where nothing can be kept", async () => {
    const nothing = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
    const { terminal, exchange } = bench(nothing);
    await terminal.submit("hei");
    expect(exchange(0).attempts[0]?.text).toBe("vastaus");
  });
});

describe("the window", () => {
  const turns = Array.from({ length: 50 }, (_, index) => ({
    prompt: `kysymys ${index}`,
    answer: "x".repeat(500),
  }));
  const fitting = {
    system: "s",
    turns,
    prompt: "p",
    begun: "",
    contextLength: 4096,
    maxTokens: 1024,
    charactersPerToken: 2.5,
  };

  it("has the newest turns that fit, and says how many it lost", () => {
    const fitted = fitTurns(fitting);
    expect(fitted.messages.at(0)).toEqual({ role: "system", content: "s" });
    expect(fitted.messages.at(-1)).toEqual({ role: "user", content: "p" });
    expect(fitted.forgotten).toBe(50 - (fitted.messages.length - 2) / 2);
    expect(fitted.characters / 2.5).toBeLessThan(4096 - 1024);
    expect(fitTurns({ ...fitting, contextLength: 2048 }).forgotten).toBeGreaterThan(fitted.forgotten);
  });

  it("always has the prompt", () => {
    const fitted = fitTurns({ ...fitting, prompt: "x".repeat(100_000) });
    expect(fitted.forgotten).toBe(50);
    expect(fitted.messages).toHaveLength(2);
    expect(fitTurns({ ...fitting, system: " ", turns: [] }).messages).toHaveLength(1);
  });

  it("learns how long this conversation's tokens are", () => {
    expect(learnDensity(4000, 1000)).toBeCloseTo(3.6);
    expect(learnDensity(4000, 10)).toBeNull();
    expect(learnDensity(4000, null)).toBeNull();
    expect(learnDensity(400_000, 100)).toBe(5);
  });
});
