import { describe, expect, it } from "vitest";

import { sampleModel } from "../testing/catalogue";
import { commandNames, nearest, parseLine } from "./commands";
import { completions } from "./completion";
import { History } from "./history";
import { repeatsItself } from "./repetition";
import { pickModel } from "./run";
import { chooseTarget } from "./target";

describe("a line", () => {
  it.each([
    ["", { kind: "nothing" }],
    ["  \n ", { kind: "nothing" }],
    [" hei ", { kind: "text", text: "hei" }],
    ["kpnx help", { kind: "text", text: "kpnx help" }],
    ["mitä on kpn help", { kind: "text", text: "mitä on kpn help" }],
    ["help", { kind: "text", text: "help" }],
    ["kpn", { kind: "command", command: { name: "help", argument: "" } }],
    ["KPN Help", { kind: "command", command: { name: "help", argument: "" } }],
    ["kpn\tmodels", { kind: "command", command: { name: "models", argument: "" } }],
    ["kpn load  2 ", { kind: "command", command: { name: "load", argument: "2" } }],
    ["kpn agent", { kind: "command", command: { name: "agent", argument: "" } }],
    ["kpn tokens eka\ntoka", { kind: "command", command: { name: "tokens", argument: "eka\ntoka" } }],
    ["kpn project", { kind: "incomplete", name: "project" }],
    ["kpn lang ", { kind: "incomplete", name: "lang" }],
    ["kpn hlep", { kind: "unknown", word: "hlep", nearest: "help" }],
    ["kpn mod", { kind: "unknown", word: "mod", nearest: "models" }],
    ["kpn xyzzy", { kind: "unknown", word: "xyzzy", nearest: null }],
  ])("%j", (line, parsed) => {
    expect(parseLine(line)).toEqual(parsed);
  });

  it("finds what was meant, also of very long words, and nothing where nothing is near", () => {
    expect(nearest("unlaod", commandNames)).toBe("unload");
    expect(nearest("Kodari", ["Manageri", "Koodari"])).toBe("Koodari");
    expect(nearest("x".repeat(100_000), commandNames)).toBeNull();
    expect(nearest("a", [])).toBeNull();
  });
});

describe("completion", () => {
  const sources = {
    models: ["qwen2.5-coder:0.5b", "qwen2.5-coder:1.5b", "smollm2:135m"],
    agents: ["Manageri", "Koodari", "Data", "Koodari 2"],
    languages: ["fi", "en"],
  };
  const lines = (text: string): string[] => completions(text, sources).map(({ line }) => line);

  it("offers every command at the word kpn, and none in free text", () => {
    expect(completions("kpn ", sources).map(({ label }) => label)).toEqual([...commandNames]);
    expect(lines("kp")).toHaveLength(commandNames.length);
    for (const text of ["", "k", "kirjoita", "kpn-", "mitä on kpn ", "kpn nothing x", "kpn help x"]) {
      expect(lines(text)).toEqual([]);
    }
  });

  it("narrows down, and goes on where a command takes something", () => {
    expect(lines("kpn l")).toEqual(["kpn load ", "kpn lang "]);
    expect(lines("kpn ST")).toEqual(["kpn status", "kpn stop"]);
    expect(lines("kpn help")).toEqual([]);
    expect(lines("kpn load ")).toEqual(sources.models.map((model) => `kpn load ${model}`));
    expect(lines("kpn load coder")).toEqual(["kpn load qwen2.5-coder:0.5b", "kpn load qwen2.5-coder:1.5b"]);
    expect(lines("kpn agent koo")).toEqual(["kpn agent Koodari", "kpn agent Koodari 2"]);
    expect(lines("kpn agent koodari ")).toEqual(["kpn agent Koodari", "kpn agent Koodari 2"]);
    expect(lines("kpn lang e")).toEqual(["kpn lang en"]);
    expect(lines("kpn lang en")).toEqual([]);
  });

  it("stays short", () => {
    const many = { ...sources, models: Array.from({ length: 500 }, (_, index) => `model-${index}`) };
    expect(completions("kpn load m", many)).toHaveLength(12);
  });
});

