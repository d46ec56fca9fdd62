// The built page in a real Chromium: every state in both languages and at two widths, looked at by axe.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import AxeBuilder from "@axe-core/playwright";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { broken, building, busy, fakeEngine, offline, outOfMemory, ready, refused } from "./engine";
import { startHub, weights, type Orders, type TestHub } from "./hub";

const PICTURES = fileURLToPath(new URL("../screenshots/", import.meta.url));
const widths = { 390: 844, 1440: 900 };

let browser: Browser;
let hub: TestHub;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  hub = await startHub();
  browser = await chromium.launch({
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
});

afterAll(async () => {
  await browser.close();
  await hub.close();
});

beforeEach(async () => {
  hub.reset();
  context = await browser.newContext({ reducedMotion: "reduce" });
  page = await context.newPage();
  complaints = [];
  page.on("console", (message) => {
    if (/Content Security Policy|hydration/i.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
});

afterEach(async () => {
  await context.close();
  expect(complaints).toEqual([]);
});

async function open(address = "/"): Promise<void> {
  await page.goto(hub.url + address);
  await page.locator("fieldset li").first().or(page.locator("fieldset > p")).waitFor();
}

const start = () => page.getByRole("button", { name: /^(Alusta|Yritä uudelleen) / }).click();
const face = () => page.getByTestId("face").innerText();

async function waitForFace(expected: string): Promise<void> {
  await expect.poll(face, { timeout: 15_000 }).toBe(expected);
}

interface Scene {
  name: string;
  orders?: Partial<Orders>;
  address?: string;
  act: () => Promise<void>;
}

const failed = async (): Promise<void> => {
  await start();
  await waitForFace("ei onnistunut");
};

const scenes: Scene[] = [
  { name: "idle", act: () => waitForFace("ei käynnissä") },
  {
    name: "downloading",
    orders: { engine: fakeEngine(ready), weightsUntil: 1_300_000, hang: true },
    act: async () => {
      await start();
      await page.getByText("Ladataan keskuksesta").waitFor();
    },
  },
  {
    name: "waiting",
    orders: { engine: fakeEngine(ready), weightsUntil: 900_000 },
    act: async () => {
      await start();
      await page.getByText("Yhteys katkesi.").waitFor();
    },
  },
  {
    name: "building",
    orders: { engine: building },
    act: async () => {
      await start();
      await page.getByText("62 %").waitFor();
    },
  },
  {
    name: "ready",
    orders: { engine: fakeEngine(ready) },
    act: async () => {
      await start();
      await waitForFace("valmis");
      await page.getByText("laitteellasi", { exact: true }).waitFor();
    },
  },
  {
    name: "busy",
    orders: { engine: fakeEngine(busy) },
    act: async () => {
      await start();
      await page.getByText("8 tokenia").waitFor();
    },
  },
  {
    name: "paused",
    orders: { engine: fakeEngine(ready) },
    act: async () => {
      await start();
      await page.getByRole("button", { name: "Tauko" }).click();
      await waitForFace("tauolla");
    },
  },
  {
    name: "offline",
    orders: { engine: fakeEngine(offline) },
    act: async () => {
      await start();
      await waitForFace("ei yhteyttä keskukseen");
    },
  },
  {
    name: "stopped",
    orders: { engine: fakeEngine(ready) },
    act: async () => {
      await start();
      await waitForFace("valmis");
      await page.getByRole("button", { name: "Pysäytä" }).click();
      await waitForFace("pysäytetty");
    },
  },
  { name: "failed-no-engine", act: failed },
  { name: "failed-source", orders: { engine: building, weights: weights.subarray(9) }, act: failed },
  {
    name: "failed-corrupt",
    orders: { engine: building, weights: Buffer.alloc(weights.length) },
    act: failed,
  },
  { name: "failed-engine", orders: { engine: broken }, act: failed },
  { name: "failed-memory", orders: { engine: fakeEngine(outOfMemory) }, act: failed },
  { name: "failed-refused", orders: { engine: fakeEngine(refused) }, act: failed },
  {
    name: "failed-unknown-model",
    address: "/?model=gpt-9&compute=gpu",
    act: async () => {
      await page.getByRole("button", { name: "Alusta" }).click();
      await waitForFace("ei onnistunut");
    },
  },
  {
    name: "failed-hub",
    orders: { apiWorks: false },
    act: async () => {
      await page.getByRole("button", { name: "Alusta" }).click();
      await waitForFace("ei onnistunut");
    },
  },
  {
    name: "nobody-answers",
    orders: { nodes: 0 },
    act: () => page.getByText("ei ole juuri nyt yhtään konetta").waitFor(),
  },
  {
    name: "answer",
    act: async () => {
      await page.getByLabel("Kehote").fill("Kirjoita summa(a, b)");
      await page.getByRole("button", { name: "Lähetä" }).click();
      await page.getByText("21,5 tok/s").waitFor();
    },
  },
  {
    name: "answer-stopped",
    orders: { chat: "hangs" },
    act: async () => {
      await page.getByLabel("Kehote").fill("Kirjoita summa(a, b)");
      await page.keyboard.press("Control+Enter");
      await page.getByText("def summa").waitFor();
      await page.getByRole("button", { name: "Keskeytä" }).click();
      await page.getByText("Keskeytetty.").waitFor();
    },
  },
  {
    name: "answer-refused",
    orders: { chat: "refuses" },
    act: async () => {
      await page.getByLabel("Kehote").fill("Kirjoita summa(a, b)");
      await page.getByRole("button", { name: "Lähetä" }).click();
      await page.getByText("ei ole juuri nyt yhtään vapaata konetta").waitFor();
    },
  },
];

describe("every state, in both languages, narrow and wide", () => {
  it.each(scenes)("$name", async ({ name, orders, address, act }) => {
    Object.assign(hub.orders, orders);
    await open(address);
    await act();
    for (const language of ["Suomi", "English"]) {
      await page.getByRole("button", { name: language }).click();
      expect(await page.locator("html").getAttribute("lang")).toBe(language === "Suomi" ? "fi" : "en");
      for (const [width, height] of Object.entries(widths)) {
        await page.setViewportSize({ width: Number(width), height });
        await page.screenshot({ path: `${PICTURES}${name}-${language}-${width}.png`, fullPage: true });
        const tooWide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
        expect(tooWide, `${language} ${width}`).toBe(false);
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(
          violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]),
          `${language} ${width}`,
        ).toEqual([]);
      }
    }
  });
});

describe("the stored model", () => {
  const digestOf = () =>
    page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle("models");
      const names: string[] = [];
      for await (const name of folder.keys()) names.push(name);
      return names.sort();
    });

  it("is there after a reload, which starts again with no download", async () => {
    hub.orders.engine = fakeEngine(ready);
    await open();
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true);
    await start();
    await waitForFace("valmis");
    expect(hub.weightRequests).toEqual([""]);
    expect((await digestOf()).length).toBe(2);
    await page.reload();
    await waitForFace("valmis");
    expect(hub.weightRequests).toEqual([""]);
  });

  it("goes on downloading after a reload in the middle", async () => {
    Object.assign(hub.orders, { engine: fakeEngine(ready), weightsUntil: 1_300_000, hang: true });
    await open();
    await start();
    await page.getByText("1,3 Mt / 3,2 Mt").waitFor();
    hub.orders.weightsUntil = Infinity;
    await page.reload();
    await page.getByText("lataus kesken").waitFor();
    await start();
    await waitForFace("valmis");
    expect(hub.weightRequests).toEqual(["", "bytes=1300000-"]);
  });

  it("is fetched again when the disk has flipped a byte", async () => {
    hub.orders.engine = fakeEngine(ready);
    await open();
    await start();
    await waitForFace("valmis");
    await page.getByRole("button", { name: "Pysäytä" }).click();
    await waitForFace("pysäytetty");
    await page.evaluate(async () => {
      const root = await navigator.storage.getDirectory();
      const folder = await root.getDirectoryHandle("models");
      for await (const name of folder.keys()) {
        if (!name.endsWith(".gguf")) continue;
        const writable = await (await folder.getFileHandle(name)).createWritable({ keepExistingData: true });
        await writable.write({ type: "write", position: 2_000_000, data: new Uint8Array([1, 2, 3]) });
        await writable.close();
      }
    });
    await start();
    await waitForFace("valmis");
    expect(hub.weightRequests).toEqual(["", ""]);
  });

  it("can be deleted while it runs", async () => {
    hub.orders.engine = fakeEngine(ready);
    await open();
    await start();
    await waitForFace("valmis");
    await page.getByRole("button", { name: "Poista malli smollm2:135m laitteelta" }).click();
    await waitForFace("pysäytetty");
    await expect.poll(digestOf).toEqual([]);
  });
});

