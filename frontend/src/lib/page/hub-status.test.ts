import { afterEach, beforeEach, expect, it, vi } from "vitest";

import type { NodeStats } from "../hub/stats";
import { FakeFeeds, sampleStats } from "../testing/feeds";
import { HubStatus } from "./hub-status";

let feeds: FakeFeeds;
let hub: HubStatus;
let stop: () => void;

beforeEach(() => {
  vi.useFakeTimers();
  feeds = new FakeFeeds();
  hub = new HubStatus(feeds.fetch);
  stop = () => undefined;
});

afterEach(() => {
  stop();
  vi.useRealTimers();
});

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);
const prompts = () => hub.value.stats?.totals.prompts;

function node(id: string, change: Partial<NodeStats> = {}): NodeStats {
  return {
    id,
    name: id,
    kind: "native",
    trusted: false,
    paused: false,
    only_own: false,
    suspended: false,
    models: ["m"],
    busy: 0,
    slots: 1,
    device: {},
    tokens_per_second: null,
    prompts: 0,
    tokens: 0,
    joined_at: 1,
    ...change,
  };
}

async function follow(): Promise<void> {
  stop = hub.follow();
  await hub.refresh();
  feeds.tell(sampleStats(1));
  await pass(0);
}

it("follows what the hub tells, and remembers the rates", async () => {
  await follow();
  expect(hub.value.connection).toBe("connected");
  feeds.tell(sampleStats(2));
  await pass(0);
  expect(prompts()).toBe(2);
  expect(hub.recent.until(Date.now()).at(-1)?.rates?.prompts_per_minute).toBe(2);
});

it("asks for the catalogue when who serves what has changed, and only then", async () => {
  await follow();
  expect(feeds.listed).toBe(1);
  feeds.stats = sampleStats(2, { nodes: [node("a")] });
  feeds.tell(feeds.stats);
  await pass(0);
  expect(feeds.listed).toBe(2);
  expect(hub.value.models?.[0]?.nodes).toBe(1);
  feeds.tell(sampleStats(3, { nodes: [node("a", { busy: 1, prompts: 9 })] }));
  await pass(0);
  expect(feeds.listed).toBe(2);
  feeds.tell(sampleStats(3, { nodes: [node("a", { paused: true })] }));
  await pass(0);
  expect(feeds.listed).toBe(3);
});

it("does not let an older answer undo what the feed told", async () => {
  await follow();
  feeds.tell(sampleStats(7));
  await pass(0);
  feeds.stats = sampleStats(6);
  await hub.refresh();
  expect(prompts()).toBe(7);
});

it("notices a hub that is gone, and one that is back", async () => {
  await follow();
  feeds.stats = null;
  feeds.answer = "nothing";
  feeds.end();
  await pass(2000);
  expect(hub.value.connection).toBe("unreachable");
  expect(prompts()).toBe(1);
  expect(hub.recent.until(Date.now()).at(-1)?.rates).toBe(null);
  feeds.stats = sampleStats(0);
  feeds.answer = "feed";
  await pass(5_000);
  feeds.tell(sampleStats(8));
  await pass(0);
  expect([hub.value.connection, prompts()]).toEqual(["connected", 8]);
});

it("listens at once to a hub that answers again", async () => {
  feeds.stats = null;
  feeds.answer = "nothing";
  stop = hub.follow();
  await pass(65_000);
  feeds.stats = sampleStats(0);
  feeds.answer = "feed";
  const { asked } = feeds;
  await hub.refresh();
  await pass(0);
  expect(feeds.asked).toBe(asked + 1);
});

it("asks where there is no feed, when something happens", async () => {
  feeds.answer = "missing";
  stop = hub.follow();
  await pass(0);
  expect([hub.value.connection, prompts()]).toEqual(["connected", 0]);
  feeds.stats = sampleStats(4);
  await pass(600_000);
  expect(prompts()).toBe(0);
  await hub.wake();
  expect(prompts()).toBe(4);
});

it("doubts a feed that looks alive where the hub does not answer", async () => {
  await follow();
  feeds.stats = null;
  await hub.refresh();
  expect(hub.value.connection).toBe("unreachable");
  await pass(0);
  expect(feeds.asked).toBe(2);
  feeds.tell(sampleStats(2));
  await pass(0);
  expect(hub.value.connection).toBe("connected");
});

it("does not listen while nobody looks", async () => {
  await follow();
  hub.rest();
  await pass(0);
  expect(feeds.open).toEqual([]);
  expect(hub.value.connection).toBe("connected");
  feeds.stats = null;
  await hub.refresh();
  await pass(60_000);
  expect(feeds.open).toEqual([]);
  feeds.stats = sampleStats(0);
  await hub.wake();
  feeds.tell(sampleStats(5));
  await pass(0);
  expect(prompts()).toBe(5);
});

it("is only asked where nobody follows it", async () => {
  await hub.refresh();
  await hub.wake();
  feeds.stats = null;
  await hub.refresh();
  expect([hub.value.connection, feeds.asked]).toEqual(["unreachable", 0]);
});
