// Projects as a whole, in tabs of one browser.

import "fake-indexeddb/auto";
import { IDBFactory } from "fake-indexeddb";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { Observable } from "../compute/observable";
import type { HubView } from "../page/hub-status";
import { FakeMachines } from "../testing/pipeline";
import { FakeLocks, LoudChannels } from "../testing/tabs";
import { MachineError } from "./machine";
import { Projects } from "./projects";
import type { ProjectRecord } from "./record";
import type { Session } from "./session";
import { IndexedDbProjects, type ProjectStore } from "./store";
import { Tabs } from "./tab";

class Hub extends Observable<HubView> {
  refresh(): Promise<void> {
    return Promise.resolve();
  }
}

function browser() {
  const channels = new LoudChannels();
  const locks = new FakeLocks();
  const orders = { hangs: false, problem: null as Error | null, storage: null as DOMException | null };
  let ids = 0;

  function tab(before: string[] = []) {
    const machines = new FakeMachines();
    const running = { ids: before };
    const store = troubled(new IndexedDbProjects(), orders);
    machines.problem = orders.problem;
    const projects = new Projects({
      store,
      machines,
      tabs: new Tabs(locks, channels.open()),
      now: () => Date.now(),
      keepStorage: () => undefined,
      newId: () => `p${(ids += 1)}`,
      running: {
        get: () => running.ids,
        set: (next) => {
          running.ids = next;
        },
      },
      work: {
        machines,
        hub: new Hub({ connection: "connected", models: [], stats: null }),
        now: () => Date.now(),
        modelFor: () => "m",
        windowOf: () => Promise.resolve(4096),
        tokenizer: () => Promise.resolve(null),
        pause: () => new Promise((resolve) => setTimeout(resolve, 10)),
        ask: async (prompt, onText, signal) => {
          await new Promise((resolve, reject) => {
            if (!orders.hangs) setTimeout(resolve, 1);
            signal.addEventListener("abort", () => {
              reject(new DOMException("aborted", "AbortError"));
            });
          });
          const asksForPlan = prompt.messages.some(({ content }) => content.includes('"plan"'));
          onText(asksForPlan ? "a.py b.py" : "x = 1\n");
          return { finishReason: "stop", promptTokens: 1, completionTokens: 1, report: null };
        },
        team: { value: { agents: [] }, subscribe: () => () => undefined, begin: () => () => undefined },
      },
    });
    return { projects, machines, running, store };
  }
  return { tab, orders };
}

function troubled(store: ProjectStore, orders: { storage: DOMException | null }): ProjectStore {
  const guarded = <Result>(act: () => Promise<Result>): Promise<Result> =>
    orders.storage === null ? act() : Promise.reject(orders.storage);
  return {
    all: () => guarded(() => store.all()),
    get: (id) => guarded(() => store.get(id)),
    put: (record) => guarded(() => store.put(record)),
    remove: (id) => guarded(() => store.remove(id)),
  };
}

const until = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 2000, interval: 5 });

function stateOf(session: Session): string {
  const { value } = session.state;
  return value.is === "open" ? value.work.value.project.run.is : value.is;
}

const kept = ({ projects }: { projects: Projects }): readonly ProjectRecord[] => projects.records.value ?? [];

beforeEach(() => {
  vi.stubGlobal("indexedDB", new IDBFactory());
});

afterEach(() => {
  vi.unstubAllGlobals();
});

