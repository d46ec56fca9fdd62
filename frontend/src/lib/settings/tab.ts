// What one tab remembers over a reload, and what this browser is called in the network.

import type { KeyValue } from "./storage";

const COMPUTING = "kipina.computing";
const NAME = "kipina.name";

/** The model that this tab computed with when it was reloaded. A new tab never starts by itself. */
export function computingBeforeReload(session: KeyValue): string | null {
  return session.getItem(COMPUTING);
}

export function rememberComputing(session: KeyValue, modelId: string | null): void {
  if (modelId === null) session.removeItem(COMPUTING);
  else session.setItem(COMPUTING, modelId);
}

/** A name that tells nothing about the person: everybody can read it in the statistics. */
export function nodeName(storage: KeyValue, random: () => string): string {
  const known = storage.getItem(NAME);
  if (known !== null) return known;
  const name = `selain-${random()}`;
  storage.setItem(NAME, name);
  return name;
}
