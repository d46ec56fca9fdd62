// What lives as long as the page does, whichever view is shown: the hub, this tab's computing, a person's choices.

import { derived, get, type Readable } from "svelte/store";

import { ComputeController, type Surroundings } from "../compute/controller";
import { chooseBuild, type BuildChoice } from "../compute/features";
import { Observable } from "../compute/observable";
import { answeringModel, isActive, type Compute } from "../compute/state";
import { clampThreads, defaultThreads } from "../compute/threads";
import type { CatalogueModel } from "../hub/catalogue";
import { streamChat, type Answer, type Prompt } from "../hub/chat";
import { chooseModel, type ModelChoice } from "../page/choice";
import { HubStatus } from "../page/hub-status";
import { loadLanguage, saveLanguage, type Language } from "../i18n/language";
import { loadSettings, saveSettings, type Settings } from "../settings/settings";
import type { KeyValue } from "../settings/storage";
import { computingBeforeReload, rememberComputing } from "../settings/tab";
import { loadTheme, saveTheme, type Theme } from "../settings/theme";
import { parseVisit, type Visit } from "../settings/visit";
import type { StoredRecord } from "../weights/store";
import type { ComputeWish } from "../worker/wasm";

/** What the studio needs of the browser. */
export interface StudioSurroundings {
  fetcher: typeof fetch;
  local: KeyValue;
  session: KeyValue;
  compute: Surroundings;
  cores: number;
  /** The page's address after its path. */
  search: string;
  storedModels(): Promise<StoredRecord[]>;
  deleteModel(key: string): Promise<void>;
  /** Tells of what happens to the page; returns what undoes it. */
  watchPage(controller: ComputeController, onReturn: () => void, onHidden: () => void): () => void;
}

/** What lies over the page: the commands that join a machine, or the map of the keys. */
export type Dialog = "join" | "keys";

/** This machine, as far as the page knows it. */
export interface Machine {
  cores: number;
  /** Null where the browser does not tell. */
  deviceBytes: number | null;
  /** Null until the browser's features are known. */
  build: BuildChoice | null;
  stored: readonly StoredRecord[];
  removeFailed: boolean;
}

export class Studio {
  readonly hub: HubStatus;
  readonly compute: ComputeController;
  readonly language: Observable<Language>;
  readonly theme: Observable<Theme>;
  readonly settings: Observable<Settings>;
  readonly visit: Observable<Visit>;
  readonly machine: Observable<Machine>;
  /** The model that a start would load; null while the catalogue is not known. */
  readonly choice: Readable<ModelChoice | null>;
  readonly threads: Readable<number>;
  /** What the model of a start would be computed with. */
  readonly computeWish: Readable<ComputeWish>;
  /** Models that somebody answers with right now, in the catalogue's order. */
  readonly served: Readable<CatalogueModel[]>;
  /** The model that answers when nobody names one; null where nobody answers. */
  readonly answering: Readable<string | null>;
  /** Nobody else's machine may answer this person's prompts. */
  readonly ownNodes = new Observable(false);
  readonly dialog = new Observable<Dialog | null>(null);
  /** Answers that are being waited for. */
  readonly pending = new Observable(0);
  readonly owner: string;
  readonly local: KeyValue;
  readonly #surroundings: StudioSurroundings;
  #before: Compute;

  constructor(surroundings: StudioSurroundings) {
    const { local, cores, compute, search, fetcher } = surroundings;
    this.#surroundings = surroundings;
    this.local = local;
    this.owner = compute.owner;
    this.hub = new HubStatus(fetcher);
    this.compute = new ComputeController(compute);
    this.language = new Observable(loadLanguage(local));
    this.language.subscribe((language) => {
      saveLanguage(local, language);
    });
    this.theme = new Observable(loadTheme(local));
    this.theme.subscribe((theme) => {
      saveTheme(local, theme);
    });
    this.settings = new Observable(loadSettings(local));
    this.visit = new Observable(parseVisit(search));
    const deviceBytes = compute.deviceBytes();
    this.machine = new Observable<Machine>({
      cores,
      deviceBytes,
      build: null,
      stored: [],
      removeFailed: false,
    });
    this.choice = derived(
      [this.hub, this.visit, this.settings, this.machine],
      ([{ models }, visit, settings, machine]) =>
        models === null
          ? null
          : chooseModel(models, { thisVisit: visit.modelId, kept: settings.modelId }, machine.deviceBytes),
    );
    this.threads = derived([this.visit, this.settings], ([visit, settings]) =>
      clampThreads(visit.threads ?? settings.threads ?? defaultThreads(cores), cores),
    );
    this.computeWish = derived(
      [this.visit, this.settings],
      ([visit, settings]) => visit.compute ?? settings.compute,
    );
    this.served = derived(this.hub, ({ models }) => (models ?? []).filter((model) => model.nodes > 0));
    this.answering = derived(
      [this.served, this.choice, this.compute, this.ownNodes],
      ([served, choice, computing, ownNodes]) => {
        const own = answeringModel(computing.state);
        if (ownNodes && own !== null) return own;
        const ids = served.map(({ id }) => id);
        const preferred = choice?.kind === "model" ? choice.model.id : null;
        return (preferred !== null && ids.includes(preferred) ? preferred : ids[0]) ?? own;
      },
    );
    this.#before = this.compute.value;
    this.compute.subscribe((next) => {
      this.#follow(next);
    });
    void compute.features().then((features) => {
      this.#learn({ build: chooseBuild(features) });
    });
  }

