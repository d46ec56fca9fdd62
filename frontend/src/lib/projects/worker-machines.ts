// Machines in the pipeline's worker, which is started with the first call. A worker that dies takes its machines along:
// whoever uses one gets a `MachineError` and opens a new one from what was saved.

import {
  MachineError,
  type Machine,
  type MachineProblem,
  type MachineStart,
  type Machines,
  type Step,
} from "./machine";
import type { Project } from "./project";
import type { Call, FromPipeline, ToPipeline } from "./worker-messages";

/** The part of `Worker` that is used. */
export interface PipelineWorker {
  postMessage(message: ToPipeline): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<FromPipeline>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

interface Waiting {
  resolve: (result: Step | Project | null) => void;
  reject: (error: Error) => void;
}

export class WorkerMachines implements Machines {
  readonly #start: () => PipelineWorker;
  readonly #waiting = new Map<number, Waiting>();
  #worker: PipelineWorker | null = null;
  #calls = 0;
  #machines = 0;

  constructor(start: () => PipelineWorker) {
    this.#start = start;
  }

  async open(start: MachineStart): Promise<Machine> {
    const machine = (this.#machines += 1);
    await this.#call({ do: "open", machine, start });
    return {
      handle: async (event) => (await this.#call({ do: "handle", machine, event })) as Step,
      setTeam: async (team) => {
        await this.#call({ do: "team", machine, team });
      },
      close: () => {
        // A worker that is gone has nothing to close.
        this.#call({ do: "close", machine }).catch(() => undefined);
      },
    };
  }

  async newProject(idea: string): Promise<Project> {
    return (await this.#call({ do: "new", idea })) as Project;
  }

  async check(project: Project): Promise<Project> {
    return (await this.#call({ do: "check", project })) as Project;
  }

  #call(what: Call): Promise<Step | Project | null> {
    const worker = (this.#worker ??= this.#begin());
    const call = (this.#calls += 1);
    return new Promise((resolve, reject) => {
      this.#waiting.set(call, { resolve, reject });
      worker.postMessage({ call, what });
    });
  }

  #begin(): PipelineWorker {
    const worker = this.#start();
    worker.onmessage = ({ data }) => {
      const waiting = this.#waiting.get(data.call);
      this.#waiting.delete(data.call);
      if ("result" in data) waiting?.resolve(data.result);
      else if (data.problem === "refused") waiting?.reject(new Error(data.message));
      else {
        waiting?.reject(new MachineError(data.problem, data.message));
        // After a trap, and since a worker may remember that an import failed, and not try again.
        this.#end(data.problem, data.message);
      }
    };
    worker.onerror = ({ message }) => {
      this.#end("broken", message);
    };
    return worker;
  }

  #end(problem: MachineProblem, message: string): void {
    this.#worker?.terminate();
    this.#worker = null;
    const lost = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of lost) reject(new MachineError(problem, message));
  }
}
