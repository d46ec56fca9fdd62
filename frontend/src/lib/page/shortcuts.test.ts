import { describe, expect, it } from "vitest";

import { views } from "./router";
import { Shortcuts, takesKeys, viewKeys, type KeyPress } from "./shortcuts";

const key = (name: string, held: Partial<KeyPress> = {}): KeyPress => ({
  key: name,
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  repeat: false,
  ...held,
});

describe("single keys", () => {
  it("open the map, the prompt and the dialog of a machine", () => {
    const shortcuts = new Shortcuts();
    expect(shortcuts.press(key("?"), 0)).toEqual({ kind: "keys" });
    expect(shortcuts.press(key("/"), 0)).toEqual({ kind: "prompt" });
    expect(shortcuts.press(key("+"), 0)).toEqual({ kind: "join" });
    expect(shortcuts.press(key("x"), 0)).toBeNull();
  });

  it.each(views)("go to %s", (view) => {
    const shortcuts = new Shortcuts();
    expect(shortcuts.press(key("g"), 0)).toBeNull();
    expect(shortcuts.press(key(viewKeys[view]), 900)).toEqual({ kind: "view", view });
  });

  it("go nowhere alone, too late, or after another key", () => {
    const shortcuts = new Shortcuts();
    expect(shortcuts.press(key("v"), 0)).toBeNull();
    shortcuts.press(key("g"), 0);
    expect(shortcuts.press(key("v"), 1501)).toBeNull();
    shortcuts.press(key("g"), 2000);
    shortcuts.press(key("x"), 2100);
    expect(shortcuts.press(key("v"), 2200)).toBeNull();
  });

  it("leave the browser's own alone", () => {
    const shortcuts = new Shortcuts();
    for (const held of [{ ctrlKey: true }, { metaKey: true }, { altKey: true }, { repeat: true }])
      expect(shortcuts.press(key("?", held), 0)).toBeNull();
  });

  it("are each another", () => {
    expect(new Set(Object.values(viewKeys)).size).toBe(views.length);
  });
});

describe("typing", () => {
  const element = (tagName: string, facts: object = {}) => ({ tagName, closest: () => null, ...facts });

  it("is what fields, editors and dialogs take", () => {
    expect(takesKeys(element("INPUT", { type: "text" }))).toBe(true);
    expect(takesKeys(element("TEXTAREA"))).toBe(true);
    expect(takesKeys(element("SELECT"))).toBe(true);
    expect(takesKeys(element("DIV", { isContentEditable: true }))).toBe(true);
    expect(takesKeys(element("BUTTON", { closest: () => ({}) }))).toBe(true);
  });

  it("is not what buttons, links and switches take", () => {
    expect(takesKeys(null)).toBe(false);
    expect(takesKeys(element("BUTTON"))).toBe(false);
    expect(takesKeys(element("INPUT", { type: "checkbox" }))).toBe(false);
  });
});
