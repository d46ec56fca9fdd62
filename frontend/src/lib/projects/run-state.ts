// How a project stands, in one word.

import type { Project } from "./project";

export type RunState = "running" | "waiting" | "stopped" | "unstarted" | "failed" | "finished";

export function runState({ run, stage, files }: Project, waits = false): RunState {
  if (run.is === "running") return waits ? "waiting" : "running";
  if (run.is === "stopped") return stage === "planning" && files.length === 0 ? "unstarted" : "stopped";
  return run.is;
}

export const runColours: Readonly<Record<RunState, string>> = {
  running: "blue",
  waiting: "yellow",
  stopped: "",
  unstarted: "",
  failed: "red",
  finished: "green",
};
