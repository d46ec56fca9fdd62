// What Kipinä keeps, in a real browser.

import type { Observable } from "../compute/observable";
import type { Studio } from "../studio/studio";
import { cacheStash, keyStash, together, type Stash, type StashKind } from "./stash";

/** What was typed before is a part of the conversation, and no choice. */
const HISTORY = "kipina.history";
const CONVERSATION = "kipina.terminal";

export function stashesOf(studio: Studio): Record<StashKind, Stash> {
  return {
    models: modelStash(studio),
    projects: projectStash(studio),
    conversation: conversationStash(studio),
    choices: together(
      keyStash(
        () => localStorage,
        (key) => key !== HISTORY,
      ),
      keyStash(
        () => sessionStorage,
        (key) => key !== CONVERSATION,
      ),
    ),
    caches: pageStash(),
  };
}

function modelStash(studio: Studio): Stash {
  return {
    measure: async () => {
      const { stored } = studio.machine.value;
      const bytes = stored.reduce((sum, record) => sum + record.bytes, 0);
      return Promise.resolve({ bytes, count: stored.length });
    },
    clear: async () => {
      for (const { key, modelId } of studio.machine.value.stored) {
        await studio.removeModel(key, modelId);
        if (studio.machine.value.removeFailed) throw new Error("a model is in use");
      }
    },
  };
}

/** Rooms that a person may never open are loaded when they are asked. */
function projectStash(studio: Studio): Stash {
  const open = async () => {
    const projects = (await import("../projects/projects")).projectsOf(studio);
    return { projects, records: await known(projects.records) };
  };
  return {
    measure: async () => {
      const { records } = await open();
      const bytes = records.reduce((sum, record) => sum + new Blob([JSON.stringify(record)]).size, 0);
      return { bytes, count: records.length };
    },
    clear: async () => {
      const { projects, records } = await open();
      for (const { id } of records) await projects.remove(id);
      projects.removed.set(null);
    },
  };
}

/** The value once it is there. */
function known<Value>(observable: Observable<Value | null>): Promise<Value> {
  return new Promise((resolve) => {
    observable.subscribe((value) => {
      if (value !== null) resolve(value);
    });
  });
}

function conversationStash(studio: Studio): Stash {
  const kept = together(
    keyStash(
      () => sessionStorage,
      (key) => key === CONVERSATION,
    ),
    keyStash(
      () => localStorage,
      (key) => key === HISTORY,
    ),
  );
  return {
    measure: () => kept.measure(),
    clear: async () => {
      // The terminal would write down what it has when the page is left.
      const { terminalOf } = await import("../terminal/open");
      terminalOf(studio).clear();
      await kept.clear();
    },
  };
}

/** Without its files the service worker has nothing to serve, and the next visit brings another. */
function pageStash(): Stash {
  const files = cacheStash("caches" in globalThis ? caches : undefined);
  return {
    measure: () => files.measure(),
    clear: async () => {
      const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
      for (const registration of (await serviceWorker?.getRegistrations()) ?? []) {
        await registration.unregister();
      }
      await files.clear();
    },
  };
}
