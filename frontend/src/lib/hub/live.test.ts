import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { FakeFeeds, sampleStats } from "../testing/feeds";
import { LiveFeed } from "./live";

let feeds: FakeFeeds;
let told: string[];
let feed: LiveFeed;

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  feeds = new FakeFeeds();
  told = [];
  feed = new LiveFeed(feeds.fetch, {
    onStats: (stats) => told.push(`${stats.totals.prompts} prompts`),
    onLost: () => told.push("lost"),
    onRefused: () => told.push("refused"),
  });
});

afterEach(() => {
  feed.stop();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds);

describe("a live feed", () => {
  it("hands on what the hub tells", async () => {
    feed.start();
    feed.start();
    await pass(0);
    expect(feeds.open).toHaveLength(1);
    expect(feed.isLive).toBe(false);
    feeds.tell(sampleStats(3));
    await pass(0);
    feeds.tell(sampleStats(4));
    await pass(0);
    expect(told).toEqual(["3 prompts", "4 prompts"]);
    expect(feed.isLive).toBe(true);
  });

  it("is back in a moment where a proxy ended it, without a word of it", async () => {
    feed.start();
    await pass(0);
    feeds.tell(sampleStats(1));
    await pass(0);
    feeds.end();
    await pass(1000);
    expect(feeds.asked).toBe(2);
    feeds.tell(sampleStats(2));
    await pass(0);
    expect(told).toEqual(["1 prompts", "2 prompts"]);
  });

  it("tries a hub that is gone ever more rarely, and at once when it is woken", async () => {
    feeds.answer = "nothing";
    feed.start();
    await pass(0);
    expect(told).toEqual(["lost"]);
    await pass(60_000);
    // After 1, 2, 4, 8, 16 and 30 seconds.
    expect(feeds.asked).toBe(6);
    await pass(300_000);
    expect(feeds.asked).toBe(16);
    feeds.answer = "feed";
    feed.wake();
    await pass(0);
    feeds.tell(sampleStats(5));
    await pass(0);
    expect(told.at(-1)).toBe("5 prompts");
  });

  it("takes silence for death, but not where comments break it", async () => {
    feed.start();
    await pass(0);
    feeds.tell(sampleStats(1));
    await pass(0);
    for (let quarter = 0; quarter < 8; quarter += 1) {
      await pass(15_000);
      feeds.comment();
    }
    await pass(44_000);
    expect([feeds.asked, feed.isLive]).toEqual([1, true]);
    await pass(2_000);
    expect([feeds.asked, feed.isLive]).toEqual([2, false]);
  });

  it("gives a hub that takes the connection and says nothing ten seconds", async () => {
    feed.start();
    await pass(10_000);
    expect(told).toEqual(["lost"]);
  });

  it.each([
    ["an older hub", "missing", 1],
    ["another server's page", "page", 1],
    ["a hub that has no place left", "full", 3],
  ] as const)("does not take %s for one that is gone", async (_, answer, asked) => {
    feeds.answer = answer;
    feed.start();
    await pass(125_000);
    expect(told).toEqual(Array(asked).fill("refused"));
    expect(feeds.asked).toBe(asked);
  });

  it("takes what is no statistics for a hub that it does not understand", async () => {
    feed.start();
    await pass(0);
    feeds.say("data: {}\n\n");
    await pass(0);
    expect(told).toEqual(["refused"]);
  });

  it("leaves a connection that spoke just now alone, and doubts one that did not", async () => {
    feed.start();
    await pass(0);
    feeds.tell(sampleStats(1));
    await pass(19_000);
    feed.wake();
    await pass(0);
    expect(feeds.asked).toBe(1);
    await pass(2_000);
    feed.wake();
    await pass(0);
    expect(feeds.asked).toBe(2);
    expect(feeds.open).toHaveLength(1);
  });

  it("is silent once it is stopped", async () => {
    feed.start();
    await pass(0);
    feeds.tell(sampleStats(1));
    await pass(0);
    feed.stop();
    await pass(120_000);
    expect([told, feeds.open, feed.isLive]).toEqual([["1 prompts"], [], false]);
  });
});
