// The worker's side: keeps the machines, one for each project that is worked on.

import type { TokenizerSource } from "../tokenizer/source";
import { MachineError, type Step } from "./machine";
import type { Project } from "./project";
import type { PipelineModule, TeamAtWork } from "./wasm";
import type { Call, FromPipeline, ToPipeline } from "./worker-messages";

export interface HostSurroundings {
  /** Loads the wasm build once; throws `MachineError`. */
  load(): Promise<PipelineModule>;
  /** Null where the tokenizer is not to be had now: then the pipeline estimates. */
  counter(source: TokenizerSource): Promise<((text: string) => number) | null>;
}

export class PipelineHost {
  readonly #surroundings: HostSurroundings;
  readonly #machines = new Map<number, TeamAtWork>();
  #module: Promise<PipelineModule> | null = null;

  constructor(surroundings: HostSurroundings) {
    this.#surroundings = surroundings;
  }

  async handle({ call, what }: ToPipeline): Promise<FromPipeline> {
    try {
      return { call, result: await this.#do(what) };
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // After a trap the whole instance is of no use any more.
      if (error instanceof WebAssembly.RuntimeError) return { call, problem: "broken", message };
      return { call, problem: error instanceof MachineError ? error.problem : "refused", message };
    }
  }

  async #do(what: Call): Promise<Step | Project | null> {
    const module = await this.#load();
    switch (what.do) {
      case "new":
        return module.newProject(what.idea);
      case "check":
        return module.checkProject(what.project);
      case "open": {
        const { project, team, window, tokenizer } = what.start;
        const count = tokenizer === null ? null : await this.#surroundings.counter(tokenizer);
        const limits = { ...module.defaultLimits(), window };
        this.#machines.set(what.machine, new module.TeamAtWork(project, team, limits, count ?? undefined));
        return null;
      }
      case "handle": {
        const machine = this.#machine(what.machine);
        const effects = machine.handle(what.event);
        return { effects, project: machine.project() };
      }
      case "team":
        this.#machine(what.machine).setTeam(what.team);
        return null;
      case "close":
        this.#machines.get(what.machine)?.free();
        this.#machines.delete(what.machine);
        return null;
    }
  }

  /** What could not be loaded is tried again with the next call. */
  #load(): Promise<PipelineModule> {
    this.#module ??= this.#surroundings.load().catch((error: unknown) => {
      this.#module = null;
      throw error;
    });
    return this.#module;
  }

  #machine(id: number): TeamAtWork {
    const machine = this.#machines.get(id);
    if (machine === undefined) throw new Error(`there is no machine ${id}`);
    return machine;
  }
}