describe("history", () => {
  const memory = (kept: string | null = null) => {
    let value = kept;
    return {
      getItem: () => value,
      setItem: (_: string, next: string) => {
        value = next;
      },
      removeItem: () => {
        value = null;
      },
    };
  };

  it("goes back and forth, and returns to what was being written", () => {
    const history = new History(memory());
    history.add("eka");
    history.add("toka");
    expect(history.next()).toBeNull();
    expect(history.previous("kesken")).toBe("toka");
    expect(history.previous("toka")).toBe("eka");
    expect(history.previous("eka")).toBeNull();
    expect(history.next()).toBe("toka");
    expect(history.next()).toBe("kesken");
    expect(history.next()).toBeNull();
  });

  it("begins anew after a line was sent or changed, and has each line once", () => {
    const history = new History(memory());
    for (const line of ["eka", "toka", "eka"]) history.add(line);
    expect(history.lines).toEqual(["toka", "eka"]);
    history.previous("");
    history.rest();
    expect(history.previous("")).toBe("eka");
  });

  it("is kept, shared by tabs, and bounded", () => {
    const storage = memory();
    new History(storage).add("toisesta välilehdestä");
    const history = new History(storage);
    for (let line = 0; line < 250; line += 1) history.add(`rivi ${line}`);
    history.add("x".repeat(5000));
    expect(history.lines).toHaveLength(200);
    expect(new History(storage).previous("")).toBe("rivi 249");
  });

  it.each(["{", "[1]", '"x"'])("forgets what makes no sense: %s", (kept) => {
    expect(new History(memory(kept)).lines).toEqual([]);
  });

  it("lasts for the visit where nothing can be kept", () => {
    const nothing = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
    const history = new History(nothing);
    history.add("eka");
    history.add("toka");
    expect(history.lines).toEqual(["eka", "toka"]);
  });
});

describe("a model", () => {
  const other = { ...sampleModel, id: "smollm2:135m", aliases: [] };
  const models = [sampleModel, other];

  it.each([
    ["1", sampleModel.id],
    ["2", other.id],
    ["3", undefined],
    ["0", undefined],
    ["smollm2:135m", other.id],
    ["qwen2.5-coder:0.5b-instruct-q4_k_m", sampleModel.id],
    ["SMOL", other.id],
    [":", undefined],
    ["gpt-9", undefined],
  ])("is named by number, id, alias or a part of its own: %s", (argument, id) => {
    expect(pickModel(models, argument)?.id).toBe(id);
  });

  it("answers on the agent's wish, else whichever does", () => {
    const free = { own: null, ownNodes: false, wanted: null, answering: other.id, models };
    expect(chooseTarget(free)).toEqual({ kind: "model", model: other.id, contextLength: 4096 });
    expect(chooseTarget({ ...free, wanted: sampleModel.id })).toMatchObject({ model: sampleModel.id });
    expect(chooseTarget({ ...free, models: [{ ...other, context_length: 2048 }] })).toMatchObject({
      contextLength: 2048,
    });
    expect(chooseTarget({ ...free, answering: null })).toEqual({ kind: "obstacle", obstacle: "nobody" });
  });

  it("is never a stranger's where only the own machine may answer", () => {
    const own = { own: sampleModel.id, ownNodes: true, wanted: other.id, answering: other.id, models };
    expect(chooseTarget(own)).toMatchObject({ model: sampleModel.id });
    expect(chooseTarget({ ...own, own: null })).toEqual({ kind: "obstacle", obstacle: "own_idle" });
  });
});

describe("a text that repeats itself", () => {
  it.each([
    ["a word", "ja ".repeat(700), true],
    ["lines", `alku\n${'    print("hei")\n'.repeat(120)}`, true],
    ["prose", Array.from({ length: 400 }, (_, index) => `sana${index * index}`).join(" "), false],
    ["a short one", "ja ".repeat(100), false],
    [
      "one that began so but went on",
      `${"ja ".repeat(700)}mutta sitten ${Array.from({ length: 99 }, (_, i) => i ** 3).join(" ")}`,
      false,
    ],
  ])("is noticed: %s", (_, text, repeats) => {
    expect(repeatsItself(text)).toBe(repeats);
  });
});
