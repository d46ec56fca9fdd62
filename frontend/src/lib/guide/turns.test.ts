import { describe, expect, it, vi } from "vitest";

import type { Distribution } from "../worker/wasm";
import { Turns } from "./turns";

const answer: Distribution = { candidates: [], rest: [], promptTokens: 1, cachedTokens: 0, prefillMs: 1 };

function setUp() {
  const asked: { input: unknown; resolve: () => void; reject: () => void }[] = [];
  const turns = new Turns(
    (input) =>
      new Promise((resolve, reject) => {
        asked.push({
          input,
          resolve: () => {
            resolve(answer);
          },
          reject: () => {
            reject(new Error("given up"));
          },
        });
      }),
  );
  return { turns, asked, inputs: () => asked.map(({ input }) => input) };
}

describe("the experiments' turns", () => {
  it("come one after another", async () => {
    const { turns, asked, inputs } = setUp();
    const first = turns.ask("a", "1", 5);
    const second = turns.ask("b", "2", 5);
    const third = turns.ask("c", "3", 5);
    expect(inputs()).toEqual(["1"]);
    asked[0]?.resolve();
    await expect(first).resolves.toBe(answer);
    expect(inputs()).toEqual(["1", "2"]);
    asked[1]?.reject();
    await expect(second).rejects.toThrow("given up");
    await vi.waitFor(() => {
      expect(inputs()).toEqual(["1", "2", "3"]);
    });
    asked[2]?.resolve();
    await third;
    void turns.ask("b", "4", 5);
    expect(inputs()).toEqual(["1", "2", "3", "4"]);
  });

  it("let an experiment replace its own question, running or waiting", async () => {
    const { turns, asked, inputs } = setUp();
    const replaced = turns.ask("a", "1", 5).catch(String);
    void turns.ask("a", "2", 5);
    expect(inputs()).toEqual(["1", "2"]);
    const waiting = turns.ask("b", "3", 5).catch(String);
    const instead = turns.ask("b", "4", 5);
    expect(await waiting).toContain("took its place");
    asked[0]?.reject();
    expect(await replaced).toContain("given up");
    expect(inputs()).toEqual(["1", "2"]);
    asked[1]?.resolve();
    await vi.waitFor(() => {
      expect(inputs()).toEqual(["1", "2", "4"]);
    });
    asked[2]?.resolve();
    await expect(instead).resolves.toBe(answer);
  });
});
