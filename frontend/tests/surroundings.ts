// Devices and browsers other than the one that runs the tests.

import type { Page } from "playwright-core";

/** Takes what browsers tell about the device. */
async function tell(page: Page, facts: Record<string, unknown>): Promise<void> {
  await page.addInitScript((told) => {
    for (const [name, value] of Object.entries(told)) Object.defineProperty(navigator, name, { value });
  }, facts);
}

export async function onBattery(page: Page): Promise<void> {
  await tell(page, { connection: { saveData: true } });
  await page.addInitScript(() => {
    Object.defineProperty(navigator, "getBattery", { value: () => Promise.resolve({ charging: false }) });
  });
}

export function deviceOf(gibibytes: number): (page: Page) => Promise<void> {
  return (page) => tell(page, { deviceMemory: gibibytes });
}

/** No SIMD, as in a browser from before 2021. */
export async function oldBrowser(page: Page): Promise<void> {
  await page.addInitScript(() => {
    WebAssembly.validate = () => false;
  });
}

/** For the worker: a browser that tells how little space there is. */
export const littleSpace = `
  navigator.storage.estimate = () => Promise.resolve({ quota: 5000000, usage: 0 });`;

/** A disk that is full sooner than the browser told: Chromium tells every page of 10 GiB. */
export async function smallDisk(page: Page, origin: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1_000_000 });
}

/** For the worker: a browser that keeps nothing, as some private windows. */
export const noStorage = `
  delete FileSystemFileHandle.prototype.createSyncAccessHandle;
  indexedDB.open = () => { throw new DOMException("no", "SecurityError"); };`;

/** The network goes and comes so often that no pause between two attempts is waited for. */
export async function shakeNetwork(page: Page, until: () => Promise<boolean>): Promise<void> {
  while (!(await until())) {
    await page.context().setOffline(true);
    await page.context().setOffline(false);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Keeps the stored model's file in use, as another program of the browser might. */
export async function holdModel(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle("models");
    for await (const name of folder.keys()) {
      if (name.endsWith(".gguf")) await (await folder.getFileHandle(name)).createWritable();
    }
  });
}
