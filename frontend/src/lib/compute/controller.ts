// Runs this tab's computing: turns what a person presses and what the worker says into actions.

import type { CatalogueModel } from "../hub/catalogue";
import type { WantedFile } from "../weights/model";
import { wantedFile } from "../weights/sources";
import type { ComputeWish, Distribution, DistributionInput, Tuning } from "../worker/wasm";
import type { ComputeFailure } from "./failure";
import { chooseBuild, type EngineBuild, type Features } from "./features";
import { fit, TAB_CONTEXT_LENGTH } from "./fit";
import type { FromWorker, StartOptions, ToWorker } from "./messages";
import { Observable } from "./observable";
import { Questions } from "./questions";
import { reduce, type Action } from "./reducer";
import { initialCompute, isActive, type Compute, type Concern } from "./state";
import type { TabLock } from "./tab-lock";
import { TransferRate } from "./transfer-rate";

export interface ComputeWorker {
  post(message: ToWorker): void;
  onMessage: (message: FromWorker) => void;
  /** It died, and will say no more. */
  onLost: () => void;
  terminate(): void;
}

/** What the controller needs of the browser. */
export interface Surroundings {
  features(): Promise<Features>;
  deviceBytes(): number | null;
  concerns(file: WantedFile): Promise<Concern[]>;
  /** What the engine knows of this browser's GPU, from one load to the next. */
  tuning: { recall(): Tuning; keep(tuning: Tuning): void };
  lock: TabLock;
  makeWorker(): ComputeWorker;
  keepStorage(): void;
  hidden(): boolean;
  now(): number;
  hubUrl: string;
  nodeName: string;
  owner: string;
}

export interface Choices {
  model: CatalogueModel;
  threads: number;
  onlyOwn: boolean;
  compute: ComputeWish;
}

/** A worker that is stuck in a long step is not waited for. */
const STOP_MS = 3000;

export class ComputeController extends Observable<Compute> {
  readonly #surroundings: Surroundings;
  #worker: { handle: ComputeWorker; key: string; threads: number; compute: ComputeWish } | null = null;
  #rate = new TransferRate();
  readonly #questions = new Questions();
  #choices: Choices | null = null;
  #waitingForOther = new AbortController();
  /** What was begun for an earlier press of a button must not go on after a later one. */
  #run = 0;
  /** A worker that dies is started again once; then a person decides, unless it has answered since. */
  #mayRestart = true;

  constructor(surroundings: Surroundings) {
    super(initialCompute);
    this.#surroundings = surroundings;
    surroundings.lock.onYield = () => {
      void this.#end("moved");
    };
  }

  async start(choices: Choices): Promise<void> {
    if (isActive(this.value.state)) await this.stop();
    await this.#begin(choices, { by: "person" });
  }

  /** Yes to what was asked. */
  async confirm(): Promise<void> {
    if (this.value.state.kind !== "asking" || this.#choices === null) return;
    await this.#begin(this.#choices, { by: "answer" });
  }

  decline(): void {
    this.#dispatch({ type: "declined" });
  }

  /** Ends the other tab's computing and begins here. */
  async takeOver(): Promise<void> {
    const { state } = this.value;
    if (state.kind !== "elsewhere" || this.#choices === null) return;
    this.#waitingForOther.abort();
    this.#surroundings.lock.askToYield();
    const run = this.#run;
    await this.#surroundings.lock.untilFree(new AbortController().signal);
    if (run === this.#run) await this.#begin(this.#choices, { by: "answer" });
  }

  pause(paused: boolean): void {
    if (this.value.state.kind !== "running") return;
    this.#post({ type: "pause", paused });
    this.#dispatch({ type: "paused", paused });
  }

  setOnlyOwn(onlyOwn: boolean): void {
    if (this.#choices !== null) this.#choices = { ...this.#choices, onlyOwn };
    this.#post({ type: "only_own", onlyOwn });
  }

  setTabHidden(hidden: boolean): void {
    this.#post({ type: "tab_hidden", hidden });
  }

  /** The network or the device came back: no waiting for the next attempt. */
  wake(): void {
    const { state } = this.value;
    if (state.kind === "running" && state.connection.kind !== "connected") this.#post({ type: "reconnect" });
  }

  /**
   * What the loaded model says about the token after `input`, told as the worker's `distribution`; rejects where
   * no model is loaded, where it ends meanwhile, and where the input is empty or too long for it.
   */
  distribution(
    input: DistributionInput,
    count: number,
    onProgress: (done: number, total: number) => void,
  ): Promise<Distribution> {
    if (this.value.state.kind !== "running") return Promise.reject(new Error("no model is loaded"));
    return this.#questions.ask((id) => {
      this.#post({ type: "distribution", id, input, count });
    }, onProgress);
  }

  stop(): Promise<void> {
    return this.#end("person");
  }

  /** Lets go of everything at once, as when the catalogue says that nothing can run here. */
  fail(failure: ComputeFailure): void {
    this.#dispatch({ type: "failed", failure });
  }

  async #begin(choices: Choices, { by }: { by: "person" | "answer" | "restart" }): Promise<void> {
    this.#run += 1;
    this.#mayRestart = by !== "restart";
    const run = this.#run;
    const stale = (): boolean => run !== this.#run;
    this.#choices = choices;
    this.#waitingForOther.abort();
    const modelId = choices.model.id;
    this.#dispatch({ type: "start", modelId, restarted: by === "restart" });

    const file = this.#fittingFile(choices.model);
    if (file === null) return;
    const choice = chooseBuild(await this.#surroundings.features());
    if (stale()) return;
    if (choice.build === null) {
      this.fail({ code: "browser_too_old", missing: choice.missing });
      return;
    }
    if (by === "person") {
      const concerns = await this.#surroundings.concerns(file);
      if (stale()) return;
      if (concerns.length > 0) {
        this.#dispatch({ type: "ask", concerns });
        return;
      }
    }
    const owned = await this.#surroundings.lock.acquire({ modelId, since: this.#surroundings.now() });
    if (stale()) return;
    if (!owned) {
      await this.#waitForOther(run);
      return;
    }
    this.#surroundings.keepStorage();
    this.#launch(choices, file, choice.build);
  }

  /** Null after a failure that says why the model can't run here. */
  #fittingFile(model: CatalogueModel): WantedFile | null {
    const deviceBytes = this.#surroundings.deviceBytes();
    const result = fit(model, deviceBytes);
    if (result.fits) return wantedFile(model);
    this.fail(
      result.reason === "no_source"
        ? { code: "source_missing" }
        : { code: "not_enough_memory", neededBytes: result.neededBytes, deviceBytes },
    );
    return null;
  }

  async #waitForOther(run: number): Promise<void> {
    this.#dispatch({ type: "elsewhere", holder: null });
    const waiting = new AbortController();
    this.#waitingForOther = waiting;
    void this.#surroundings.lock
      .untilFree(waiting.signal)
      .then(() => {
        this.#dispatch({ type: "free_again" });
      })
      .catch(() => undefined);
    const holder = await this.#surroundings.lock.whoHolds();
    if (run === this.#run) this.#dispatch({ type: "elsewhere", holder });
  }

  #launch(choices: Choices, file: WantedFile, build: EngineBuild): void {
    const { compute, onlyOwn } = choices;
    const threads = build === "threads" ? choices.threads : 1;
    const options: StartOptions = {
      file,
      build,
      threads,
      contextLength: Math.min(TAB_CONTEXT_LENGTH, choices.model.context_length),
      compute,
      tuning: this.#surroundings.tuning.recall(),
      hubUrl: this.#surroundings.hubUrl,
      nodeName: this.#surroundings.nodeName,
      owner: this.#surroundings.owner,
      onlyOwn,
      tabHidden: this.#surroundings.hidden(),
    };
    this.#dispatch({ type: "prepare" });
    const worker = this.#worker;
    const loaded = worker?.key === file.key && worker.threads === threads && worker.compute === compute;
    if (!loaded) {
      this.#dropWorker();
      this.#worker = { handle: this.#makeWorker(), key: file.key, threads, compute };
    }
    this.#post({ type: "start", options });
  }