  /** The page is there: asks the hub and the disk, and follows what happens to the page until it is undone. */
  watch(): () => void {
    void this.#open();
    const stopListening = this.hub.follow();
    const stopWatching = this.#surroundings.watchPage(
      this.compute,
      () => void this.hub.wake(),
      () => {
        this.hub.rest();
      },
    );
    return () => {
      stopListening();
      stopWatching();
    };
  }

  /** Goes on computing where this tab did so before a reload. */
  async #open(): Promise<void> {
    await Promise.all([this.hub.refresh(), this.#refreshStored()]);
    const before = computingBeforeReload(this.#surroundings.session);
    if (before === null && !this.settings.value.autoStart) return;
    if (before !== null && this.visit.value.modelId === null) {
      this.settings.set({ ...this.settings.value, modelId: before });
    }
    this.#begin();
  }

  /** What this browser is called in the network, also while it does not compute. */
  get nodeName(): string {
    return this.#surroundings.compute.nodeName;
  }

  get fetcher(): typeof fetch {
    return this.#surroundings.fetcher;
  }

  keepSettings(change: Partial<Settings>): void {
    this.settings.set({ ...this.settings.value, ...change });
    saveSettings(this.local, this.settings.value);
    if (change.onlyOwn !== undefined) this.compute.setOnlyOwn(change.onlyOwn);
    if (change.threads !== undefined) this.visit.set({ ...this.visit.value, threads: null });
    if (change.compute !== undefined) this.visit.set({ ...this.visit.value, compute: null });
  }

  selectModel(model: CatalogueModel): void {
    this.visit.set({ ...this.visit.value, modelId: null });
    this.keepSettings({ modelId: model.id });
  }

  /** Starts this tab's computing; also the way out of a catalogue that did not come. */
  async startComputing(): Promise<void> {
    if (this.hub.value.models === null) await this.hub.refresh();
    this.#begin();
  }

  stopComputing(): Promise<void> {
    return this.compute.stop();
  }

  async removeModel(key: string, modelId: string): Promise<void> {
    const { state } = this.compute.value;
    if (isActive(state) && "modelId" in state && state.modelId === modelId) await this.compute.stop();
    const removeFailed = await this.#surroundings.deleteModel(key).then(
      () => false,
      () => true,
    );
    this.#learn({ removeFailed });
    await this.#refreshStored();
  }

  /** Hands on each piece of text as it comes. Throws `HubError`, or `AbortError` when aborted. */
  async ask(prompt: Prompt, onText: (text: string) => void, signal: AbortSignal): Promise<Answer> {
    const asker = {
      owner: this.owner,
      ownNodes: this.ownNodes.value && answeringModel(this.compute.value.state) !== null,
      apiKey: this.settings.value.apiKey,
    };
    this.pending.set(this.pending.value + 1);
    try {
      return await streamChat(this.fetcher, asker, prompt, onText, signal);
    } catch (error) {
      // Who is there may have changed: what failed is the best sign of it.
      if (!signal.aborted) void this.hub.refresh();
      throw error;
    } finally {
      this.pending.set(this.pending.value - 1);
    }
  }

  #begin(): void {
    const { compute } = this;
    const choice = get(this.choice);
    if (choice === null) compute.fail({ code: "catalogue_unreachable" });
    else if (choice.kind === "unknown") compute.fail({ code: "unknown_model", modelId: choice.modelId });
    else if (choice.kind === "none") compute.fail({ code: "nothing_fits" });
    else {
      void compute.start({
        model: choice.model,
        threads: get(this.threads),
        compute: get(this.computeWish),
        onlyOwn: this.settings.value.onlyOwn,
      });
    }
  }

  /** What else changes when the computing does. */
  #follow(next: Compute): void {
    const before = this.#before.state;
    const now = next.state;
    const joinedOrLeft = answeringModel(before) !== answeringModel(now);
    this.#before = next;
    const changed = before.kind !== now.kind;
    if (joinedOrLeft || (changed && now.kind === "failed")) void this.hub.refresh();
    if (!changed) return;
    const { session } = this.#surroundings;
    if (now.kind === "running") rememberComputing(session, now.modelId);
    if (now.kind === "stopped") rememberComputing(session, null);
    if (before.kind === "downloading" || before.kind === "preparing" || now.kind === "stopped") {
      void this.#refreshStored();
    }
  }

  async #refreshStored(): Promise<void> {
    this.#learn({ stored: await this.#surroundings.storedModels() });
  }

  #learn(change: Partial<Machine>): void {
    this.machine.set({ ...this.machine.value, ...change });
  }
}
