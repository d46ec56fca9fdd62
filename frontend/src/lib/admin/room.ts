// What the operator's pages share for as long as the page lives: the door, and what was seen through it.

import { Observable } from "../compute/observable";
import type { Studio } from "../studio/studio";
import {
  AdminApi,
  type Audits,
  type Key,
  type LogEntry,
  type NodePage,
  type Queue,
  type Rule,
  type Setting,
  type Verdict,
} from "./api";
import { Door } from "./door";
import { LogFeed } from "./log-feed";
import { Paged } from "./paged";
import { Watched } from "./watched";

export const pages = ["nodes", "keys", "queue", "audits", "settings", "log", "changes"] as const;
export type Page = (typeof pages)[number];

export function pageOf(detail: string): Page {
  return pages.find((page) => page === detail) ?? "nodes";
}

export interface Room {
  api: AdminApi;
  door: Door;
  nodes: Watched<{ page: NodePage; rules: Rule[] }>;
  /** The id of the last node before those that are watched; null: they are the first. */
  nodesAfter: Observable<string | null>;
  keys: Watched<Key[]>;
  queue: Watched<Queue>;
  audits: Watched<Audits>;
  verdicts: Paged<Verdict>;
  settings: Watched<Setting[]>;
  log: LogFeed;
  changes: Paged<LogEntry>;
}

const rooms = new WeakMap<Studio, Room>();

export function roomOf(studio: Studio): Room {
  const known = rooms.get(studio);
  if (known !== undefined) return known;
  const api = new AdminApi(studio.fetcher);
  const door = new Door(api);
  const nodesAfter = new Observable<string | null>(null);
  const room: Room = {
    api,
    door,
    nodesAfter,
    nodes: new Watched(async () => {
      const [page, rules] = await Promise.all([api.nodes(nodesAfter.value), api.rules()]);
      return { page, rules };
    }, door),
    keys: new Watched(() => api.keys(), door),
    queue: new Watched(() => api.queue(), door),
    audits: new Watched(() => api.audits(), door),
    verdicts: new Paged((before) => api.verdicts(before), door),
    settings: new Watched(() => api.settings(), door),
    log: new LogFeed(studio.fetcher, door),
    changes: new Paged((before) => api.changes(before), door),
  };
  rooms.set(studio, room);
  return room;
}
