// What commands answer: a snapshot as plain data, said in words by the component that shows it.

import * as v from "valibot";

import { commandNames } from "./commands";

const command = v.picklist(commandNames);
const text = v.string();
const count = v.number();
const maybe = v.nullable(count);

/** The hub's own word about a request; the same shape as `HubFailure`. */
export const hubFailure = v.variant("kind", [
  v.object({ kind: v.literal("unreachable") }),
  v.object({ kind: v.literal("unreadable") }),
  v.object({
    kind: v.literal("refused"),
    status: count,
    code: v.nullable(text),
    message: text,
  }),
]);

const problem = v.variant("kind", [
  v.object({ kind: v.literal("unknown_command"), word: text, nearest: v.nullable(command) }),
  v.object({ kind: v.literal("incomplete"), command }),
  v.object({ kind: v.literal("unknown_model"), name: text, nearest: v.nullable(text) }),
  v.object({ kind: v.literal("unknown_agent"), name: text, nearest: v.nullable(text) }),
  v.object({ kind: v.literal("unknown_language"), name: text }),
  v.object({ kind: v.literal("no_catalogue") }),
  v.object({ kind: v.literal("nobody") }),
  v.object({ kind: v.literal("own_idle") }),
  v.object({ kind: v.literal("no_model") }),
  v.object({ kind: v.literal("too_much_text"), most: count }),
  v.object({ kind: v.literal("busy") }),
  v.object({ kind: v.literal("hub"), failure: hubFailure }),
  /** A part of the page that did not come. */
  v.object({ kind: v.literal("missing_part") }),
  v.object({ kind: v.literal("tokenizer"), message: text }),
  v.object({ kind: v.literal("project"), message: text }),
  v.object({ kind: v.literal("interrupted") }),
]);

export type Problem = v.InferOutput<typeof problem>;

const model = v.object({
  id: text,
  parameters: count,
  bytes: count,
  exact: v.boolean(),
  nodes: count,
  stored: v.boolean(),
  fits: v.boolean(),
});

const node = v.object({
  name: text,
  kind: text,
  models: v.array(text),
  busy: count,
  slots: count,
  tokensPerSecond: maybe,
  prompts: count,
});

const agent = v.object({ name: text, model: v.nullable(text), chosen: v.boolean() });

const hubState = v.picklist(["unknown", "connected", "unreachable"]);

export const output = v.variant("kind", [
  v.object({ kind: v.literal("help") }),
  v.object({ kind: v.literal("models"), hub: hubState, models: v.array(model) }),
  v.object({ kind: v.literal("load"), model: text }),
  v.object({ kind: v.literal("unloaded"), model: v.nullable(text) }),
  v.object({
    kind: v.literal("status"),
    hub: hubState,
    nodes: maybe,
    waiting: maybe,
    running: maybe,
    face: text,
    loaded: v.nullable(text),
    agent: text,
    answering: v.nullable(text),
    ownNodes: v.boolean(),
  }),
  v.object({ kind: v.literal("nodes"), hub: hubState, nodes: v.array(node) }),
  v.object({ kind: v.literal("agents"), agents: v.array(agent) }),
  v.object({ kind: v.literal("agent"), name: text }),
  v.object({ kind: v.literal("project"), id: text, idea: text }),
  v.object({ kind: v.literal("stopped"), answer: v.boolean() }),
  v.object({
    kind: v.literal("tokens"),
    model: text,
    characters: count,
    count,
    /** The first ones. */
    tokens: v.array(v.object({ id: count, text })),
  }),
  v.object({
    kind: v.literal("bench"),
    model: text,
    node: v.nullable(text),
    queuedMs: maybe,
    promptTokens: maybe,
    prefillMs: maybe,
    prefillPerSecond: maybe,
    completionTokens: maybe,
    decodeMs: maybe,
    decodePerSecond: maybe,
    totalMs: count,
  }),
  v.object({ kind: v.literal("language"), language: v.picklist(["fi", "en"]) }),
  v.object({ kind: v.literal("problem"), problem }),
]);

export type Output = v.InferOutput<typeof output>;

export type OutputOf<Kind extends Output["kind"]> = Extract<Output, { kind: Kind }>;

export const failing = (found: Problem): Output => ({ kind: "problem", problem: found });
