import { describe, expect, it } from "vitest";

import { formatsOf } from "../i18n/format";
import { dictionaries, languages } from "../i18n/language";
import { en } from "../i18n/terminal/en";
import { fi } from "../i18n/terminal/fi";
import { benchPrompt, benchResult } from "./bench";
import { commandNames } from "./commands";
import type { Output } from "./outputs";
import { tablesOf } from "./tables";

const words = { fi, en };

const outputs: Output[] = [
  { kind: "help" },
  {
    kind: "models",
    hub: "connected",
    models: [
      { id: "m", parameters: 494e6, bytes: 491e6, exact: false, nodes: 2, stored: false, fits: true },
      { id: "n", parameters: 7e9, bytes: 5e9, exact: true, nodes: 0, stored: false, fits: false },
    ],
  },
  {
    kind: "status",
    hub: "unreachable",
    nodes: null,
    waiting: null,
    running: null,
    face: "ready",
    loaded: "m",
    agent: "Koodari",
    answering: null,
    ownNodes: true,
  },
  {
    kind: "nodes",
    hub: "connected",
    nodes: [
      { name: "kone", kind: "native", models: ["m"], busy: 0, slots: 1, tokensPerSecond: 20, prompts: 3 },
      { name: "x", kind: "toaster", models: [], busy: 1, slots: 1, tokensPerSecond: null, prompts: 0 },
    ],
  },
  {
    kind: "agents",
    agents: [
      { name: "Koodari", model: null, chosen: true },
      { name: "Data", model: "m", chosen: false },
    ],
  },
  benchResult("m", { finishReason: "length", promptTokens: 200, completionTokens: 64, report: null }, 900),
];

describe.each(languages)("tables in %s", (language) => {
  const said = { words: words[language], text: dictionaries[language], formats: formatsOf(language) };

  it.each(outputs)("of $kind have a name, and a cell for each column", (output) => {
    const tables = tablesOf(output, said);
    expect(tables.length).toBeGreaterThan(0);
    for (const { caption, columns, rows } of tables) {
      expect(caption).not.toBe("");
      for (const row of rows) {
        expect(row).toHaveLength(columns.length);
        expect(row.join("")).not.toMatch(/undefined|null|NaN/);
      }
    }
  });

  it("of help name every command", () => {
    expect(tablesOf({ kind: "help" }, said)[0]?.rows).toHaveLength(commandNames.length);
  });
});

it("measures prefill without the wait, and decode as the hub does", () => {
  const report = {
    node: "kone",
    kind: "native",
    model: "m",
    queued_ms: 100,
    first_token_ms: 500,
    tokens_per_second: 21,
  };
  const answer = { finishReason: "length", promptTokens: 200, completionTokens: 64, report };
  expect(benchResult("asked", answer, 3500)).toEqual({
    kind: "bench",
    model: "m",
    node: "kone",
    queuedMs: 100,
    promptTokens: 200,
    prefillMs: 400,
    prefillPerSecond: 500,
    completionTokens: 64,
    decodeMs: 3000,
    decodePerSecond: 21,
    totalMs: 3500,
  });
});

it("has a prompt whose beginning no machine has computed before", () => {
  const first = JSON.stringify(benchPrompt("m", "1").messages);
  const second = JSON.stringify(benchPrompt("m", "2").messages);
  expect(first.slice(0, 60)).not.toBe(second.slice(0, 60));
});
