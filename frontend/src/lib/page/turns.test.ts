import { describe, expect, it } from "vitest";

import { Turns } from "./turns";

function bench() {
  const tasks: (() => void)[] = [];
  const turns = new Turns((run) => tasks.push(run));
  /** Runs the next task; false where there is none. */
  const step = (): boolean => {
    const task = tasks.shift();
    task?.();
    return task !== undefined;
  };
  const done: string[] = [];
  const ask = (name: string) => turns.ask(() => done.push(name));
  return { turns, step, done, ask };
}

describe("turns", () => {
  it("come one to a task, in the order they were asked for", () => {
    const { step, done, ask } = bench();
    ask("one");
    ask("two");
    expect(done).toEqual([]);
    step();
    expect(done).toEqual(["one"]);
    ask("three");
    step();
    expect(done).toEqual(["one", "two"]);
    step();
    expect(done).toEqual(["one", "two", "three"]);
    expect(step()).toBe(false);
  });

  it("do not come to what was taken back", () => {
    const { step, done, ask } = bench();
    const takeBack = ask("one");
    ask("two");
    takeBack();
    while (step());
    expect(done).toEqual(["two"]);
    takeBack();
    ask("three");
    while (step());
    expect(done).toEqual(["two", "three"]);
  });

  it("come at once for whoever can't wait", () => {
    const { turns, step, done, ask } = bench();
    ask("one");
    ask("two");
    turns.rush();
    expect(done).toEqual(["one", "two"]);
    ask("three");
    while (step());
    expect(done).toEqual(["one", "two", "three"]);
  });

  it("have come to all that was asked for before, for whoever waits", async () => {
    const { turns, step, done, ask } = bench();
    ask("one");
    const waited = turns.come().then(() => done.push("waited"));
    ask("two");
    step();
    step();
    await waited;
    expect(done).toEqual(["one", "waited"]);
  });

  it("go on after a piece that throws", () => {
    const { turns, step, done, ask } = bench();
    turns.ask(() => {
      throw new Error("broken");
    });
    ask("two");
    expect(step).toThrow("broken");
    step();
    expect(done).toEqual(["two"]);
  });

  it("come twice to what was asked for twice", () => {
    const { turns, step } = bench();
    let times = 0;
    const piece = (): void => {
      times += 1;
    };
    turns.ask(piece);
    turns.ask(piece);
    while (step());
    expect(times).toBe(2);
  });
});
