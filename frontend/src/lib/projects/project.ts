// A project as the pipeline saves it, checked: it comes from storage, from a file, or from another page's hand.

import * as v from "valibot";

import { roles } from "../team/agent";

const role = v.picklist(roles);
const count = v.pipe(v.number(), v.integer(), v.minValue(0));
const path = v.pipe(v.string(), v.regex(/^[\w./-]{1,120}$/));
const share = v.picklist(["whole", "outline", "nothing"]);
const fileProblem = v.picklist(["empty", "repeats", "too_long", "shrunk"]);
const issue = v.object({ path, text: v.string() });

const failure = v.variant("kind", [
  v.object({ kind: v.literal("plan"), problem: v.string() }),
  v.object({ kind: v.literal("file"), path, problem: fileProblem }),
  v.object({ kind: v.literal("window"), needed: count, window: count }),
  v.object({ kind: v.literal("nobody"), message: v.string() }),
]);

const notice = v.variant("kind", [
  v.object({
    kind: v.literal("shortened"),
    path: v.nullable(path),
    shares: v.array(v.tuple([path, share])),
  }),
  v.object({ kind: v.literal("plan_refused"), problem: v.string() }),
  v.object({ kind: v.literal("file_refused"), path, problem: fileProblem }),
  v.object({ kind: v.literal("review_unclear") }),
  v.object({ kind: v.literal("issues_left"), issues: v.array(issue) }),
  v.object({ kind: v.literal("lost"), message: v.string() }),
]);

const version = v.object({
  text: v.string(),
  /** Null: the person. */
  by: v.nullable(role),
  /** The round of reviews before which it was written. */
  round: count,
});

const file = v.object({
  path,
  purpose: v.string(),
  needs: v.array(path),
  role,
  state: v.variant("is", [
    v.object({ is: v.literal("waiting") }),
    v.object({ is: v.literal("partial"), text: v.string(), continuations: count }),
    v.object({ is: v.literal("written") }),
  ]),
  /** The newest last. */
  versions: v.array(version),
  attempts: count,
  instruction: v.nullable(v.string()),
});

export const stages = ["planning", "writing", "reviewing", "mending", "summing", "done"] as const;

export const projectSchema = v.object({
  idea: v.string(),
  stage: v.picklist(stages),
  run: v.variant("is", [
    v.object({ is: v.literal("running") }),
    v.object({ is: v.literal("stopped") }),
    v.object({ is: v.literal("failed"), reason: failure }),
    v.object({ is: v.literal("finished") }),
  ]),
  files: v.array(file),
  issues: v.array(issue),
  past_issues: v.array(issue),
  rounds: count,
  risks: v.nullable(v.string()),
  notices: v.array(notice),
  attempts: count,
});

export type Project = v.InferOutput<typeof projectSchema>;
export type ProjectFile = Project["files"][number];
export type Version = ProjectFile["versions"][number];
export type Stage = Project["stage"];
export type Issue = v.InferOutput<typeof issue>;
export type Notice = v.InferOutput<typeof notice>;
export type Failure = v.InferOutput<typeof failure>;
export type FileProblem = v.InferOutput<typeof fileProblem>;
export type Share = v.InferOutput<typeof share>;

export function fileAt(project: Project, filePath: string): ProjectFile | undefined {
  return project.files.find((candidate) => candidate.path === filePath);
}

/** The newest text; null while there is none. */
export function newestText(of: ProjectFile): string | null {
  return of.versions.at(-1)?.text ?? null;
}
