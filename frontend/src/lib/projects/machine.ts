// The pipeline as the page sees it: a machine in a worker of its own, so that counting a project's tokens never holds up
// what a person types.

import type { TokenizerSource } from "../tokenizer/source";
import type { Project } from "./project";
import type { Effect, PipelineTeam, WorkEvent } from "./wasm";

export interface Step {
  effects: Effect[];
  project: Project;
}

export interface Machine {
  handle(event: WorkEvent): Promise<Step>;
  setTeam(team: PipelineTeam): Promise<void>;
  /** Nothing that is asked of it afterwards is answered. */
  close(): void;
}

/** What a machine begins with. */
export interface MachineStart {
  project: Project;
  team: PipelineTeam;
  /** The model's window, in tokens. */
  window: number;
  /** What counts tokens; null: they are estimated, on the safe side. */
  tokenizer: TokenizerSource | null;
}

export interface Machines {
  open(start: MachineStart): Promise<Machine>;
  newProject(idea: string): Promise<Project>;
  /** Throws where the team could not work on it. */
  check(project: Project): Promise<Project>;
}

/** `missing`: the hub has no pipeline; `unreachable`: it can't deliver it now; `broken`: it does not run here. */
export type MachineProblem = "missing" | "unreachable" | "broken";

export class MachineError extends Error {
  override readonly name = "MachineError";

  constructor(
    readonly problem: MachineProblem,
    detail = "",
  ) {
    super(detail === "" ? problem : `${problem}: ${detail}`);
  }
}
