// What the page and the pipeline's worker say to each other. Every call has a number, and one reply with it.

import type { MachineProblem, MachineStart, Step } from "./machine";
import type { Project } from "./project";
import type { PipelineTeam, WorkEvent } from "./wasm";

export type Call =
  | { do: "open"; machine: number; start: MachineStart }
  | { do: "handle"; machine: number; event: WorkEvent }
  | { do: "team"; machine: number; team: PipelineTeam }
  | { do: "close"; machine: number }
  | { do: "new"; idea: string }
  | { do: "check"; project: Project };

export interface ToPipeline {
  call: number;
  what: Call;
}

export type FromPipeline =
  | { call: number; result: Step | Project | null }
  | { call: number; problem: MachineProblem | "refused"; message: string };
