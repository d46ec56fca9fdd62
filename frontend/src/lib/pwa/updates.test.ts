import { describe, expect, it } from "vitest";

import { Updates } from "./updates";

class Handle extends EventTarget {
  state = "installing";
  readonly heard: unknown[] = [];

  postMessage(message: unknown): void {
    this.heard.push(message);
  }

  become(state: string): void {
    this.state = state;
    this.dispatchEvent(new Event("statechange"));
  }
}

class Registration extends EventTarget {
  installing: Handle | null = null;
  waiting: Handle | null = null;
  updates = 0;

  update(): Promise<void> {
    this.updates += 1;
    return this.updates === 2 ? Promise.reject(new Error("no hub")) : Promise.resolve();
  }

  find(): Handle {
    const handle = new Handle();
    this.installing = handle;
    this.dispatchEvent(new Event("updatefound"));
    return handle;
  }
}

class Container extends EventTarget {
  controller: object | null = null;
  refuses = false;
  readonly registration = new Registration();

  register(): Promise<Registration> {
    return this.refuses ? Promise.reject(new Error("no")) : Promise.resolve(this.registration);
  }

  change(): void {
    this.controller = {};
    this.dispatchEvent(new Event("controllerchange"));
  }
}

async function page(setUp: (container: Container) => void = () => undefined) {
  const container = new Container();
  setUp(container);
  const world = { container, reloads: 0, time: 0 };
  const updates = new Updates({
    container,
    reload: () => (world.reloads += 1),
    now: () => world.time,
  });
  await updates.register();
  return { ...world, world, updates, registration: container.registration };
}

const controlled = (container: Container): void => {
  container.controller = {};
};

describe("a new version", () => {
  it("is no news on the first visit", async () => {
    const { updates, registration, container, world } = await page();
    const first = registration.find();
    first.become("installed");
    container.change();
    first.become("activated");
    expect(updates.value).toBe("none");
    expect(world.reloads).toBe(0);
  });

  it("is offered when it has come, and taken when a person says so", async () => {
    const { updates, registration, container, world } = await page(controlled);
    const next = registration.find();
    expect(updates.value).toBe("none");
    registration.waiting = next;
    next.become("installed");
    expect(updates.value).toBe("ready");
    expect(next.heard).toEqual([]);
    updates.apply();
    expect(next.heard).toEqual([{ type: "SKIP_WAITING" }]);
    expect(world.reloads).toBe(0);
    container.change();
    expect(world.reloads).toBe(1);
  });

  it("may have waited since an earlier visit, and may wait on", async () => {
    const { updates, world } = await page((container) => {
      controlled(container);
      container.registration.waiting = new Handle();
    });
    expect(updates.value).toBe("ready");
    updates.later();
    expect(updates.value).toBe("none");
    expect(world.reloads).toBe(0);
  });

  it("that another tab took is told, and this tab goes on", async () => {
    const { updates, container, world } = await page(controlled);
    container.change();
    expect(updates.value).toBe("elsewhere");
    expect(world.reloads).toBe(0);
    updates.apply();
    expect(world.reloads).toBe(1);
  });

  it("is asked for when somebody comes back after long, and not more often", async () => {
    const { updates, registration, world } = await page(controlled);
    world.time = 3_599_999;
    updates.returned();
    expect(registration.updates).toBe(0);
    world.time = 3_600_000;
    updates.returned();
    updates.returned();
    expect(registration.updates).toBe(1);
    await expect(updates.check()).resolves.toBeUndefined();
    expect(registration.updates).toBe(2);
  });

  it("never comes where there can be no worker", async () => {
    const refused = await page((container) => {
      container.refuses = true;
    });
    await refused.updates.check();
    expect(refused.updates.value).toBe("none");
    const none = new Updates({ container: undefined, reload: () => undefined, now: () => 0 });
    await none.register();
    expect(none.value).toBe("none");
  });
});
