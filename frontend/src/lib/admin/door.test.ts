import { beforeEach, describe, expect, it, vi } from "vitest";

import { AdminApi } from "./api";
import { Door } from "./door";
import { Watched } from "./watched";

const session = { who: { kind: "session" }, expires_at: 1_790_000_000 };

/** What the hub answers by method and path; what is missing is not answered at all. */
let answers: Record<string, () => Response>;
let asked: string[];
let door: Door;
let api: AdminApi;

const refusal = (status: number, code: string) => () =>
  Response.json({ error: { message: "no", code } }, { status });

const fetcher: typeof fetch = (input, init) => {
  const request = `${init?.method ?? "GET"} ${input instanceof Request ? input.url : String(input)}`;
  asked.push(request);
  const answer = answers[request];
  return answer === undefined ? Promise.reject(new TypeError("gone")) : Promise.resolve(answer());
};

beforeEach(() => {
  answers = {};
  asked = [];
  api = new AdminApi(fetcher);
  door = new Door(api);
});

const SESSION = "GET /api/admin/session";
const LOGIN = "POST /api/admin/login";

describe("the door", () => {
  it("is open to whoever is in", async () => {
    answers[SESSION] = () => Response.json(session);
    await door.ask();
    expect(door.value).toEqual({ kind: "in", session });
  });

  it("asks for the password, and says why one was not taken", async () => {
    answers[SESSION] = refusal(401, "login_required");
    answers[LOGIN] = refusal(401, "wrong_password");
    await door.ask();
    expect(door.value).toEqual({ kind: "login", failure: null, trying: false });
    await door.logIn("guess");
    expect(door.value).toMatchObject({ kind: "login", failure: { code: "wrong_password" } });
    answers[LOGIN] = () => Response.json(session);
    await door.logIn("right");
    expect(door.value.kind).toBe("in");
  });

  it("is closed where there is no way in, and says where the hub is not there", async () => {
    answers[SESSION] = refusal(403, "admin_closed");
    await door.ask();
    expect(door.value).toEqual({ kind: "closed" });
    answers = {};
    await door.ask();
    expect(door.value).toEqual({ kind: "failed", failure: { kind: "unreachable" } });
    answers[SESSION] = refusal(404, "not_found");
    await door.ask();
    expect(door.value).toMatchObject({ kind: "failed", failure: { status: 404 } });
  });

  it("shuts behind whoever leaves", async () => {
    answers[SESSION] = () => Response.json(session);
    await door.ask();
    answers["POST /api/admin/logout"] = () => new Response(null, { status: 204 });
    answers[SESSION] = refusal(401, "login_required");
    await door.logOut();
    expect(door.value.kind).toBe("login");
  });
});

describe("what is watched", () => {
  const QUEUE = "GET /api/admin/queue";
  const queue = { waiting: 1, running: 0, prompts: [] };

  it("keeps what was heard where the hub is gone, and tells so", async () => {
    const watched = new Watched(() => api.queue(), door);
    answers[QUEUE] = () => Response.json(queue);
    await watched.refresh();
    answers = {};
    await watched.refresh();
    expect(watched.value).toEqual({ value: queue, failure: { kind: "unreachable" } });
    expect(door.value.kind).toBe("asking");
  });

  it("shuts the door where the session has ended", async () => {
    const watched = new Watched(() => api.queue(), door);
    answers[QUEUE] = refusal(401, "login_required");
    await watched.refresh();
    expect(door.value).toEqual({ kind: "login", failure: null, trying: false });
  });

  it("does not believe an answer that was overtaken", async () => {
    const replies: ((waiting: number) => void)[] = [];
    const ask = () => new Promise<number>((resolve) => replies.push(resolve));
    const watched = new Watched(ask, door);
    const first = watched.refresh();
    const second = watched.refresh();
    replies[1]?.(2);
    replies[0]?.(1);
    await Promise.all([first, second]);
    expect(watched.value.value).toBe(2);
  });

  it("is asked for at one pace, however often somebody comes and goes", async () => {
    vi.useFakeTimers();
    let questions = 0;
    const watched = new Watched(async () => {
      questions += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }, door);
    const never = () => false;
    for (let visit = 0; visit < 3; visit += 1) watched.watch(never)();
    const leave = watched.watch(never);
    await vi.advanceTimersByTimeAsync(1000);
    questions = 0;
    await vi.advanceTimersByTimeAsync(21_000);
    expect(questions).toBe(10);
    leave();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(questions).toBe(10);
    vi.useRealTimers();
  });
});
