// What the page and its compute worker say to each other.

import type { DownloadProgress } from "../weights/download";
import type { WantedFile } from "../weights/model";
import type { NodeEvent } from "../worker/wasm";
import type { ComputeFailure } from "./failure";
import type { EngineBuild } from "./features";

export interface StartOptions {
  file: WantedFile;
  build: EngineBuild;
  threads: number;
  contextLength: number;
  hubUrl: string;
  nodeName: string;
  webgpu: string | null;
  owner: string;
  onlyOwn: boolean;
  tabHidden: boolean;
}

export type ToWorker =
  | { type: "start"; options: StartOptions }
  | { type: "pause"; paused: boolean }
  | { type: "only_own"; onlyOwn: boolean }
  | { type: "tab_hidden"; hidden: boolean }
  /** The device woke up or the network came back: connect now, not when the pause is over. */
  | { type: "reconnect" }
  /** Ends the work in good order; `stopped` answers it. */
  | { type: "stop" };

export type FromWorker =
  /** It runs, and holds the lock of its name. */
  | { type: "alive" }
  | { type: "progress"; progress: DownloadProgress }
  | { type: "building"; done: number; total: number }
  | { type: "loaded" }
  | { type: "node"; event: NodeEvent }
  | { type: "failed"; failure: ComputeFailure }
  | { type: "stopped" };
