// Drives the pipeline on one project: effects become requests, requests become events.

import { Observable } from "../compute/observable";
import type { Role } from "../team/agent";
import type { TokenizerSource } from "../tokenizer/source";
import { pursue, type AskingSurroundings, type Outcome } from "./asking";
import { kindOf, withTiming, type Timing } from "./estimate";
import { Job, type Wait } from "./job";
import { MachineError, type Machine, type MachineProblem, type Machines } from "./machine";
import type { Project } from "./project";
import type { Effect, PipelineTeam, WorkEvent, WorkRequest } from "./wasm";

export interface WorkSurroundings extends AskingSurroundings {
  machines: Machines;
  /** The window of this model, in tokens; of any, where nobody answers yet. */
  windowOf: (modelId: string | null) => Promise<number>;
  /** What counts tokens for all of the team; null where that is not one tokenizer that is known. */
  tokenizer: () => Promise<TokenizerSource | null>;
  team: {
    readonly value: PipelineTeam;
    subscribe(listener: (team: PipelineTeam) => void): () => void;
    /** Shows a role's agent as working until the returned function is called. */
    begin(role: Role, path: string | null): () => void;
  };
}

/** How full a question made the model's window. */
export interface Meter {
  promptTokens: number;
  window: number;
}

export interface WorkView {
  project: Project;
  jobs: readonly Job[];
  /** What questions wait for, each kind once. */
  waits: readonly Wait[];
  timings: readonly Timing[];
  /** Of the latest question of each name; see `nameOf`. */
  meters: Readonly<Record<string, Meter>>;
  /** Why the team can't work at all. */
  problem: MachineProblem | null;
}

/** A window smaller than this is of no use to a project. */
const LEAST_WINDOW = 1024;
/** Times that the pipeline hears of one question's losses; then they are waited out, so that it does not give up. */
const LOSSES_TOLD = 2;

