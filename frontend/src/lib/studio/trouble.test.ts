import { describe, expect, it } from "vitest";

import { troubleMessage, watchTrouble } from "./trouble";

function watched() {
  const source = new EventTarget();
  const told: string[] = [];
  const end = watchTrouble(source, (message) => told.push(message));
  const happen = (type: string, facts: object): void => {
    source.dispatchEvent(Object.assign(new Event(type), facts));
  };
  return { told, end, happen };
}

describe("what no code has caught", () => {
  it("is told, until nobody listens", () => {
    const { told, end, happen } = watched();
    happen("error", { error: new TypeError("x is not a function") });
    happen("error", { error: null, message: "Script error." });
    happen("unhandledrejection", { reason: new Error("lost") });
    happen("unhandledrejection", { reason: 404 });
    end();
    happen("unhandledrejection", { reason: new Error("later") });
    expect(told).toEqual(["x is not a function", "Script error.", "lost", "404"]);
  });

  it("is not told where somebody wanted it, or nothing is wrong", () => {
    const { told, happen } = watched();
    happen("unhandledrejection", { reason: new DOMException("stopped", "AbortError") });
    happen("error", {
      error: undefined,
      message: "ResizeObserver loop completed with undelivered notifications.",
    });
    expect(told).toEqual([]);
  });

  it("fits on the screen", () => {
    expect(troubleMessage(new Error("x".repeat(9999)))).toHaveLength(201);
    expect(troubleMessage(new RangeError())).toBe("RangeError");
  });
});
