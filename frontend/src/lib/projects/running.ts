// The projects that this tab's team works on, remembered over a reload. A module of its own: the page's frame asks it,
// and must not load all the rest for that.

import type { KeyValue } from "../settings/storage";

const KEY = "kipina.projects";

export function runningBeforeReload(session: KeyValue): string[] {
  return (session.getItem(KEY) ?? "").split(" ").filter((id) => /^[\w-]{1,64}$/.test(id));
}

export function rememberRunning(session: KeyValue, ids: readonly string[]): void {
  if (ids.length === 0) session.removeItem(KEY);
  else session.setItem(KEY, ids.join(" "));
}
