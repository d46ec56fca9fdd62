// A network's machines as they are shown.

import type { Device, NodeStats } from "../hub/stats";

/** This browser first, then as they joined: a card keeps its place whatever its machine does. */
export function sortNodes(nodes: readonly NodeStats[], ownName: string): NodeStats[] {
  const rank = (node: NodeStats): number => (isOwn(node, ownName) ? 0 : 1);
  return nodes.toSorted(
    (one, other) =>
      rank(one) - rank(other) ||
      (one.joined_at ?? 0) - (other.joined_at ?? 0) ||
      one.id.localeCompare(other.id, "en", { numeric: true }),
  );
}

/** Names are no secrets: somebody else may have taken the same one, and only wears the badge. */
export function isOwn(node: NodeStats, ownName: string): boolean {
  return node.kind === "browser" && node.name === ownName;
}

export function kindOf(node: NodeStats): "browser" | "native" | "other" {
  return node.kind === "browser" || node.kind === "native" ? node.kind : "other";
}

/** What is known of a machine; its graphics by the name that says most. */
export interface DeviceFacts {
  cpu: string | null;
  cores: number | null;
  gibibytes: number | null;
  gpu: string | null;
}

const GIB = 1024 ** 3;

export function deviceFacts(device: Device): DeviceFacts {
  const { cpu, cores, memory_bytes: memory, gpu, webgpu } = device;
  return {
    cpu: cpu === undefined || cpu.trim() === "" ? null : cpu.trim(),
    cores: cores ?? null,
    // Systems keep some of their memory to themselves: 31.2 is a machine of 32.
    gibibytes: memory === undefined ? null : Math.ceil(memory / GIB),
    gpu: gpu?.name ?? webgpu ?? null,
  };
}

/** In seconds; null where an old hub does not tell. Clocks differ: never less than none. */
export function uptime(node: NodeStats, now: number): number | null {
  return node.joined_at === undefined ? null : Math.max(0, now / 1000 - node.joined_at);
}

export interface Duration {
  unit: "seconds" | "minutes" | "hours" | "days";
  count: number;
  /** In the next smaller unit; 0 where that would say too much. */
  rest: number;
}

/** As exactly as a person wants to know: nobody counts the seconds of an hour. */
export function roughly(seconds: number): Duration {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (minutes < 1) return { unit: "seconds", count: Math.floor(seconds), rest: 0 };
  if (hours < 1) return { unit: "minutes", count: minutes, rest: 0 };
  if (hours < 48) return { unit: "hours", count: hours, rest: minutes % 60 };
  return { unit: "days", count: Math.floor(hours / 24), rest: hours % 24 };
}

export interface Load {
  busy: number;
  slots: number;
}

export function loadOf(nodes: readonly NodeStats[]): Load {
  return nodes.reduce<Load>((sum, { busy, slots }) => ({ busy: sum.busy + busy, slots: sum.slots + slots }), {
    busy: 0,
    slots: 0,
  });
}
