import { beforeEach, describe, expect, it } from "vitest";

import { HubError } from "../hub/client";
import { AdminApi } from "./api";
import { Door } from "./door";
import { Paged } from "./paged";

const PAGE = 3;

/** The hub's list, the latest first. */
let written: { id: number }[];
let isGone: boolean;
let paged: Paged<{ id: number }>;

function write(count: number): void {
  for (let more = 0; more < count; more += 1) written.unshift({ id: (written[0]?.id ?? 0) + 1 });
}

function answer(before: number | null) {
  if (isGone) return Promise.reject(new HubError({ kind: "unreachable" }));
  const rest = written.filter(({ id }) => before === null || id < before);
  const entries = rest.slice(0, PAGE);
  return Promise.resolve({ entries, next: rest.length > PAGE ? (entries.at(-1)?.id ?? null) : null });
}

const ids = () => paged.value.entries?.map(({ id }) => id);

beforeEach(() => {
  written = [];
  isGone = false;
  paged = new Paged(answer, new Door(new AdminApi(fetch)));
});

describe("a list that grows at its head", () => {
  it("is handed out a page at a time, to its end", async () => {
    write(5);
    await paged.latest();
    expect(ids()).toEqual([5, 4, 3]);
    expect(paged.value.hasOlder).toBe(true);
    await paged.older();
    expect(ids()).toEqual([5, 4, 3, 2, 1]);
    expect(paged.value.hasOlder).toBe(false);
    await paged.older();
    expect(ids()).toHaveLength(5);
  });

  it("keeps what is known below what has come since", async () => {
    write(5);
    await paged.latest();
    await paged.older();
    write(2);
    await paged.latest();
    expect(ids()).toEqual([7, 6, 5, 4, 3, 2, 1]);
    expect(paged.value.hasOlder).toBe(false);
  });

  it("begins anew where more has come than a page, so that nothing is left out", async () => {
    write(3);
    await paged.latest();
    write(4);
    await paged.latest();
    expect(ids()).toEqual([7, 6, 5]);
    await paged.older();
    expect(ids()).toEqual([7, 6, 5, 4, 3, 2]);
  });

  it("has no entry twice where both ends are asked for at once", async () => {
    write(5);
    await paged.latest();
    write(1);
    const older = paged.older();
    await paged.latest();
    await older;
    expect(ids()).toEqual([6, 5, 4, 3, 2, 1]);
  });

  it("keeps what is known where the hub is gone, and says so", async () => {
    write(1);
    await paged.latest();
    isGone = true;
    await paged.latest();
    expect(paged.value).toMatchObject({ entries: [{ id: 1 }], failure: { kind: "unreachable" } });
    isGone = false;
    await paged.latest();
    expect(paged.value.failure).toBeNull();
  });
});
