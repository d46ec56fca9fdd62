// The conversations of the engine's golden answers.

import { readFileSync } from "node:fs";

import type { Ask } from "./hub";

interface Golden {
  messages: Ask["messages"];
}

export const MODEL = "qwen2.5-coder:0.5b";

const file = new URL("../../engine/tests/golden/qwen2.5-coder-0.5b/greedy.json", import.meta.url);

export const conversations = (JSON.parse(readFileSync(file, "utf8")) as Golden[]).map(
  ({ messages }) => messages,
);

/** A question whose answer takes a while. */
export const longAnswer = [
  { role: "user", content: "Write a long tutorial about sorting algorithms in Python, with code for each." },
];
