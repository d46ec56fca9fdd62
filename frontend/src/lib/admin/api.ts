// The operator's API, every answer checked. docs/ADMIN.md describes it.

import * as v from "valibot";

import { getJson, HubError, request } from "../hub/client";
import type { Page } from "./paged";

const who = v.variant("kind", [
  v.object({ kind: v.literal("session") }),
  v.object({ kind: v.literal("key"), id: v.number(), name: v.string() }),
  v.object({ kind: v.literal("this_machine") }),
]);

const session = v.object({ who, expires_at: v.nullable(v.number()) });

const keyName = v.object({ id: v.number(), name: v.nullable(v.string()), owner: v.nullable(v.string()) });

const node = v.object({
  id: v.string(),
  name: v.string(),
  kind: v.string(),
  software: v.string(),
  address: v.string(),
  key: v.nullable(keyName),
  has_key: v.boolean(),
  trusted: v.boolean(),
  /** Hubs from before audits have no word of it. */
  suspended: v.optional(v.boolean(), false),
  distrusted: v.boolean(),
  draining: v.boolean(),
  paused: v.boolean(),
  only_own: v.boolean(),
  breaker: v.object({ state: v.string(), rests_for_ms: v.nullable(v.number()) }),
  models: v.array(v.string()),
  busy: v.number(),
  slots: v.number(),
  tokens_per_second: v.nullable(v.number()),
  prompts: v.number(),
  tokens: v.number(),
  /** Unix time in seconds. */
  joined_at: v.number(),
});

const nodePage = v.object({
  nodes: v.array(node),
  /** All that are here. */
  count: v.number(),
  next_after: v.nullable(v.string()),
});

const whom = v.object({
  kind: v.string(),
  node_kind: v.optional(v.string()),
  name: v.optional(v.string()),
  key: v.optional(v.number()),
  network: v.optional(v.string()),
});

const rule = v.object({
  id: v.number(),
  rule: v.string(),
  whom,
  reason: v.nullable(v.string()),
  made_at: v.number(),
});

const limits = v.object({
  requests_per_minute: v.nullable(v.number()),
  tokens_per_minute: v.nullable(v.number()),
  requests_per_day: v.nullable(v.number()),
  tokens_per_day: v.nullable(v.number()),
});

const use = v.object({ prompts: v.number(), prompt_tokens: v.number(), completion_tokens: v.number() });

const key = v.object({
  id: v.number(),
  prefix: v.string(),
  name: v.string(),
  status: v.string(),
  scopes: v.array(v.string()),
  models: v.nullable(v.array(v.string())),
  nodes: v.string(),
  owner: v.nullable(v.string()),
  limits,
  created_at: v.number(),
  expires_at: v.nullable(v.number()),
  last_used_at: v.nullable(v.number()),
  previous: v.nullable(v.object({ prefix: v.string(), valid_until: v.number() })),
  usage: v.optional(v.object({ today: use, total: use })),
  /** The key itself, in the answers that make one. */
  secret: v.optional(v.string()),
});

const prompt = v.object({
  task_id: v.string(),
  model: v.string(),
  key: v.nullable(keyName),
  state: v.string(),
  for_ms: v.number(),
  expected_prompt_tokens: v.number(),
  expected_answer_tokens: v.number(),
  attempts: v.number(),
  second_attempt: v.boolean(),
  node: v.nullable(v.object({ id: v.string(), name: v.string(), model: v.string() })),
});

const queue = v.object({ waiting: v.number(), running: v.number(), prompts: v.array(prompt) });

const audits = v.object({
  /** Since the hub started. */
  counts: v.object({
    waiting: v.number(),
    running: v.number(),
    judged: v.number(),
    missed: v.number(),
    faults: v.number(),
  }),
  standings: v.array(
    v.object({
      node_id: v.string(),
      node_name: v.string(),
      model: v.string(),
      suspended: v.boolean(),
      good_verdicts: v.number(),
      audited_share: v.number(),
      /** In logits, or of what was drawn with a seed as a share of the probability; null before the first verdict. */
      mean_margin: v.nullable(v.number()),
      threshold: v.nullable(v.number()),
    }),
  ),
  suspended: v.array(
    v.object({
      identity: v.string(),
      node_name: v.nullable(v.string()),
      model: v.nullable(v.string()),
      at_ms: v.nullable(v.number()),
      /** Of those who are here. */
      node_ids: v.array(v.string()),
    }),
  ),
});

const verdict = v.object({
  id: v.number(),
  at_ms: v.number(),
  node_name: v.string(),
  model: v.string(),
  tokens: v.number(),
  mean_margin: v.number(),
  threshold: v.number(),
  good: v.boolean(),
});

const verdicts = v.object({ verdicts: v.array(verdict), next_before: v.nullable(v.number()) });

const value = v.union([v.string(), v.number(), v.boolean()]);

const setting = v.object({
  name: v.string(),
  kind: v.picklist(["choice", "count", "limit", "seconds", "switch"]),
  choices: v.optional(v.array(v.string()), []),
  least: v.optional(v.number(), 0),
  most: v.optional(v.number(), 0),
  environment: v.nullable(v.string()),
  default: value,
  at_start: value,
  value,
  is_set: v.boolean(),
});

const entry = v.object({
  id: v.number(),
  at_ms: v.number(),
  who,
  address: v.string(),
  action: v.string(),
  subject: v.string(),
  details: v.record(v.string(), v.unknown()),
});

