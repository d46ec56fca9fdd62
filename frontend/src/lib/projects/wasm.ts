// What the page expects of the pipeline's wasm build, `/wasm/pipeline/pipeline.js`.

import type { Sampling } from "../settings/settings";
import type { Role } from "../team/agent";
import type { PipelineAgent } from "../team/pipeline-team";
import type { Project } from "./project";

export interface PipelineModule {
  default(init: { module_or_path: URL }): Promise<unknown>;
  TeamAtWork: new (
    project: Project,
    team: PipelineTeam,
    limits: Limits,
    count?: (text: string) => number,
  ) => TeamAtWork;
  newProject(idea: string): Project;
  defaultLimits(): Limits;
  /** The project as the team would save it; throws where it could not be worked on. */
  checkProject(project: Project): Project;
}

/** The team at work on one project; its methods throw an `Error` that says which value is none of its kind. */
export interface TeamAtWork {
  handle(event: WorkEvent): Effect[];
  project(): Project;
  setTeam(team: PipelineTeam): void;
  free(): void;
}

export interface PipelineTeam {
  agents: PipelineAgent[];
}

export interface Limits {
  /** The model's window, in tokens. */
  window: number;
  files: number;
  rounds: number;
  parallel: number;
  attempts: number;
  continuations: number;
}

export type WorkEvent =
  | { type: "start" }
  | { type: "stop" }
  /** Without its prefill. */
  | { type: "answer"; id: number; text: string; finish: "stop" | "length" }
  | { type: "lost"; id: number; message: string; may_retry: boolean }
  | { type: "edit"; path: string; text: string }
  | { type: "regenerate"; path: string; instruction: string }
  | { type: "revert"; path: string; version: number }
  | { type: "remove"; path: string };

export type Effect =
  { type: "ask"; request: WorkRequest } | { type: "withdraw"; id: number } | { type: "save" };

export interface WorkRequest {
  /** Unique as long as the machine lives. */
  id: number;
  role: Role;
  purpose: Purpose;
  /** An id or a family; null: whichever the studio has chosen. */
  model: string | null;
  system: string;
  user: string;
  /** How the answer begins; the model goes on from here. */
  prefill: string;
  /** The end of the prefill that belongs to what is written. */
  begun: string;
  stop: string[];
  sampling: Sampling;
  /** Tokens of the prompt, at most, and of the window. */
  prompt_tokens: number;
  window: number;
}

export type Purpose =
  | { kind: "plan" }
  | { kind: "write"; path: string }
  | { kind: "mend"; path: string }
  | { kind: "review" }
  | { kind: "risks" };

/** The same for the same question, whichever request it comes in. */
export function nameOf(purpose: Purpose): string {
  return "path" in purpose ? `file:${purpose.path}` : purpose.kind;
}
