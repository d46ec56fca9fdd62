// A stored file's record as JSON. Older pages wrote it, so it is checked like anything from outside.

import * as v from "valibot";

import type { StoredRecord } from "./store";

const schema = v.object({
  key: v.string(),
  modelId: v.string(),
  sha256: v.nullable(v.string()),
  bytes: v.number(),
  checksums: v.nullable(v.array(v.string())),
});

/** Null where the text is no record, as after a crash while it was written. */
export function parseRecord(text: string): StoredRecord | null {
  try {
    const parsed = v.safeParse(schema, JSON.parse(text));
    return parsed.success ? parsed.output : null;
  } catch {
    return null;
  }
}
