// What the operator's pages share for as long as the page lives: the door, and what was seen through it.

import type { Studio } from "../studio/studio";
import { AdminApi, type AdminNode, type Audits, type Key, type Queue, type Rule, type Setting } from "./api";
import { Door } from "./door";
import { LogFeed } from "./log-feed";
import { Watched } from "./watched";

export const pages = ["nodes", "keys", "queue", "audits", "settings", "log", "changes"] as const;
export type Page = (typeof pages)[number];

export function pageOf(detail: string): Page {
  return pages.find((page) => page === detail) ?? "nodes";
}

export interface Room {
  api: AdminApi;
  door: Door;
  nodes: Watched<{ nodes: AdminNode[]; rules: Rule[] }>;
  keys: Watched<Key[]>;
  queue: Watched<Queue>;
  audits: Watched<Audits>;
  settings: Watched<Setting[]>;
  log: LogFeed;
}

const rooms = new WeakMap<Studio, Room>();

export function roomOf(studio: Studio): Room {
  const known = rooms.get(studio);
  if (known !== undefined) return known;
  const api = new AdminApi(studio.fetcher);
  const door = new Door(api);
  const room: Room = {
    api,
    door,
    nodes: new Watched(async () => {
      const [nodes, rules] = await Promise.all([api.nodes(), api.rules()]);
      return { nodes, rules };
    }, door),
    keys: new Watched(() => api.keys(), door),
    queue: new Watched(() => api.queue(), door),
    audits: new Watched(() => api.audits(), door),
    settings: new Watched(() => api.settings(), door),
    log: new LogFeed(studio.fetcher, door),
  };
  rooms.set(studio, room);
  return room;
}
