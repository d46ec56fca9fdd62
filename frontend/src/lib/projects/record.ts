// A project as the browser keeps it, and as a file carries it to another one.

import * as v from "valibot";

import { projectSchema, type Project } from "./project";

const NAME_LENGTH = 80;

const timing = v.object({ kind: v.picklist(["plan", "file", "review", "risks"]), seconds: v.number() });
const meter = v.object({ promptTokens: v.number(), window: v.number() });

const recordSchema = v.object({
  id: v.pipe(v.string(), v.regex(/^[\w-]{1,64}$/)),
  name: v.pipe(v.string(), v.maxLength(NAME_LENGTH)),
  /** Milliseconds since 1970. */
  createdAt: v.number(),
  changedAt: v.number(),
  project: projectSchema,
  /** What a person has typed into files and not saved yet, by path. */
  drafts: v.optional(v.record(v.string(), v.string()), {}),
  timings: v.optional(v.array(timing), []),
  meters: v.optional(v.record(v.string(), meter), {}),
});

export type ProjectRecord = v.InferOutput<typeof recordSchema>;

/** Null where it is none, as from an older page. */
export function readRecord(value: unknown): ProjectRecord | null {
  const parsed = v.safeParse(recordSchema, value);
  return parsed.success ? parsed.output : null;
}

export function newRecord(id: string, project: Project, name: string, now: number): ProjectRecord {
  return {
    id,
    name: nameFrom(name),
    createdAt: now,
    changedAt: now,
    project,
    drafts: {},
    timings: [],
    meters: {},
  };
}

/** A name that fits: an idea's first words, or what a person wrote. */
export function nameFrom(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  if (line.length <= NAME_LENGTH) return line;
  const cut = line.slice(0, NAME_LENGTH - 1);
  const space = cut.lastIndexOf(" ");
  return `${cut.slice(0, space > NAME_LENGTH / 2 ? space : undefined)}…`;
}

const FORMAT = "kipina-project";

const exported = v.object({
  format: v.literal(FORMAT),
  version: v.literal(1),
  name: v.pipe(v.string(), v.maxLength(NAME_LENGTH)),
  project: projectSchema,
});

export function exportText({ name, project }: ProjectRecord): string {
  return `${JSON.stringify({ format: FORMAT, version: 1, name, project }, null, 2)}\n`;
}

/** Null where the text is no project that this page knows. */
export function importText(text: string): { name: string; project: Project } | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = v.safeParse(exported, json);
  if (!parsed.success) return null;
  const { name, project } = parsed.output;
  return { name, project };
}

/** A file's name for a project, the same on every system. */
export function fileNameOf(name: string): string {
  const plain = name
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .replace(/[^A-Za-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .toLowerCase();
  return plain.slice(0, 40).replace(/-+$/, "") || "kipina";
}