describe("a project", () => {
  it("is begun, worked on and kept", async () => {
    const { tab } = browser();
    const here = tab();
    const id = await here.projects.create("  a to-do list ");
    const session = here.projects.open(id);
    await until(() => {
      expect(stateOf(session)).toBe("finished");
    });
    expect(here.running.ids).toEqual([]);
    await until(async () => {
      expect((await here.store.get(id))?.project.run.is).toBe("finished");
    });
    expect(kept(here)[0]).toMatchObject({ id, name: "a to-do list" });
    expect(kept(here)[0]?.project.files.length).toBe(2);
  });

  it("goes on in its tab after a reload, and in no other by itself", async () => {
    const { tab, orders } = browser();
    orders.hangs = true;
    const before = tab();
    const id = await before.projects.create("x");
    const session = before.projects.open(id);
    await until(() => {
      expect(before.running.ids).toEqual([id]);
    });
    // The tab is gone: its lock is the browser's, and its memory with it.
    session.close();
    orders.hangs = false;
    const other = tab();
    await until(() => {
      expect(kept(other).length).toBe(1);
    });
    expect(other.machines.opened).toEqual([]);
    const again = tab([id]);
    again.projects.resume();
    await until(() => {
      expect(kept(again)[0]?.project.run.is).toBe("finished");
    });
    await until(() => {
      expect(kept(other)[0]?.project.run.is).toBe("finished");
    });
  });

  it("is worked on by one tab, shown by others, and taken over", async () => {
    const { tab, orders } = browser();
    orders.hangs = true;
    const [one, two] = [tab(), tab()];
    const id = await one.projects.create("x");
    const first = one.projects.open(id);
    await until(() => {
      expect(stateOf(first)).toBe("running");
    });
    const second = two.projects.open(id);
    await until(() => {
      expect(stateOf(second)).toBe("elsewhere");
    });
    second.takeOver();
    await until(() => {
      expect([stateOf(first), stateOf(second)]).toEqual(["elsewhere", "running"]);
    });
    expect(one.running.ids).toEqual([]);
    expect(two.running.ids).toEqual([id]);
    orders.hangs = false;
    two.projects.leave(id);
    second.close();
    await until(() => {
      expect(stateOf(first)).toBe("finished");
    });
  });

  it("is let go when it is at rest and nobody looks", async () => {
    const { tab } = browser();
    const [one, two] = [tab(), tab()];
    const id = await one.projects.create("x");
    one.projects.open(id);
    await until(() => {
      expect(kept(one)[0]?.project.run.is).toBe("finished");
    });
    one.projects.leave(id);
    const session = two.projects.open(id);
    await until(() => {
      expect(stateOf(session)).toBe("finished");
    });
  });

  it("keeps what a person types, and makes it a version when it is saved", async () => {
    const { tab } = browser();
    const here = tab();
    const id = await here.projects.create("x");
    const session = here.projects.open(id);
    await until(() => {
      expect(stateOf(session)).toBe("finished");
    });
    session.keepDraft("a.py", "mine");
    await until(async () => {
      expect((await here.store.get(id))?.drafts).toEqual({ "a.py": "mine" });
    });
    await session.saveFile("a.py", "mine\n");
    // Handed in by a view as it goes.
    void session.saveFile("b.py", "mine too\n");
    here.projects.leave(id);
    await until(() => {
      expect(kept(here)[0]?.project.files[1]?.versions.length).toBe(2);
    });
    const record = kept(here)[0];
    expect(record?.drafts).toEqual({});
    expect(record?.project.files[0]?.versions.at(-1)).toEqual({ text: "mine\n", by: null, round: 0 });
  });
});

it("what a person types is not lost where the pipeline can't be had", async () => {
  const { tab, orders } = browser();
  const before = tab();
  const id = await before.projects.create("x");
  await until(() => {
    expect(kept(before)[0]?.project.run.is).toBe("finished");
  });
  orders.problem = new MachineError("unreachable");
  const here = tab();
  const session = here.projects.open(id);
  await until(() => {
    expect(stateOf(session)).toBe("finished");
  });
  expect(await session.saveFile("a.py", "mine")).toBe(false);
  expect(kept(here)[0]?.drafts).toEqual({ "a.py": "mine" });
  here.machines.problem = null;
  expect(await session.saveFile("a.py", "mine")).toBe(true);
  expect(kept(here)[0]?.drafts).toEqual({});
});