it("computes in one tab only, and hands over on demand", async () => {
  hub.orders.engine = fakeEngine(ready);
  await open();
  await start();
  await waitForFace("valmis");
  const first = page;
  page = await context.newPage();
  await open();
  await start();
  await waitForFace("käynnissä toisessa välilehdessä");
  await page.getByText("alustettiin kello").waitFor();
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.screenshot({ path: `${PICTURES}elsewhere.png`, fullPage: true });
  expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
  await page.getByRole("button", { name: "Siirrä laskenta tähän välilehteen" }).click();
  await waitForFace("valmis");
  await first.getByText("Laskenta siirtyi toiseen välilehteen.").waitFor();
  expect(hub.weightRequests).toEqual([""]);
});

it("keeps the language, and reaches everything by keyboard", async () => {
  await open();
  await page.getByRole("button", { name: "English" }).click();
  await page.reload();
  await page.getByRole("heading", { name: "Compute on this machine" }).waitFor();
  const reached: (string | null)[] = [];
  for (let press = 0; press < 9; press += 1) {
    await page.keyboard.press("Tab");
    reached.push(
      await page.evaluate(() => {
        const focused = document.activeElement;
        if (focused instanceof HTMLInputElement) return focused.name;
        return focused?.id || focused?.textContent.trim() || null;
      }),
    );
  }
  expect(reached.slice(0, 3)).toEqual(["Skip to the content", "Suomi", "English"]);
  expect(reached).toEqual(expect.arrayContaining(["model", "threads", "prompt"]));
});

it("lets the worker's WebSocket through the policy", async () => {
  await open();
  const outcome = await page.evaluate(
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
