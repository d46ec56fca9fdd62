// What the engine found out of this browser's GPU, kept since finding it out takes seconds. Nobody but the engine
// reads it.

import * as v from "valibot";

import type { Tuning } from "../worker/wasm";
import type { KeyValue } from "./storage";

const tuning = v.record(v.string(), v.string());

const KEY = "kipina.tuning";

export function loadTuning(storage: KeyValue): Tuning {
  try {
    return v.parse(tuning, JSON.parse(storage.getItem(KEY) ?? "{}"));
  } catch {
    return {};
  }
}

export function saveTuning(storage: KeyValue, value: Tuning): void {
  storage.setItem(KEY, JSON.stringify(value));
}
