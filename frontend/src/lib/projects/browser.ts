// What projects need, in a real browser.

import { get } from "svelte/store";

import { forgivingStorage } from "../settings/storage";
import type { Studio } from "../studio/studio";
import { pipelineTeam } from "../team/pipeline-team";
import { teamOf } from "../team/team";
import { tokenizerOf } from "../tokenizer/tokenizer";
import { findModel } from "../hub/catalogue";
import { rememberRunning, runningBeforeReload } from "./running";
import { IndexedDbProjects } from "./store";
import { Tabs } from "./tab";
import type { ProjectsSurroundings } from "./projects";
import type { WorkSurroundings } from "./work";
import { WorkerMachines } from "./worker-machines";
import { windowOf } from "./windows";

export function browserProjects(studio: Studio): ProjectsSurroundings {
  const session = forgivingStorage(() => sessionStorage);
  const machines = new WorkerMachines(
    () => new Worker(new URL("./pipeline.worker.ts", import.meta.url), { type: "module" }),
  );
  return {
    store: new IndexedDbProjects(),
    // The page may be open at an address that the browser does not trust, where there are no locks.
    tabs: new Tabs(
      (navigator as { locks?: LockManager }).locks ?? null,
      new BroadcastChannel("kipina-projects"),
    ),
    machines,
    work: workSurroundings(studio, machines),
    now: () => Date.now(),
    newId: () => [...crypto.getRandomValues(new Uint32Array(2))].map((half) => half.toString(36)).join(""),
    keepStorage: () => {
      // Some browsers ask the person, who may take a while; others have no such thing.
      void (navigator as { storage?: StorageManager }).storage?.persist().catch(() => false);
    },
    running: {
      get: () => runningBeforeReload(session),
      set: (ids) => {
        rememberRunning(session, ids);
      },
    },
  };
}

function workSurroundings(studio: Studio, machines: WorkerMachines): WorkSurroundings {
  const team = teamOf(studio);
  return {
    machines,
    ask: (prompt, onText, signal) => studio.ask(prompt, onText, signal),
    hub: studio.hub,
    modelFor: (wish) => modelFor(studio, wish),
    now: () => Date.now(),
    pause,
    windowOf: (modelId) => windowOf(studio.fetcher, studio.hub.value.models, modelId),
    tokenizer: async () => {
      const asked = new Set(
        pipelineTeam(team.agents.value).agents.map(({ model }) => modelFor(studio, model)),
      );
      const [modelId] = asked;
      if (asked.size !== 1 || modelId == null) return null;
      return tokenizerOf(studio)
        .sourceOf(modelId)
        .catch(() => null);
    },
    team: {
      get value() {
        return pipelineTeam(team.agents.value);
      },
      subscribe: (listener) =>
        team.agents.subscribe((agents) => {
          listener(pipelineTeam(agents));
        }),
      begin: (role, path) => team.begin(team.ofRole(role).id, path),
    },
  };
}

/** Whoever an agent wishes, by id, alias or family; without a wish whoever would answer in the terminal. */
function modelFor(studio: Studio, wish: string | null): string | null {
  if (wish === null) return get(studio.answering);
  const served = get(studio.served);
  const found = findModel(served, wish) ?? served.find(({ family }) => family === wish);
  return found?.id ?? null;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
    if (signal.aborted) end();
  });
}