const entries = v.object({ entries: v.array(entry), next_before: v.nullable(v.number()) });

export type Session = v.InferOutput<typeof session>;
export type Who = v.InferOutput<typeof who>;
export type AdminNode = v.InferOutput<typeof node>;
export type NodePage = v.InferOutput<typeof nodePage>;
export type Rule = v.InferOutput<typeof rule>;
export type Key = v.InferOutput<typeof key>;
export type QueuedPrompt = v.InferOutput<typeof prompt>;
export type Queue = v.InferOutput<typeof queue>;
export type Audits = v.InferOutput<typeof audits>;
export type Verdict = v.InferOutput<typeof verdict>;
export type Setting = v.InferOutput<typeof setting>;
export type SettingValue = v.InferOutput<typeof value>;
export type LogEntry = v.InferOutput<typeof entry>;

/** What a new key may be, as the hub takes it. */
export interface NewKey {
  name: string;
  scopes: readonly string[];
  models: readonly string[] | null;
  nodes: string;
  owner: string | null;
  limits: Key["limits"];
  /** Unix time in seconds. */
  expires_at: number | null;
}

export class AdminApi {
  readonly #fetcher: typeof fetch;

  constructor(fetcher: typeof fetch) {
    this.#fetcher = fetcher;
  }

  session(): Promise<Session> {
    return this.#get("/session", session);
  }

  logIn(password: string): Promise<Session> {
    return this.#send("POST", "/login", { password }, session);
  }

  async logOut(): Promise<void> {
    await this.#request("POST", "/logout");
  }

  /** Those that joined after the one with this id; null: from the first on. */
  nodes(after: string | null): Promise<NodePage> {
    return this.#get(`/nodes${after === null ? "" : `?after=${encodeURIComponent(after)}`}`, nodePage);
  }

  async rules(): Promise<Rule[]> {
    return (await this.#get("/node-rules", v.object({ rules: v.array(rule) }))).rules;
  }

  drain(id: string, drained: boolean): Promise<AdminNode> {
    return this.#send(drained ? "POST" : "DELETE", `/nodes/${encodeURIComponent(id)}/drain`, null, node);
  }

  trust(id: string, trusted: boolean): Promise<AdminNode> {
    return this.#send(trusted ? "POST" : "DELETE", `/nodes/${encodeURIComponent(id)}/trust`, null, node);
  }

  ban(id: string, order: { whom: "node" | "address"; reason: string | null }): Promise<Rule> {
    return this.#send("POST", `/nodes/${encodeURIComponent(id)}/ban`, order, rule);
  }

  takeBack(id: number): Promise<Rule> {
    return this.#send("DELETE", `/node-rules/${id}`, null, rule);
  }

  async keys(): Promise<Key[]> {
    return (await this.#get("/keys", v.object({ keys: v.array(key) }))).keys;
  }

  makeKey(terms: NewKey): Promise<Key> {
    return this.#send("POST", "/keys", terms, key);
  }

  rotateKey(id: number): Promise<Key> {
    return this.#send("POST", `/keys/${id}/rotate`, null, key);
  }

  revokeKey(id: number): Promise<Key> {
    return this.#send("DELETE", `/keys/${id}`, null, key);
  }

  queue(): Promise<Queue> {
    return this.#get("/queue", queue);
  }

  async cancel(taskId: string): Promise<void> {
    await this.#request("DELETE", `/queue/${encodeURIComponent(taskId)}`);
  }

  audits(): Promise<Audits> {
    return this.#get("/audits", audits);
  }

  async verdicts(before: number | null): Promise<Page<Verdict>> {
    const page = await this.#get(`/audits/verdicts${span(before)}`, verdicts);
    return { entries: page.verdicts, next: page.next_before };
  }

  async reinstate(identity: string): Promise<void> {
    await this.#request("POST", `/audits/${encodeURIComponent(identity)}/reinstate`);
  }

  async settings(): Promise<Setting[]> {
    return (await this.#get("/settings", v.object({ settings: v.array(setting) }))).settings;
  }

  /** null takes a setting back to what held at the start. */
  async changeSettings(patch: Record<string, SettingValue | null>): Promise<Setting[]> {
    const all = v.object({ settings: v.array(setting) });
    return (await this.#send("PATCH", "/settings", patch, all)).settings;
  }

  async changes(before: number | null): Promise<Page<LogEntry>> {
    const page = await this.#get(`/audit-log${span(before)}`, entries);
    return { entries: page.entries, next: page.next_before };
  }

  #get<Schema extends v.GenericSchema>(path: string, schema: Schema): Promise<v.InferOutput<Schema>> {
    return getJson(this.#fetcher, `/api/admin${path}`, schema);
  }

  async #send<Schema extends v.GenericSchema>(
    method: string,
    path: string,
    body: object | null,
    schema: Schema,
  ): Promise<v.InferOutput<Schema>> {
    const response = await this.#request(method, path, body);
    const parsed = v.safeParse(schema, await response.json().catch(() => null));
    if (!parsed.success) throw new HubError({ kind: "unreadable" });
    return parsed.output;
  }

  #request(method: string, path: string, body: object | null = null): Promise<Response> {
    const init: RequestInit = body === null ? { method } : { method, body: JSON.stringify(body) };
    return request(this.#fetcher, `/api/admin${path}`, init);
  }
}

/** Of a list that is handed out in pages. */
function span(before: number | null): string {
  return `?limit=50${before === null ? "" : `&before=${before}`}`;
}
