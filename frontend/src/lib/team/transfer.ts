// Agents as a file: what a person exports, and what is imported after a check of every field.

import * as v from "valibot";

import { profileSchema, roles, type StudioAgent } from "./agent";

const FORMAT = "kipina-team";
const MOST_AGENTS = 100;
/** A file of a hundred agents with the longest prompts is well below this. */
export const MOST_BYTES = 2_000_000;

const imported = v.object({ ...profileSchema.entries, role: v.nullable(v.picklist(roles)) });

export type ImportedAgent = v.InferOutput<typeof imported>;

/** Why a file can't be imported; `agent` is its place in the file from 1, `field` such as `sampling.top_k`. */
export type ImportFailure =
  | { kind: "too_large" | "not_json" | "not_team" | "newer" | "empty" | "too_many" }
  | { kind: "role_twice"; agent: number; name: string }
  | { kind: "field"; agent: number; name: string | null; field: string };

export type Imported = { ok: true; agents: readonly ImportedAgent[] } | { ok: false; failure: ImportFailure };

/** An agent as a file has it: ids are a browser's own. */
export function writtenAgent({ role, name, avatar, model, prompt, sampling }: StudioAgent): ImportedAgent {
  return { role, name, avatar, model, prompt, sampling };
}

export function exportText(agents: readonly StudioAgent[]): string {
  const file = { format: FORMAT, version: 1, agents: agents.map(writtenAgent) };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** A file name that every system takes. */
export function exportName(agents: readonly StudioAgent[]): string {
  const [only, ...others] = agents;
  if (only === undefined || others.length > 0) return "kipina-team.json";
  const plain = only.name
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "");
  return `kipina-${plain || "agent"}.json`;
}

/** All of a file or nothing of it. */
export function parseImport(text: string): Imported {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return refused({ kind: "not_json" });
  }
  const file = v.safeParse(
    v.object({ format: v.literal(FORMAT), version: v.number(), agents: v.array(v.unknown()) }),
    json,
  );
  if (!file.success) return refused({ kind: "not_team" });
  const { version, agents } = file.output;
  if (version > 1) return refused({ kind: "newer" });
  if (agents.length === 0) return refused({ kind: "empty" });
  if (agents.length > MOST_AGENTS) return refused({ kind: "too_many" });
  const read: ImportedAgent[] = [];
  for (const [index, candidate] of agents.entries()) {
    const parsed = v.safeParse(imported, candidate);
    if (!parsed.success) {
      const field = v.getDotPath(parsed.issues[0]) ?? "";
      return refused({ kind: "field", agent: index + 1, name: nameOf(candidate), field });
    }
    const { role, name } = parsed.output;
    if (role !== null && read.some((other) => other.role === role)) {
      return refused({ kind: "role_twice", agent: index + 1, name });
    }
    read.push(parsed.output);
  }
  return { ok: true, agents: read };
}

function refused(failure: ImportFailure): Imported {
  return { ok: false, failure };
}

function nameOf(candidate: unknown): string | null {
  const named = v.safeParse(v.object({ name: v.pipe(v.string(), v.trim(), v.minLength(1)) }), candidate);
  return named.success ? named.output.name.slice(0, 60) : null;
}
