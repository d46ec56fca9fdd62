// The built page in a real Chromium: the stored model, several tabs, the keyboard, the policy.

import { describe, expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";
import { fakeEngine, ready } from "./engine";

const bench = new Bench();

describe("the stored model", () => {
  const digestOf = () =>
    bench.page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle("models");
      const names: string[] = [];
      for await (const name of folder.keys()) names.push(name);
      return names.sort();
    });

  it("is there after a reload, which starts again with no download", async () => {
    bench.hub.orders.engine = fakeEngine(ready);
    await bench.open();
    expect(await bench.page.evaluate(() => crossOriginIsolated)).toBe(true);
    await bench.start();
    await bench.waitForFace("valmis");
    expect(bench.hub.weightRequests).toEqual([""]);
    expect((await digestOf()).length).toBe(2);
    await bench.page.reload();
    await bench.waitForFace("valmis");
    expect(bench.hub.weightRequests).toEqual([""]);
  });

  it("goes on downloading after a reload in the middle", async () => {
    // The last byte makes it 1,3 Mt: what is seen is all that comes.
    Object.assign(bench.hub.orders, { engine: fakeEngine(ready), weightsUntil: 1_250_000, hang: true });
    await bench.open();
    await bench.start();
    await bench.page.getByText("1,3 Mt / 3,2 Mt").waitFor();
    bench.hub.orders.weightsUntil = Infinity;
    await bench.page.reload();
    await bench.page.getByText("lataus kesken").waitFor();
    await bench.start();
    await bench.waitForFace("valmis");
    expect(bench.hub.weightRequests).toEqual(["", "bytes=1250000-"]);
  });

  it("is fetched again when the disk has flipped a byte", async () => {
    bench.hub.orders.engine = fakeEngine(ready);
    await bench.open();
    await bench.start();
    await bench.waitForFace("valmis");
    await bench.page.getByRole("button", { name: "Pysäytä" }).click();
    await bench.waitForFace("pysäytetty");
    await bench.page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle("models");
      for await (const name of folder.keys()) {
        if (!name.endsWith(".gguf")) continue;
        const writable = await (await folder.getFileHandle(name)).createWritable({ keepExistingData: true });
        await writable.write({ type: "write", position: 2_000_000, data: new Uint8Array([1, 2, 3]) });
        await writable.close();
      }
    });
    await bench.start();
    await bench.waitForFace("valmis");
    expect(bench.hub.weightRequests).toEqual(["", ""]);
  });

  it("can be deleted while it runs", async () => {
    bench.hub.orders.engine = fakeEngine(ready);
    await bench.open();
    await bench.start();
    await bench.waitForFace("valmis");
    await bench.page.getByRole("button", { name: "Poista malli smollm2:135m laitteelta" }).click();
    await bench.waitForFace("pysäytetty");
    await expect.poll(digestOf).toEqual([]);
  });
});

it("computes in one tab only, and hands over on demand", async () => {
  bench.hub.orders.engine = fakeEngine(ready);
  await bench.open();
  await bench.start();
  await bench.waitForFace("valmis");
  const first = bench.page;
  bench.page = await bench.newPage();
  await bench.open();
  await bench.start();
  await bench.waitForFace("käynnissä toisessa välilehdessä");
  await bench.page.getByText("alustettiin kello").waitFor();
  await lookAt(bench.page, PICTURES, "elsewhere");
  await bench.page.getByRole("button", { name: "Suomi" }).click();
  await bench.page.getByRole("button", { name: "Siirrä tähän välilehteen" }).click();
  await bench.waitForFace("valmis");
  await first.getByText("Laskenta siirtyi toiseen välilehteen.").waitFor();
  expect(bench.hub.weightRequests).toEqual([""]);
});

it("keeps language and theme over a reload, and reaches everything by keyboard", async () => {
  await bench.open();
  await bench.page.getByRole("button", { name: "English" }).click();
  await bench.page.getByRole("link", { name: "Settings" }).click();
  await bench.page.getByRole("radio", { name: "Light" }).check();
  await bench.page.getByRole("link", { name: "Compute", exact: true }).click();
  await bench.page.reload();
  await bench.page.getByRole("heading", { name: "Compute on this machine" }).waitFor();
  await bench.page.getByRole("radio", { name: /smollm2/ }).waitFor();
  expect(await bench.page.locator("html").getAttribute("data-theme")).toBe("light");
  const reached: (string | null)[] = [];
  for (let press = 0; press < 20; press += 1) {
    await bench.page.keyboard.press("Tab");
    reached.push(
      await bench.page.evaluate(() => {
        const focused = document.activeElement;
        if (focused instanceof HTMLInputElement) return focused.name;
        return focused?.id || focused?.textContent.trim() || null;
      }),
    );
  }
  expect(reached.slice(0, 3)).toEqual(["Skip to the content", "Kipinä", "Studio"]);
  expect(reached).toEqual(
    expect.arrayContaining([
      "Settings",
      "Suomi",
      "English",
      "Network",
      "+ Join your machine",
      "model",
      "threads",
    ]),
  );
});

it("lets the worker's WebSocket through the policy", async () => {
  await bench.open();
  const outcome = await bench.page.evaluate(
    () =>
      new Promise<string>((resolve) => {
        addEventListener("securitypolicyviolation", () => {
          resolve("blocked");
        });
        const socket = new WebSocket(`ws://${location.host}/ws`);
        socket.onerror = () => {
          resolve("let through");
        };
      }),
  );
  expect(outcome).toBe("let through");
});