  #makeWorker(): ComputeWorker {
    const worker = this.#surroundings.makeWorker();
    this.#rate.reset();
    let alive = false;
    worker.onMessage = (message) => {
      alive = true;
      this.#heard(message);
    };
    worker.onLost = () => {
      this.#lost(alive);
    };
    return worker;
  }

  #lost(wasAlive: boolean): void {
    const { state } = this.value;
    const computed = state.kind === "running" && !state.paused;
    if (computed && this.#mayRestart && this.#choices !== null) {
      this.#dropWorker();
      void this.#begin(this.#choices, { by: "restart" });
    } else {
      this.#release();
      this.fail({ code: wasAlive ? "worker_lost" : "engine_unreachable" });
    }
  }

  #heard(message: FromWorker): void {
    switch (message.type) {
      case "progress": {
        const { progress } = message;
        if (progress.step === "waiting") this.#rate.reset();
        else this.#rate.add(this.#surroundings.now(), progress.doneBytes);
        this.#dispatch({ type: "progress", progress, rate: this.#rate.rate(progress.totalBytes) });
        break;
      }
      case "building":
        this.#dispatch({ type: "building", done: message.done, total: message.total });
        break;
      case "loaded":
      case "rebuilt":
        if (message.computation.gpu !== null) this.#surroundings.tuning.keep(message.computation.tuning);
        this.#dispatch({ type: "loaded", computation: message.computation });
        break;
      case "node":
        this.#dispatch({ type: "node", event: message.event, at: this.#surroundings.now() });
        // After a refusal the model stays in memory: the next attempt only joins anew.
        if (message.event.type === "failed") this.#release();
        if (message.event.type === "promptFinished" && message.event.outcome === "done") {
          this.#mayRestart = true;
        }
        break;
      case "failed":
        this.#release();
        this.fail(message.failure);
        break;
      case "distribution_progress":
      case "distribution":
      case "no_distribution":
        this.#questions.heard(message);
        break;
      case "alive":
      case "stopped":
        break;
    }
  }

  async #end(reason: "person" | "moved"): Promise<void> {
    this.#run += 1;
    this.#waitingForOther.abort();
    this.#dispatch({ type: "stopping" });
    const worker = this.#worker?.handle;
    if (worker !== undefined) await stopInGoodOrder(worker);
    this.#release();
    this.#dispatch({ type: "stopped", reason });
  }

  #release(): void {
    this.#dropWorker();
    this.#surroundings.lock.release();
  }

  #dropWorker(): void {
    const worker = this.#worker?.handle;
    this.#worker = null;
    this.#questions.giveUp();
    if (worker === undefined) return;
    worker.onMessage = () => undefined;
    worker.onLost = () => undefined;
    worker.terminate();
  }

  #post(message: ToWorker): void {
    this.#worker?.handle.post(message);
  }

  #dispatch(action: Action): void {
    this.set(reduce(this.value, action));
  }
}

function stopInGoodOrder(worker: ComputeWorker): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(end, STOP_MS);
    worker.onMessage = (message) => {
      if (message.type === "stopped") end();
    };
    worker.onLost = end;
    worker.post({ type: "stop" });
  });
}
