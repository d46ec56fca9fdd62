// A pipeline for tests: plans two files, writes both at once, and is done.

import type { Machine, Machines, MachineStart, Step } from "../projects/machine";
import type { Project } from "../projects/project";
import type { Effect, Purpose, WorkEvent, WorkRequest } from "../projects/wasm";

export function emptyProject(idea: string): Project {
  return {
    idea,
    stage: "planning",
    run: { is: "stopped" },
    files: [],
    issues: [],
    past_issues: [],
    rounds: 0,
    risks: null,
    notices: [],
    attempts: 0,
  };
}

function plannedFile(path: string): Project["files"][number] {
  const state = { is: "waiting" } as const;
  return {
    path,
    purpose: "x",
    needs: [],
    role: "coder",
    state,
    versions: [],
    attempts: 0,
    instruction: null,
  };
}

export class FakeMachine implements Machine {
  readonly events: WorkEvent[] = [];
  closed = false;
  #project: Project;
  #asked = new Map<number, Purpose>();
  #ids = 0;

  constructor(readonly start: MachineStart) {
    this.#project = start.project;
    if (start.project.run.is === "running") this.#project = { ...this.#project, run: { is: "stopped" } };
  }

  handle(event: WorkEvent): Promise<Step> {
    this.events.push(event);
    const effects = this.#handle(event);
    return Promise.resolve({ effects, project: this.#project });
  }

  setTeam(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.closed = true;
  }

  #handle(event: WorkEvent): Effect[] {
    switch (event.type) {
      case "start":
        this.#change({ run: { is: "running" } });
        return [...this.#askAll(), { type: "save" }];
      case "stop": {
        this.#change({ run: { is: "stopped" } });
        const withdrawn = [...this.#asked.keys()].map((id): Effect => ({ type: "withdraw", id }));
        this.#asked.clear();
        return [...withdrawn, { type: "save" }];
      }
      case "answer":
        return this.#answered(event.id, event.text);
      case "lost":
        this.#asked.delete(event.id);
        if (event.may_retry) return this.#askAll();
        this.#change({
          run: { is: "failed", reason: { kind: "nobody", message: event.message } },
        });
        return [{ type: "save" }];
      case "edit":
        this.#write(event.path, event.text, null);
        return [{ type: "save" }];
      case "regenerate":
      case "revert":
      case "remove":
        return [];
    }
  }

  #answered(id: number, text: string): Effect[] {
    const purpose = this.#asked.get(id);
    this.#asked.delete(id);
    if (purpose === undefined) return [];
    if (purpose.kind === "plan") {
      this.#change({ stage: "writing", files: text.split(" ").map(plannedFile) });
    } else if ("path" in purpose) this.#write(purpose.path, text, "coder");
    if (this.#project.files.every(({ state }) => state.is === "written")) {
      this.#change({ stage: "done", run: { is: "finished" } });
      return [{ type: "save" }];
    }
    return [...this.#askAll(), { type: "save" }];
  }

  #write(path: string, text: string, by: "coder" | null): void {
    const written = { is: "written" } as const;
    const files = this.#project.files.map((file) =>
      file.path === path
        ? { ...file, state: written, versions: [...file.versions, { text, by, round: 0 }] }
        : file,
    );
    this.#change({ files });
  }

  #askAll(): Effect[] {
    const { stage, files } = this.#project;
    const wanted: Purpose[] =
      stage === "planning"
        ? [{ kind: "plan" }]
        : files.filter(({ state }) => state.is !== "written").map(({ path }) => ({ kind: "write", path }));
    const open = [...this.#asked.values()].map((purpose) => JSON.stringify(purpose));
    return wanted
      .filter((purpose) => !open.includes(JSON.stringify(purpose)))
      .map((purpose): Effect => ({ type: "ask", request: this.#request(purpose) }));
  }

  #request(purpose: Purpose): WorkRequest {
    const id = (this.#ids += 1);
    this.#asked.set(id, purpose);
    const sampling = { temperature: 0, top_k: 1, top_p: 1, repeat_penalty: 1, max_tokens: 64 };
    return {
      id,
      purpose,
      sampling,
      role: purpose.kind === "plan" ? "manager" : "coder",
      model: null,
      system: "You plan.",
      user: JSON.stringify(purpose),
      prefill: purpose.kind === "plan" ? "" : "```python\n",
      begun: "",
      stop: ["\n```"],
      prompt_tokens: 100,
      window: this.start.window,
    };
  }

  #change(change: Partial<Project>): void {
    this.#project = { ...this.#project, ...change };
  }
}

export class FakeMachines implements Machines {
  readonly opened: FakeMachine[] = [];
  problem: Error | null = null;

  open(start: MachineStart): Promise<Machine> {
    if (this.problem !== null) return Promise.reject(this.problem);
    const machine = new FakeMachine(start);
    this.opened.push(machine);
    return Promise.resolve(machine);
  }

  newProject(idea: string): Promise<Project> {
    return this.problem === null ? Promise.resolve(emptyProject(idea)) : Promise.reject(this.problem);
  }

  check(project: Project): Promise<Project> {
    if (this.problem !== null) return Promise.reject(this.problem);
    return project.idea === "bad" ? Promise.reject(new Error("bad")) : Promise.resolve(project);
  }
}
