// The page as something that is installed, opens without a network, and gets newer when a person says so.

import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { fakeEngine, ready } from "./engine";

const bench = new Bench([], "allow");

/** Until the worker serves the page, and has all that it needs for that. */
async function openServed(path: string): Promise<void> {
  await bench.page.goto(bench.hub.url + path);
  await bench.page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    if (navigator.serviceWorker.controller !== null) return;
    await new Promise((resolve) => {
      navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true });
    });
  });
}

const heading = (page: Page, name: string) => page.getByRole("heading", { level: 1, name });
const offer = (page: Page) => page.getByText("Kipinästä on uusi versio.");

describe("the page", () => {
  it("can be installed, by Chromium's own rules", async () => {
    await openServed("/");
    const session = await bench.context.newCDPSession(bench.page);
    const { errors } = await session.send("Page.getAppManifest");
    expect(errors).toEqual([]);
    const { installabilityErrors } = await session.send("Page.getInstallabilityErrors");
    // A profile of its own, as every test has, is what installing refuses.
    expect(installabilityErrors.map(({ errorId }) => errorId).filter((id) => id !== "in-incognito")).toEqual(
      [],
    );
  });

  it("has a manifest in Finnish, whose icons are what it says", async () => {
    await bench.page.goto(bench.hub.url);
    const found = await bench.page.evaluate(async () => {
      const link = document.querySelector<HTMLLinkElement>("link[rel=manifest]");
      const manifest = (await (await fetch(link?.href ?? "")).json()) as {
        name: string;
        lang: string;
        icons: { src: string; sizes: string; purpose: string }[];
        shortcuts: { url: string }[];
      };
      const icons = await Promise.all(
        manifest.icons.map(async ({ src, sizes, purpose }) => {
          const bitmap = await createImageBitmap(await (await fetch(src)).blob());
          return { right: `${bitmap.width}x${bitmap.height}` === sizes, sizes, purpose };
        }),
      );
      return { ...manifest, icons };
    });
    expect(found).toMatchObject({ name: "Kipinä", lang: "fi" });
    expect(found.icons.every(({ right }) => right)).toBe(true);
    expect(found.icons.map(({ sizes, purpose }) => `${purpose} ${sizes}`)).toEqual([
      "any 192x192",
      "any 512x512",
      "maskable 192x192",
      "maskable 512x512",
    ]);
    expect(found.shortcuts.map(({ url }) => url)).toContain("/projects/");
  });
});

describe("without the hub", () => {
  it("every view opens, isolated as ever, and says what works", async () => {
    await openServed("/");
    bench.hub.orders.gone = true;
    for (const [path, title] of [
      ["/settings/", "Asetukset"],
      ["/guide/", "Opas"],
      ["/projects/", "Projektit"],
      ["/settings", "Asetukset"],
      ["/settings/?model=smollm2:135m", "Asetukset"],
    ] as const) {
      await bench.page.goto(bench.hub.url + path);
      await heading(bench.page, title).first().waitFor();
      await bench.page.getByText("Keskukseen ei saada yhteyttä").waitFor();
      expect(await bench.page.evaluate(() => crossOriginIsolated)).toBe(true);
    }
    await lookAt(bench.page, PICTURES, "offline");
  });

  it("the engine that was used once is there, with its headers", async () => {
    bench.hub.orders.engine = fakeEngine(ready);
    await openServed("/settings/");
    await bench.page.getByRole("button", { name: "Alusta", exact: true }).click();
    await bench.waitForFace("valmis");
    bench.hub.orders.gone = true;
    const engine = await bench.page.evaluate(async () => {
      const response = await fetch("/wasm/threads/node.js");
      return { status: response.status, policy: response.headers.get("cross-origin-embedder-policy") };
    });
    expect(engine).toEqual({ status: 200, policy: "require-corp" });
  });
});

describe("the worker", () => {
  it("keeps neither prompts nor statistics nor models", async () => {
    bench.hub.orders.engine = fakeEngine(ready);
    await openServed("/settings/");
    await bench.page.getByRole("button", { name: "Alusta", exact: true }).click();
    await bench.waitForFace("valmis");
    const paths = await bench.page.evaluate(async () => {
      const found: string[] = [];
      for (const name of await caches.keys()) {
        for (const { url } of await (await caches.open(name)).keys()) found.push(new URL(url).pathname);
      }
      return found;
    });
    expect(paths).toEqual(expect.arrayContaining(["/index.html", "/settings/index.html", "/first-paint.js"]));
    expect(paths.filter((path) => /^\/(v1|api|ws|models)\b/.test(path))).toEqual([]);
  });

  it("leaves what it doesn't know to the hub", async () => {
    await openServed("/settings/");
    const status = await bench.page.evaluate(async () => (await fetch("/nothing-here")).status);
    expect(status).toBe(404);
  });
});

describe("a new version", () => {
  it("is offered, waits while the tab computes, and comes at a press", async () => {
    bench.hub.orders.engine = fakeEngine(ready);
    await openServed("/settings/");
    await bench.page.getByRole("button", { name: "Alusta", exact: true }).click();
    await bench.waitForFace("valmis");
    await bench.page.evaluate(() => ((window as { mark?: string }).mark = "old"));
    bench.hub.orders.edition = "2";
    await bench.page.evaluate(async () => (await navigator.serviceWorker.ready).update());
    await offer(bench.page).waitFor();
    await bench.page.getByText("keskeytyvät hetkeksi").waitFor();
    await lookAt(bench.page, PICTURES, "update");
    await bench.page.getByRole("button", { name: "Suomi" }).click();
    const mark = () => bench.page.evaluate(() => (window as { mark?: string }).mark);
    expect(await mark()).toBe("old");
    await bench.page.getByRole("button", { name: "Päivitä", exact: true }).click();
    await expect.poll(mark).toBeUndefined();
    // What computed goes on.
    await bench.waitForFace("valmis");
    expect(await offer(bench.page).count()).toBe(0);
  });

  it("that one tab took leaves the others as they are, and tells them", async () => {
    await openServed("/settings/");
    const first = bench.page;
    const second = await bench.newPage();
    await second.goto(`${bench.hub.url}/network/`);
    await first.evaluate(() => ((window as { mark?: string }).mark = "old"));
    bench.hub.orders.edition = "3";
    await second.evaluate(async () => (await navigator.serviceWorker.ready).update());
    await offer(second).waitFor();
    await second.getByRole("button", { name: "Päivitä", exact: true }).click();
    await first.getByText("päivitettiin toisessa välilehdessä").waitFor();
    expect(await first.evaluate(() => (window as { mark?: string }).mark)).toBe("old");
    await first.getByRole("button", { name: "Lataa uudelleen" }).click();
    await expect.poll(() => first.evaluate(() => (window as { mark?: string }).mark)).toBeUndefined();
    // A browser that is closed in the middle of a reload under a worker may not answer any more.
    await first.waitForLoadState();
  });

  it("can be put off", async () => {
    await openServed("/settings/");
    bench.hub.orders.edition = "4";
    await bench.page.evaluate(async () => (await navigator.serviceWorker.ready).update());
    await offer(bench.page).waitFor();
    await bench.page.getByRole("button", { name: "Myöhemmin" }).click();
    await offer(bench.page).waitFor({ state: "detached" });
  });
});
