// The controller's surroundings in a real browser.

import { storedModels } from "../weights/stores";
import type { WantedFile } from "../weights/model";
import type { ComputeWorker, Surroundings } from "./controller";
import { detectFeatures } from "./features";
import type { FromWorker } from "./messages";
import type { Concern } from "./state";
import { TabLock } from "./tab-lock";

const GIB = 1024 ** 3;

/** Interfaces that not every browser has, and TypeScript's library therefore leaves out. */
interface RareNavigator extends Navigator {
  deviceMemory?: number;
  connection?: { saveData?: boolean };
  getBattery?: () => Promise<{ charging: boolean }>;
}

function rare(): RareNavigator {
  return navigator;
}

export function browserSurroundings(
  given: Pick<Surroundings, "nodeName" | "owner" | "tuning">,
): Surroundings {
  return {
    features: detectFeatures,
    deviceBytes,
    concerns,
    lock: new TabLock(navigator.locks, new BroadcastChannel("kipina-compute")),
    makeWorker,
    keepStorage: () => {
      // Some browsers ask the person, who may take a while: nothing waits for the answer.
      void navigator.storage.persist().catch(() => false);
    },
    hidden: () => document.hidden,
    now: () => Date.now(),
    hubUrl: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`,
    ...given,
  };
}

/** Null where the browser does not tell. */
export function deviceBytes(): number | null {
  const gibibytes = rare().deviceMemory;
  return gibibytes === undefined ? null : gibibytes * GIB;
}

async function concerns(file: WantedFile): Promise<Concern[]> {
  const found: Concern[] = [];
  const battery = await rare()
    .getBattery?.()
    .catch(() => null);
  if (battery?.charging === false) found.push("battery");
  if (rare().connection?.saveData === true) {
    const stored = await storedModels();
    const onDisk = stored.some((record) => record.key === file.key && record.checksums !== null);
    if (!onDisk) found.push("data_saver");
  }
  return found;
}

function makeWorker(): ComputeWorker {
  const name = `kipina-worker-${crypto.randomUUID()}`;
  const worker = new Worker(new URL("../worker/compute.worker.ts", import.meta.url), {
    type: "module",
    name,
  });
  const handle: ComputeWorker = {
    post: (message) => {
      worker.postMessage(message);
    },
    onMessage: () => undefined,
    onLost: () => undefined,
    terminate: () => {
      worker.terminate();
    },
  };
  worker.addEventListener("message", (event: MessageEvent<FromWorker>) => {
    handle.onMessage(event.data);
    if (event.data.type !== "alive") return;
    // The worker holds the lock of its name for as long as it lives, and not every death is an event.
    void navigator.locks.request(name, () => {
      handle.onLost();
    });
  });
  worker.addEventListener("error", () => {
    handle.onLost();
  });
  return handle;
}
