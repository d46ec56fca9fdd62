// Requests to the hub that this page came from, and what can become of them.

import * as v from "valibot";

export type HubFailure =
  /** No answer at all. */
  | { kind: "unreachable" }
  /** The hub said no; `code` is OpenAI's, where there is one. */
  | { kind: "refused"; status: number; code: string | null; message: string }
  /** An answer that this page doesn't understand. */
  | { kind: "unreadable" };

export class HubError extends Error {
  override readonly name = "HubError";

  constructor(readonly failure: HubFailure) {
    super(failure.kind);
  }
}

const errorBody = v.object({
  error: v.object({ message: v.string(), code: v.optional(v.nullable(v.string())) }),
});

export async function getJson<Schema extends v.GenericSchema>(
  fetcher: typeof fetch,
  path: string,
  schema: Schema,
): Promise<v.InferOutput<Schema>> {
  const response = await request(fetcher, path, {});
  const parsed = v.safeParse(schema, await response.json().catch(() => null));
  if (!parsed.success) throw new HubError({ kind: "unreadable" });
  return parsed.output;
}

/** A response whose status says success; aborting passes through as `AbortError`. */
export async function request(fetcher: typeof fetch, path: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetcher(path, init);
  } catch (error) {
    if (init.signal?.aborted === true) throw error;
    throw new HubError({ kind: "unreachable" });
  }
  if (response.ok) return response;
  throw new HubError(await refusal(response));
}

async function refusal(response: Response): Promise<HubFailure> {
  const parsed = v.safeParse(errorBody, await response.json().catch(() => null));
  const { message, code } = parsed.success ? parsed.output.error : { message: "", code: null };
  // A proxy in front of a hub that is down answers for it.
  if (!parsed.success && [502, 503, 504].includes(response.status)) return { kind: "unreachable" };
  return { kind: "refused", status: response.status, code: code ?? null, message };
}
