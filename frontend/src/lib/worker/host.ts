// The worker's work: get the file, load the engine, join the hub, and tell the page.

import type { FromWorker, StartOptions, ToWorker } from "../compute/messages";
import type { EngineBuild } from "../compute/features";
import type { Network } from "../weights/download";
import { obtain, type ObtainedFile } from "../weights/obtain";
import type { SpaceEstimate } from "../weights/space";
import type { WeightsStore } from "../weights/store";
import type { LoadedEngine } from "./engine";
import { describeFailure } from "./failure";
import type { ComputeNode, ModelFile, NodeEvent } from "./wasm";

export interface HostSurroundings {
  importEngine(build: EngineBuild): Promise<LoadedEngine>;
  openStore(): Promise<WeightsStore>;
  network: Network;
  estimateSpace: () => Promise<SpaceEstimate>;
  /** Resolves when a model that was in memory before is gone from it. */
  memoryIsFree: () => Promise<void>;
  /** What the GPU is called; null where there is none, or none that tells. */
  adapterName: () => Promise<string | null>;
  post(message: FromWorker): void;
}

/** One model's life in a worker: a worker computes with one model and then ends. */
export class Host {
  readonly #surroundings: HostSurroundings;
  readonly #abort = new AbortController();
  #options: StartOptions | null = null;
  #node: ComputeNode | null = null;
  #store: WeightsStore | null = null;
  #connected = false;
  #paused = false;
  #sha256 = "";
  #ended = false;
  #starting: Promise<void> = Promise.resolve();

  constructor(surroundings: HostSurroundings) {
    this.#surroundings = surroundings;
  }

  handle(message: ToWorker): void {
    switch (message.type) {
      case "start":
        this.#start(message.options);
        break;
      case "pause":
        this.#paused = message.paused;
        this.#node?.setPaused(message.paused);
        break;
      case "only_own":
        if (this.#options !== null) this.#options.onlyOwn = message.onlyOwn;
        this.#node?.setOnlyOwn(message.onlyOwn);
        break;
      case "tab_hidden":
        if (this.#options !== null) this.#options.tabHidden = message.hidden;
        this.#node?.setTabHidden(message.hidden);
        break;
      case "reconnect":
        this.#reconnect();
        break;
      case "distribution":
        void this.#foresee(message);
        break;
      case "stop":
        void this.#stop();
        break;
    }
  }

  /** Once; again, with a model that is in memory already, it only joins the hub anew. */
  #start(options: StartOptions): void {
    if (this.#options === null) {
      this.#options = options;
      this.#starting = this.#told(this.#load(options));
    } else if (this.#node !== null) {
      this.#options = options;
      this.#post({ type: "loaded", computation: this.#node.computation() });
      this.#reconnect();
    }
  }

  /** The page hears of what fails, unless it wanted the end. */
  async #told(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!this.#abort.signal.aborted) this.#post({ type: "failed", failure: describeFailure(error) });
    }
  }

  async #load(options: StartOptions): Promise<void> {
    const engine = await this.#surroundings.importEngine(options.build);
    await engine.instantiate();
    const { threads, contextLength, compute, tuning } = options;
    const adapter = compute === "cpu" ? null : await this.#surroundings.adapterName();
    const node = await this.#build(options, async (file, onProgress) => {
      await this.#surroundings.memoryIsFree();
      return engine.module.ComputeNode.load(
        file,
        { threads, contextLength, compute, adapter, tuning },
        onProgress,
      );
    });
    this.#node = node;
    if (this.#abort.signal.aborted) return;
    this.#post({ type: "loaded", computation: node.computation() });
    this.#connect();
  }

  /** After a lost GPU. */
  async #rebuild(options: StartOptions, node: ComputeNode): Promise<void> {
    await this.#build(options, (file, onProgress) => node.rebuild(file, onProgress));
    this.#post({ type: "rebuilt", computation: node.computation() });
  }

  /** A file that the disk has damaged is fetched again, once. */
  async #build<Built>(
    options: StartOptions,
    build: (file: ModelFile, onProgress: (done: number, total: number) => void) => Promise<Built>,
  ): Promise<Built> {
    const store = (this.#store ??= await this.#surroundings.openStore());
    for (let lastChance = false; ; lastChance = true) {
      const file = await this.#obtain(store, options);
      this.#sha256 = file.sha256;
      try {
        return await build(file.model, (done, total) => {
          this.#post({ type: "building", done, total });
        });
      } catch (error) {
        if (!file.model.damaged || lastChance) throw error;
      } finally {
        // The engine has what it needs in its own form; an open file would keep it from being deleted.
        await file.close();
      }
      await store.remove(options.file.key);
    }
  }

  #obtain(store: WeightsStore, options: StartOptions): Promise<ObtainedFile> {
    const { network, estimateSpace } = this.#surroundings;
    return obtain(
      options.file,
      { store, network, estimateSpace },
      (progress) => {
        this.#post({ type: "progress", progress });
      },
      this.#abort.signal,
    );
  }

  #connect(): void {
    const options = this.#options;
    const node = this.#node;
    if (options === null || node === null) return;
    node.connect(
      {
        hubUrl: options.hubUrl,
        name: options.nodeName,
        modelId: options.file.modelId,
        digest: `sha256:${this.#sha256}`,
        owner: options.owner,
        onlyOwn: options.onlyOwn,
        paused: this.#paused,
        tabHidden: options.tabHidden,
      },
      (event) => {
        this.#heard(event);
      },
    );
  }

  #heard(event: NodeEvent): void {
    if (event.type === "connected") this.#connected = true;
    if (event.type === "disconnected" || event.type === "refused") this.#connected = false;
    this.#post({ type: "node", event });
    if (event.type === "gpuLost" && this.#options !== null && this.#node !== null) {
      this.#starting = this.#told(this.#rebuild(this.#options, this.#node));
    }
  }

  async #foresee({ id, input, count }: Extract<ToWorker, { type: "distribution" }>): Promise<void> {
    try {
      if (this.#node === null) throw new Error("no model is loaded");
      const distribution = await this.#node.distribution(input, count, (done, total) => {
        this.#post({ type: "distribution_progress", id, done, total });
      });
      this.#post({ type: "distribution", id, distribution });
    } catch (error) {
      this.#post({
        type: "no_distribution",
        id,
        message: error instanceof Error ? error.message : String(error),
      });
    }
  }

  #reconnect(): void {
    if (this.#node === null || this.#connected) return;
    this.#node.disconnect();
    this.#connect();
  }

  async #stop(): Promise<void> {
    this.#abort.abort();
    this.#node?.disconnect();
    await this.#starting;
    this.#node?.disconnect();
    this.#node?.free();
    this.#node = null;
    this.#surroundings.post({ type: "stopped" });
    this.#ended = true;
  }

  #post(message: FromWorker): void {
    if (!this.#ended) this.#surroundings.post(message);
  }
}
