// Where projects are kept: the browser's database, which may be full, forbidden or gone.

import { openDB, type DBSchema, type IDBPDatabase } from "idb";

import { readRecord, type ProjectRecord } from "./record";

export interface ProjectStore {
  all(): Promise<ProjectRecord[]>;
  get(id: string): Promise<ProjectRecord | null>;
  put(record: ProjectRecord): Promise<void>;
  remove(id: string): Promise<void>;
}

interface Schema extends DBSchema {
  projects: { key: string; value: unknown };
}

export class IndexedDbProjects implements ProjectStore {
  #opening: Promise<IDBPDatabase<Schema>> | null = null;

  async all(): Promise<ProjectRecord[]> {
    const values = await (await this.#database()).getAll("projects");
    return values.flatMap((value) => readRecord(value) ?? []);
  }

  async get(id: string): Promise<ProjectRecord | null> {
    return readRecord(await (await this.#database()).get("projects", id));
  }

  async put(record: ProjectRecord): Promise<void> {
    await (await this.#database()).put("projects", record, record.id);
  }

  async remove(id: string): Promise<void> {
    await (await this.#database()).delete("projects", id);
  }

  /** What did not open is tried again the next time: a person may have made room, or allowed it. */
  #database(): Promise<IDBPDatabase<Schema>> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  // Where storage is forbidden, even naming the database may throw.
  async #open(): Promise<IDBPDatabase<Schema>> {
    return openDB<Schema>("kipina-projects", 1, {
      upgrade(created) {
        created.createObjectStore("projects");
      },
      terminated: () => {
        this.#opening = null;
      },
    });
  }
}

/** `full`: there is no room; `forbidden`: the browser keeps nothing. Either way the work goes on in memory. */
export type Keeping = "kept" | "full" | "forbidden";

export function keepingAfter(error: unknown): Keeping {
  return error instanceof DOMException && error.name === "QuotaExceededError" ? "full" : "forbidden";
}