describe("several projects", () => {
  it("are renamed, copied, removed and brought back, in all tabs", async () => {
    const { tab } = browser();
    const [here, there] = [tab(), tab()];
    const id = await here.projects.create("one");
    await until(() => {
      expect(kept(here)[0]?.project.run.is).toBe("finished");
    });
    here.projects.rename(id, " new name ");
    here.projects.rename(id, "  ");
    await here.projects.duplicate(id, "copy");
    await until(() => {
      expect(
        kept(there)
          .map(({ name }) => name)
          .sort(),
      ).toEqual(["copy", "new name"]);
    });
    await here.projects.remove(id);
    await until(() => {
      expect(kept(there).map(({ name }) => name)).toEqual(["copy"]);
    });
    await here.projects.bringBack();
    await until(() => {
      expect(kept(there).length).toBe(2);
    });
    expect(here.projects.removed.value).toBeNull();
  });

  it("stop together", async () => {
    const { tab, orders } = browser();
    orders.hangs = true;
    const here = tab();
    await here.projects.create("one");
    await until(() => {
      expect(here.running.ids.length).toBe(1);
    });
    here.projects.stopAll();
    await until(() => {
      expect(kept(here)[0]?.project.run.is).toBe("stopped");
    });
    expect(here.running.ids).toEqual([]);
  });

  it("one that is removed while the team works is at rest when it comes back", async () => {
    const { tab, orders } = browser();
    orders.hangs = true;
    const here = tab();
    const id = await here.projects.create("one");
    await until(() => {
      expect(here.running.ids).toEqual([id]);
    });
    await here.projects.remove(id);
    expect(here.running.ids).toEqual([]);
    await here.projects.bringBack();
    expect(kept(here)[0]?.project.run.is).toBe("stopped");
    expect(await here.store.get(id)).not.toBeNull();
  });

  it("are exported and imported, and what is none is refused with a reason", async () => {
    const { tab, orders } = browser();
    const here = tab();
    const id = await here.projects.create("one");
    await until(() => {
      expect(kept(here)[0]?.project.run.is).toBe("finished");
    });
    const text = here.projects.export(id) ?? "";
    const outcome = await here.projects.import(text);
    expect("id" in outcome && outcome.id !== id).toBe(true);
    expect(await here.projects.import("hello")).toEqual({ problem: "no_project" });
    expect(await here.projects.import(text.replace('"idea": "one"', '"idea": "bad"'))).toEqual({
      problem: "refused",
    });
    orders.problem = new MachineError("unreachable");
    expect(await tab().projects.import(text)).toEqual({ problem: "no_pipeline" });
    await expect(tab().projects.create("x")).rejects.toThrow("unreachable");
  });
});

describe("a storage", () => {
  it.each([
    ["QuotaExceededError", "full"],
    ["SecurityError", "forbidden"],
  ])("that refuses with %s is told as %s, and the work goes on in memory", async (name, keeping) => {
    const { tab, orders } = browser();
    orders.storage = new DOMException("no", name);
    const here = tab();
    const id = await here.projects.create("x");
    const session = here.projects.open(id);
    await until(() => {
      expect(stateOf(session)).toBe("finished");
    });
    expect(here.projects.keeping.value).toBe(keeping);
    expect(here.projects.export(id)).toContain("a.py");
    // There is room again: the next step is kept, and nothing is lost.
    orders.storage = null;
    await session.saveFile("a.py", "mine");
    await until(() => {
      expect(here.projects.keeping.value).toBe("kept");
    });
    expect((await here.store.get(id))?.project.files[0]?.versions.length).toBe(2);
  });

  it("that holds what an older page wrote shows only what can be read", async () => {
    const { tab } = browser();
    const here = tab();
    await here.store.put({ id: "old", nonsense: true } as unknown as ProjectRecord);
    const id = await here.projects.create("x");
    const there = tab();
    await until(() => {
      expect(kept(there).map((record) => record.id)).toEqual([id]);
    });
    await until(() => {
      expect(stateOf(there.projects.open("old"))).toBe("missing");
    });
  });
});
