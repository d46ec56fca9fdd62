// The studio's projects: what there is, what is open in this tab, and what a person does with them as a whole.

import { Observable } from "../compute/observable";
import type { Studio } from "../studio/studio";
import { browserProjects } from "./browser";
import { Keeper } from "./keeper";
import { MachineError, type Machines } from "./machine";
import { exportText, importText, nameFrom, newRecord, type ProjectRecord } from "./record";
import { Session, type SessionSurroundings } from "./session";
import type { ProjectStore } from "./store";
import type { Tabs } from "./tab";
import type { WorkSurroundings } from "./work";

export interface ProjectsSurroundings {
  store: ProjectStore;
  tabs: Tabs;
  machines: Machines;
  work: WorkSurroundings;
  now: () => number;
  newId: () => string;
  /** Asks the browser not to clear what is kept for want of room. */
  keepStorage: () => void;
  /** The projects that this tab's team works on, for after a reload. */
  running: { get(): string[]; set(ids: string[]): void };
}

export type ImportProblem = "no_project" | "refused" | "no_pipeline";

export class Projects {
  readonly #surroundings: ProjectsSurroundings;
  readonly #keeper: Keeper;
  readonly #sessions = new Map<string, { session: Session; users: number }>();
  readonly #running = new Set<string>();
  /** The project that was removed last, until it is brought back or another one goes. */
  readonly removed = new Observable<ProjectRecord | null>(null);

  constructor(surroundings: ProjectsSurroundings) {
    this.#surroundings = surroundings;
    const { store, tabs } = surroundings;
    this.#keeper = new Keeper(store, (id) => {
      tabs.tell({ type: this.#keeper.find(id) === null ? "removed" : "changed", id });
    });
    tabs.onMessage((message) => {
      const session = this.#sessions.get(message.id)?.session;
      if (message.type === "yield") void session?.yielded();
      else if (message.type === "removed") {
        this.#keeper.forget(message.id);
        session?.removed();
      } else {
        void (session === undefined ? this.#keeper.fresh(message.id) : session.changed());
      }
    });
    void this.#keeper.load();
  }

  get records() {
    return this.#keeper.records;
  }

  get keeping() {
    return this.#keeper.keeping;
  }

  /** Saves a new project and lets the team begin. Resolves with its id. */
  async create(idea: string): Promise<string> {
    const { machines, newId, now, keepStorage } = this.#surroundings;
    const project = await machines.newProject(idea);
    keepStorage();
    const id = newId();
    // Running from the start: whoever opens it goes on from there.
    const record = newRecord(id, { ...project, run: { is: "running" } }, idea, now());
    await this.#keeper.put(record);
    this.#session(id);
    return id;
  }

  /** Goes on with what this tab's team worked on before a reload. */
  resume(): void {
    for (const id of this.#surroundings.running.get()) this.#session(id);
  }

  stopAll(): void {
    for (const { session } of this.#sessions.values()) {
      const { value } = session.state;
      if (value.is === "open" && value.work.isRunning) void value.work.stop();
    }
  }

  /** The project for a view that shows it, until the view calls `leave`. */
  open(id: string): Session {
    const entry = this.#session(id);
    entry.users += 1;
    return entry.session;
  }

  /** The team goes on; a project at rest is let go, for other tabs to take. */
  leave(id: string): void {
    const entry = this.#sessions.get(id);
    if (entry === undefined) return;
    entry.users -= 1;
    // Not before what the view hands in as it goes, such as a file that was being edited.
    queueMicrotask(() => {
      void entry.session.settled().then(() => {
        this.#letGo(id);
      });
    });
  }

  isRunningHere(id: string): boolean {
    return this.#sessions.get(id)?.session.isRunning ?? false;
  }

  rename(id: string, name: string): void {
    const record = this.#keeper.find(id);
    const plain = nameFrom(name);
    if (record !== null && plain !== "") void this.#keeper.put({ ...record, name: plain });
  }

  /** A copy at rest, with this name. */
  async duplicate(id: string, name: string): Promise<string | null> {
    const record = this.#keeper.find(id);
    if (record === null) return null;
    const { newId, now } = this.#surroundings;
    const copy: ProjectRecord = {
      ...atRest(record),
      id: newId(),
      name: nameFrom(name),
      createdAt: now(),
      changedAt: now(),
    };
    await this.#keeper.put(copy);
    return copy.id;
  }

  async remove(id: string): Promise<void> {
    const record = this.#keeper.find(id);
    if (record === null) return;
    const entry = this.#sessions.get(id);
    entry?.session.removed();
    entry?.session.close();
    this.#sessions.delete(id);
    this.#ran(id, false);
    this.removed.set(atRest(record));
    await this.#keeper.remove(id);
  }

  async bringBack(): Promise<void> {
    const record = this.removed.value;
    this.removed.set(null);
    if (record !== null) await this.#keeper.put(record);
  }

  export(id: string): string | null {
    const record = this.#keeper.find(id);
    return record === null ? null : exportText(atRest(record));
  }

  async import(text: string): Promise<{ id: string } | { problem: ImportProblem }> {
    const read = importText(text);
    if (read === null) return { problem: "no_project" };
    try {
      const project = await this.#surroundings.machines.check(read.project);
      const { newId, now } = this.#surroundings;
      const record = atRest(newRecord(newId(), project, read.name, now()));
      await this.#keeper.put(record);
      return { id: record.id };
    } catch (error) {
      return { problem: error instanceof MachineError ? "no_pipeline" : "refused" };
    }
  }

  #session(id: string): { session: Session; users: number } {
    const known = this.#sessions.get(id);
    if (known !== undefined) return known;
    const surroundings: SessionSurroundings = {
      keeper: this.#keeper,
      tabs: this.#surroundings.tabs,
      work: this.#surroundings.work,
      now: this.#surroundings.now,
      onRunning: (of, running) => {
        this.#ran(of, running);
      },
    };
    const entry = { session: new Session(id, surroundings), users: 0 };
    this.#sessions.set(id, entry);
    return entry;
  }

  #ran(id: string, running: boolean): void {
    if (running) this.#running.add(id);
    else this.#running.delete(id);
    this.#surroundings.running.set([...this.#running]);
    if (running) return;
    // Not before the step that ended the work is saved.
    queueMicrotask(() => {
      this.#letGo(id);
    });
  }

  #letGo(id: string): void {
    const entry = this.#sessions.get(id);
    if (entry === undefined || entry.users > 0 || entry.session.isRunning) return;
    // One that is being opened may be about to go on.
    if (entry.session.state.value.is === "loading") return;
    entry.session.close();
    this.#sessions.delete(id);
  }
}

function atRest(record: ProjectRecord): ProjectRecord {
  if (record.project.run.is !== "running") return record;
  return { ...record, project: { ...record.project, run: { is: "stopped" } } };
}

const known = new WeakMap<Studio, Projects>();

/** The studio's projects; they live as long as the page does. */
export function projectsOf(studio: Studio): Projects {
  const projects = known.get(studio) ?? new Projects(browserProjects(studio));
  known.set(studio, projects);
  return projects;
}
