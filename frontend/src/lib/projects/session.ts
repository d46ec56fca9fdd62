// One project that is open in this tab: its lock, its work, what a person types.

import { Observable } from "../compute/observable";
import type { Keeper } from "./keeper";
import { fileAt, newestText } from "./project";
import type { ProjectRecord } from "./record";
import type { Tabs } from "./tab";
import { Work, type WorkSurroundings, type WorkView } from "./work";

export type SessionState =
  | { is: "loading" }
  | { is: "missing" }
  /** Another tab works on it; it is shown as that tab saves it. */
  | { is: "elsewhere"; record: ProjectRecord }
  | { is: "open"; work: Work };

export interface SessionSurroundings {
  keeper: Keeper;
  tabs: Tabs;
  work: WorkSurroundings;
  now(): number;
  /** The team has begun or ended its work. */
  onRunning(id: string, running: boolean): void;
}

export class Session {
  readonly state = new Observable<SessionState>({ is: "loading" });
  readonly #id: string;
  readonly #surroundings: SessionSurroundings;
  #lock = new AbortController();
  #opening = 0;

  constructor(id: string, surroundings: SessionSurroundings) {
    this.#id = id;
    this.#surroundings = surroundings;
    this.#take();
  }

  get isRunning(): boolean {
    const { value } = this.state;
    return value.is === "open" && value.work.isRunning;
  }

  /** What a person has typed into a file; null: nothing that is not saved. */
  keepDraft(path: string, text: string | null): void {
    const record = this.#surroundings.keeper.find(this.#id);
    if (record === null || this.state.value.is !== "open") return;
    const others = Object.entries(record.drafts).filter(([of]) => of !== path);
    const drafts = Object.fromEntries(text === null ? others : [...others, [path, text]]);
    void this.#surroundings.keeper.put({ ...record, drafts });
  }

  /** The text becomes the file's newest version. Says whether it has; else it stays what is being typed. */
  async saveFile(path: string, text: string): Promise<boolean> {
    const { value } = this.state;
    if (value.is !== "open") return false;
    await value.work.send({ type: "edit", path, text });
    const file = fileAt(value.work.value.project, path);
    const isSaved = file !== undefined && newestText(file) === text;
    this.keepDraft(path, isSaved ? null : text);
    return isSaved;
  }

  /** When all that was asked of it is done. */
  settled(): Promise<void> {
    const { value } = this.state;
    return value.is === "open" ? value.work.settled() : Promise.resolve();
  }

  /** Lets this tab work on the project: the one that does so stops and waits. */
  takeOver(): void {
    this.#surroundings.tabs.tell({ type: "yield", id: this.#id });
  }

  /** Another tab has saved it. */
  async changed(): Promise<void> {
    const isShownOnly = (): boolean => ["elsewhere", "missing"].includes(this.state.value.is);
    if (!isShownOnly()) return;
    const record = await this.#surroundings.keeper.fresh(this.#id);
    if (!isShownOnly()) return;
    this.state.set(record === null ? { is: "missing" } : { is: "elsewhere", record });
  }

  removed(): void {
    this.#end();
    this.state.set({ is: "missing" });
  }

  /** Another tab wants to work on it: this one shows it from now on, and gets it back when that tab is done. */
  async yielded(): Promise<void> {
    const { value } = this.state;
    if (value.is !== "open") return;
    const record = this.#surroundings.keeper.find(this.#id);
    this.#end();
    this.#surroundings.onRunning(this.#id, false);
    if (record !== null) {
      this.state.set({ is: "elsewhere", record });
      // As saved: whoever takes it goes on by itself where the team was at work.
      await this.#surroundings.keeper.put(record);
    }
    this.#lock.abort();
    this.#lock = new AbortController();
    // The other tab's request is older than this one, and so comes first.
    this.#take();
  }

  close(): void {
    this.#end();
    this.#lock.abort();
  }

  #take(): void {
    const { signal } = this.#lock;
    this.#surroundings.tabs.hold(this.#id, signal, (held) => {
      void this.#open(held, signal);
    });
  }

  async #open(held: boolean, signal: AbortSignal): Promise<void> {
    const opening = (this.#opening += 1);
    const { keeper } = this.#surroundings;
    const record = await keeper.fresh(this.#id);
    if (signal.aborted || opening !== this.#opening) return;
    if (record === null) this.state.set({ is: "missing" });
    else if (!held) this.state.set({ is: "elsewhere", record });
    else this.#work(record);
  }

  #work(record: ProjectRecord): void {
    const work = new Work(this.#surroundings.work, record, (view) => {
      this.#save(view);
    });
    this.state.set({ is: "open", work });
    // The team was at work when the tab was reloaded, crashed or given away: it goes on.
    if (record.project.run.is === "running") void work.start();
    let ran = false;
    work.subscribe(({ project }) => {
      const running = project.run.is === "running";
      if (running === ran) return;
      ran = running;
      this.#surroundings.onRunning(this.#id, running);
    });
  }

  #save({ project, timings, meters }: WorkView): void {
    const record = this.#surroundings.keeper.find(this.#id);
    if (record === null) return;
    const changedAt = this.#surroundings.now();
    void this.#surroundings.keeper.put({
      ...record,
      project,
      timings: [...timings],
      meters: { ...meters },
      changedAt,
    });
  }

  #end(): void {
    const { value } = this.state;
    if (value.is === "open") value.work.close();
  }
}