export class Work extends Observable<WorkView> {
  readonly #surroundings: WorkSurroundings;
  readonly #onSave: (view: WorkView) => void;
  readonly #endings: (() => void)[];
  /** Losses of each question since its last answer. */
  readonly #losses = new Map<string, number>();
  #machine: Machine | null = null;
  #window: number | null = null;
  #last: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(
    surroundings: WorkSurroundings,
    begin: Pick<WorkView, "project" | "timings" | "meters">,
    onSave: (view: WorkView) => void,
  ) {
    super({ ...begin, jobs: [], waits: [], problem: null });
    this.#surroundings = surroundings;
    this.#onSave = onSave;
    this.#endings = [
      surroundings.team.subscribe((team) => {
        void this.#after(async () => {
          await this.#machine?.setTeam(team);
        });
      }),
      // The pipeline could not be fetched: it comes once the hub is back.
      surroundings.hub.subscribe(({ connection }) => {
        const waits = this.value.problem === "unreachable" && this.isRunning;
        if (waits && connection === "connected") void this.start();
      }),
    ];
  }

  get isRunning(): boolean {
    return this.value.project.run.is === "running";
  }

  /** Begins or goes on; what the team and its models are may have changed since. */
  start(): Promise<void> {
    return this.#after(async () => {
      if (this.value.jobs.length > 0) return;
      this.#losses.clear();
      this.#window = null;
      this.#closeMachine();
      await this.#handle({ type: "start" });
    });
  }

  stop(): Promise<void> {
    return this.send({ type: "stop" });
  }

  send(event: WorkEvent): Promise<void> {
    return this.#after(() => this.#handle(event));
  }

  /** When all events so far are handled. */
  async settled(): Promise<void> {
    await this.#last;
  }

  /** Ends all requests; the project stays as it was saved last. */
  close(): void {
    this.#closed = true;
    for (const end of this.#endings) end();
    this.#withdrawAll();
    this.#closeMachine();
  }

  /** One thing after another: a machine handles one event at a time. */
  #after(act: () => Promise<void>): Promise<void> {
    const done = this.#last.then(async () => {
      if (this.#closed) return;
      try {
        await act();
      } catch (error) {
        this.#broke(error);
      }
    });
    this.#last = done;
    return done;
  }

  async #handle(event: WorkEvent): Promise<void> {
    const machine = (this.#machine ??= await this.#openMachine());
    const { effects, project } = await machine.handle(event);
    if (this.#closed) return;
    this.#change({ project, problem: null });
    for (const effect of effects) this.#do(effect);
  }

  async #openMachine(): Promise<Machine> {
    const { machines, modelFor, windowOf, tokenizer, team } = this.#surroundings;
    const window = (this.#window ??= await windowOf(modelFor(null)));
    const { project } = this.value;
    return machines.open({ project, team: team.value, window, tokenizer: await tokenizer() });
  }

  #closeMachine(): void {
    this.#machine?.close();
    this.#machine = null;
  }

  #do(effect: Effect): void {
    switch (effect.type) {
      case "ask":
        this.#ask(effect.request);
        break;
      case "withdraw":
        this.value.jobs.find(({ request }) => request.id === effect.id)?.withdraw();
        this.#drop(({ request }) => request.id === effect.id);
        break;
      case "save":
        this.#onSave(this.value);
        break;
    }
  }

  #ask(request: WorkRequest): void {
    const job = new Job(request);
    const meter = { promptTokens: request.prompt_tokens, window: request.window };
    this.#change({
      jobs: [...this.value.jobs, job],
      meters: { ...this.value.meters, [job.name]: meter },
    });
    const end = this.#showState(job);
    const patient = (this.#losses.get(job.name) ?? 0) >= LOSSES_TOLD;
    void pursue(job, this.#surroundings, patient)
      .finally(end)
      .then((outcome) => this.#after(() => this.#came(job, outcome)));
  }

  /** The agent is shown as working while somebody computes for it, not while it waits. */
  #showState(job: Job): () => void {
    let end: (() => void) | null = null;
    const unsubscribe = job.state.subscribe(({ startedAt }) => {
      if (startedAt !== null) end ??= this.#surroundings.team.begin(job.request.role, job.path);
      else {
        end?.();
        end = null;
      }
      this.#gatherWaits();
    });
    return () => {
      unsubscribe();
      end?.();
    };
  }

  #gatherWaits(): void {
    const waits = new Map<string, Wait>();
    for (const { state } of this.value.jobs) {
      const { wait } = state.value;
      if (wait !== null) waits.set(JSON.stringify(wait), wait);
    }
    this.#change({ waits: [...waits.values()] });
  }

  async #came(job: Job, outcome: Outcome): Promise<void> {
    if (job.signal.aborted || outcome.is === "withdrawn") return;
    const { id } = job.request;
    if (outcome.is === "answered") {
      this.#losses.delete(job.name);
      const timing: Timing = { kind: kindOf(job.purpose), seconds: outcome.seconds };
      this.#change({ timings: withTiming(this.value.timings, timing) });
      await this.#handle({ type: "answer", id, text: outcome.text, finish: outcome.finish });
      // Only now: a file's text must not vanish between its answer and its version.
      this.#drop((other) => other === job);
      return;
    }
    this.#drop((other) => other === job);
    if (outcome.is === "window" && (await this.#narrow(job.request.window))) return;
    const losses = 1 + (this.#losses.get(job.name) ?? 0);
    this.#losses.set(job.name, losses);
    const mayRetry = outcome.is === "lost" && losses <= LOSSES_TOLD;
    await this.#handle({ type: "lost", id, message: outcome.message, may_retry: mayRetry });
  }

  /** The machine that was asked has a smaller window: everything that is open is asked again for less. */
  async #narrow(window: number): Promise<boolean> {
    const smaller = Math.max(LEAST_WINDOW, Math.floor(window * 0.75));
    if (smaller >= window) return false;
    this.#withdrawAll();
    this.#closeMachine();
    this.#window = smaller;
    await this.#handle({ type: "start" });
    return true;
  }

  #withdrawAll(): void {
    for (const job of this.value.jobs) job.withdraw();
    this.#drop(() => true);
  }

  #drop(isOver: (job: Job) => boolean): void {
    this.#change({ jobs: this.value.jobs.filter((job) => !isOver(job)) });
    this.#gatherWaits();
  }

  /** Nothing is lost but the answers that were on their way. */
  #broke(error: unknown): void {
    this.#withdrawAll();
    this.#closeMachine();
    this.#change({ problem: error instanceof MachineError ? error.problem : "broken" });
  }

  #change(change: Partial<WorkView>): void {
    this.set({ ...this.value, ...change });
  }
}
