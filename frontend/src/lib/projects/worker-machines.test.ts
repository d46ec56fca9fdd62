import { describe, expect, it } from "vitest";

import { emptyProject } from "../testing/pipeline";
import { MachineError } from "./machine";
import { PipelineHost } from "./pipeline-host";
import type { PipelineModule, TeamAtWork } from "./wasm";
import type { FromPipeline } from "./worker-messages";
import { WorkerMachines, type PipelineWorker } from "./worker-machines";

class FakeTeam implements TeamAtWork {
  freed = 0;
  handle = (event: { type: string }) => {
    if (event.type === "stop") throw new Error("the event can't be read");
    if (event.type === "revert") throw new WebAssembly.RuntimeError("unreachable");
    return [{ type: "save" as const }];
  };
  project = () => emptyProject("x");
  setTeam = () => undefined;
  free = () => (this.freed += 1);
}

/** The page's side and the worker's, without a worker between them. */
function joined(load: () => Promise<PipelineModule>) {
  const counts: ((text: string) => number)[] = [];
  const hosts: PipelineHost[] = [];
  const machines = new WorkerMachines(() => {
    const host = new PipelineHost({ load, counter: () => Promise.resolve((text) => text.length) });
    hosts.push(host);
    const worker: PipelineWorker = {
      onmessage: null,
      onerror: null,
      terminate: () => undefined,
      postMessage: (message) => {
        void host.handle(message).then((data) => {
          worker.onmessage?.({ data } as MessageEvent<FromPipeline>);
        });
      },
    };
    return worker;
  });
  return { machines, counts, hosts };
}

const start = { project: emptyProject("x"), team: { agents: [] }, window: 2048, tokenizer: null };

function moduleOf(seen: { limits?: object; count?: unknown }): PipelineModule {
  return {
    default: () => Promise.resolve(),
    TeamAtWork: class extends FakeTeam {
      constructor(_: object, __: object, limits: object, count?: unknown) {
        super();
        seen.limits = limits;
        seen.count = count;
      }
    },
    newProject: emptyProject,
    defaultLimits: () => ({
      window: 4096,
      files: 8,
      rounds: 2,
      parallel: 4,
      attempts: 3,
      continuations: 3,
    }),
    checkProject: (project) => project,
  };
}

describe("machines in a worker", () => {
  it("work with the model's window and tokenizer", async () => {
    const seen: { limits?: object; count?: unknown } = {};
    const { machines } = joined(() => Promise.resolve(moduleOf(seen)));
    expect((await machines.newProject("idea")).idea).toBe("idea");
    const machine = await machines.open(start);
    expect(seen.limits).toMatchObject({ window: 2048, files: 8 });
    expect(seen.count).toBeUndefined();
    const step = await machine.handle({ type: "start" });
    expect(step.effects).toEqual([{ type: "save" }]);
    await machines.open({ ...start, tokenizer: { family: "f", keys: [], urls: [] } });
    expect(seen.count).toBeTypeOf("function");
    machine.close();
    await expect(machine.handle({ type: "start" })).rejects.toThrow("no machine");
  });

  it("say what they refuse, and go on", async () => {
    const { machines, hosts } = joined(() => Promise.resolve(moduleOf({})));
    const machine = await machines.open(start);
    await expect(machine.handle({ type: "stop" })).rejects.toThrow("the event can't be read");
    await expect(machine.handle({ type: "start" })).resolves.toBeDefined();
    expect(hosts.length).toBe(1);
  });

  it("begin anew in another worker after a trap", async () => {
    const { machines, hosts } = joined(() => Promise.resolve(moduleOf({})));
    const machine = await machines.open(start);
    const failure = machine.handle({ type: "revert", path: "a.py", version: 0 });
    await expect(failure).rejects.toMatchObject({ problem: "broken" });
    await machines.open(start);
    expect(hosts.length).toBe(2);
  });

  it("are loaded again after they could not be", async () => {
    let works = false;
    const { machines } = joined(() =>
      works ? Promise.resolve(moduleOf({})) : Promise.reject(new MachineError("unreachable")),
    );
    await expect(machines.newProject("x")).rejects.toMatchObject({ problem: "unreachable" });
    works = true;
    await expect(machines.newProject("x")).resolves.toBeDefined();
  });
});
