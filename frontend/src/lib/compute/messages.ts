// What the page and its compute worker say to each other.

import type { DownloadProgress } from "../weights/download";
import type { WantedFile } from "../weights/model";
import type {
  Computation,
  ComputeWish,
  Distribution,
  DistributionInput,
  NodeEvent,
  Tuning,
} from "../worker/wasm";
import type { ComputeFailure } from "./failure";
import type { EngineBuild } from "./features";

export interface StartOptions {
  file: WantedFile;
  build: EngineBuild;
  threads: number;
  contextLength: number;
  compute: ComputeWish;
  tuning: Tuning;
  hubUrl: string;
  nodeName: string;
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
  /** What the model says about the next token; `distribution` or `no_distribution` answers it. */
  | { type: "distribution"; id: number; input: DistributionInput; count: number }
  /** Ends the work in good order; `stopped` answers it. */
  | { type: "stop" };

export type FromWorker =
  /** It runs, and holds the lock of its name. */
  | { type: "alive" }
  | { type: "progress"; progress: DownloadProgress }
  | { type: "building"; done: number; total: number }
  | { type: "loaded"; computation: Computation }
  /** After a lost GPU, whose event came before. */
  | { type: "rebuilt"; computation: Computation }
  | { type: "node"; event: NodeEvent }
  | { type: "distribution_progress"; id: number; done: number; total: number }
  | { type: "distribution"; id: number; distribution: Distribution }
  | { type: "no_distribution"; id: number; message: string }
  | { type: "failed"; failure: ComputeFailure }
  | { type: "stopped" };
