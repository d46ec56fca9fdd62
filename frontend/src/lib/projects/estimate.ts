// How far a project is, and how long it may take, from how long its questions have taken so far.

import type { Project, Stage } from "./project";
import type { Purpose } from "./wasm";

export type Kind = "plan" | "file" | "review" | "risks";

/** How long one answer took. */
export interface Timing {
  kind: Kind;
  seconds: number;
}

const KEPT_TIMINGS = 24;

export function kindOf(purpose: Purpose): Kind {
  return purpose.kind === "write" || purpose.kind === "mend" ? "file" : purpose.kind;
}

/** The latest only: another model or machine may answer by now. */
export function withTiming(timings: readonly Timing[], timing: Timing): Timing[] {
  return [...timings, timing].slice(-KEPT_TIMINGS);
}

/** An answer that is being waited for. */
export interface OpenQuestion {
  kind: Kind;
  /** Null while nobody has it. */
  startedAt: number | null;
}

/** Null until an answer of the team says how fast it is, and where nothing is left to do. */
export function secondsLeft(
  project: Project,
  timings: readonly Timing[],
  open: readonly OpenQuestion[],
  now: number,
): number | null {
  const left = questionsLeft(project);
  const known = left.map(({ kind }) => typical(timings, kind));
  if (left.length === 0 || known.some((seconds) => seconds === null)) return null;
  const sum = left.reduce((total, { count }, index) => total + count * (known[index] ?? 0), 0);
  const elapsed = open.reduce((total, { kind, startedAt }) => {
    const spent = startedAt === null ? 0 : (now - startedAt) / 1000;
    // An answer that takes longer than usual is nearly there, not overdue.
    return total + Math.min(spent, 0.9 * (typical(timings, kind) ?? 0));
  }, 0);
  return Math.max(1, (sum - elapsed) / Math.max(1, open.length));
}

function questionsLeft(project: Project): { kind: Kind; count: number }[] {
  const files = project.files.filter(({ state }) => state.is !== "written").length;
  const left = (
    {
      planning: { plan: 1, file: 4, review: 1, risks: 1 },
      writing: { file: files, review: 1, risks: 1 },
      reviewing: { review: 1, risks: 1 },
      mending: { file: files, review: 1, risks: 1 },
      summing: { risks: 1 },
      done: { file: files },
    } satisfies Record<Stage, Partial<Record<Kind, number>>>
  )[project.stage];
  return Object.entries(left)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => ({ kind: kind as Kind, count }));
}

/** The mean of a kind's answers; of all answers, where there is none of the kind yet. */
function typical(timings: readonly Timing[], kind: Kind): number | null {
  const own = timings.filter((timing) => timing.kind === kind);
  const used = own.length > 0 ? own : timings;
  return used.length === 0 ? null : used.reduce((sum, { seconds }) => sum + seconds, 0) / used.length;
}

/** From 0 to 1; never goes back, whatever a review finds. */
export function fractionDone(project: Project): number {
  const { stage, rounds, files } = project;
  const written = files.filter(({ state }) => state.is === "written").length;
  const share = files.length === 0 ? 0 : written / files.length;
  switch (stage) {
    case "planning":
      return 0.02;
    case "writing":
      return 0.08 + 0.62 * share;
    case "reviewing":
      return rounds === 0 ? 0.72 : 0.9;
    case "mending":
      return 0.78 + 0.1 * share;
    case "summing":
      return 0.95;
    case "done":
      return share === 1 ? 1 : 0.95;
  }
}
