import { expect, it } from "vitest";

import { fetchHistory, utcOffset, type History, type HistoryRange } from "../hub/history";
import { Past } from "./past";

const START = 1_795_640_400_000;

function answer(range: HistoryRange, prompts: number): History {
  const bucket = {
    start: START,
    prompts,
    failed: 0,
    prompt_tokens: 0,
    completion_tokens: 0,
    tokens_per_second: null,
    first_token_ms: null,
    nodes: 1,
  };
  return { range, bucket_seconds: 3600, buckets: [bucket] };
}

class Archive {
  status = 200;
  prompts = 1;
  asked: string[] = [];
  now = new Date(START);
  /** Answers wait for it. */
  gate: Promise<void> = Promise.resolve();

  readonly past = new Past(
    async (input) => {
      const address = new URL(input as string, "http://hub");
      const range = address.searchParams.get("range") as HistoryRange;
      this.asked.push(range);
      const { status, prompts } = this;
      await this.gate;
      if (status === 0) throw new TypeError("failed to fetch");
      if (status !== 200) return Response.json({ error: { message: "no", code: null } }, { status });
      return Response.json(answer(range, prompts));
    },
    () => this.now,
  );

  get shown() {
    const { range, state, history } = this.past.value;
    return [range, state, history?.buckets[0]?.prompts ?? null];
  }
}

it("shows the day first, and what is chosen", async () => {
  const archive = new Archive();
  expect(archive.shown).toEqual(["day", "loading", null]);
  await archive.past.load();
  expect(archive.shown).toEqual(["day", "ready", 1]);
  archive.prompts = 5;
  const choosing = archive.past.choose("month");
  expect(archive.shown).toEqual(["month", "loading", null]);
  await choosing;
  expect(archive.shown).toEqual(["month", "ready", 5]);
  // What was fetched before is there at once.
  void archive.past.choose("day");
  expect(archive.shown).toEqual(["day", "loading", 1]);
});

it("does not show what was asked for before something else was chosen", async () => {
  const archive = new Archive();
  let open: () => void = () => undefined;
  archive.gate = new Promise((resolve) => (open = resolve));
  const slow = archive.past.choose("week");
  archive.gate = Promise.resolve();
  archive.prompts = 2;
  await archive.past.choose("month");
  open();
  await slow;
  expect(archive.shown).toEqual(["month", "ready", 2]);
});

it.each([
  [0, "unreachable"],
  [503, "unavailable"],
  [404, "missing"],
  [400, "unavailable"],
])("says what became of it where the hub answers %i", async (status, state) => {
  const archive = new Archive();
  archive.status = status;
  await archive.past.load();
  expect(archive.shown).toEqual(["day", state, null]);
  archive.status = 200;
  await archive.past.load();
  expect(archive.shown).toEqual(["day", "ready", 1]);
});

it("keeps what it has where a later look fails", async () => {
  const archive = new Archive();
  await archive.past.load();
  archive.status = 503;
  await archive.past.load();
  expect(archive.shown).toEqual(["day", "unavailable", 1]);
});

it("looks again once a minute at most, and not at a hub that has no history", async () => {
  const archive = new Archive();
  await archive.past.freshen();
  archive.now = new Date(START + 59_000);
  await archive.past.freshen();
  expect(archive.asked).toHaveLength(1);
  archive.now = new Date(START + 60_000);
  archive.status = 404;
  await archive.past.freshen();
  expect(archive.asked).toHaveLength(2);
  archive.now = new Date(START + 600_000);
  await archive.past.freshen();
  expect(archive.asked).toHaveLength(2);
});

it("asks by the reader's clock", async () => {
  const asked: string[] = [];
  const fetcher: typeof fetch = (input) => {
    asked.push(input as string);
    return Promise.resolve(Response.json(answer("week", 3)));
  };
  await fetchHistory(fetcher, "week", -210);
  expect(asked).toEqual(["/api/history?range=week&utc_offset=-210"]);
  const clock = (minutesWest: number) => ({ getTimezoneOffset: () => minutesWest }) as Date;
  expect([-180, 0, 210, -345, -99].map((west) => utcOffset(clock(west)))).toEqual([180, 0, -210, 345, 105]);
});
