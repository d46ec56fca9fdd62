// Why a node is banned, as a person writes it and as the hub takes it.

/** What a close frame has room for. */
const LONGEST_REASON_BYTES = 80;

/** Null where nothing was written, undefined where it is too long. */
export function reasonFrom(typed: string): string | null | undefined {
  const reason = typed.trim();
  if (reason === "") return null;
  return new TextEncoder().encode(reason).length <= LONGEST_REASON_BYTES ? reason : undefined;
}
