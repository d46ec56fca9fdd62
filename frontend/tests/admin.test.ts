// The operator's pages with a real hub behind them: what is pressed is done, written down, and true after a restart.

import { mkdirSync } from "node:fs";

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { PICTURES } from "./bench";
import { INSECURE_HOST, launchBrowser, lookAt } from "./browser";
import { RealHub, SilentNode } from "./real-hub";

const PASSWORD = "salasana-testiin";

let browser: Browser;
let context: BrowserContext;
let page: Page;
let hub: RealHub;
const complaints: string[] = [];
const nodes: SilentNode[] = [];

beforeAll(async () => {
  mkdirSync(PICTURES, { recursive: true });
  browser = await launchBrowser();
});

afterAll(async () => {
  await browser.close();
});

beforeEach(async () => {
  complaints.length = 0;
  context = await browser.newContext({ reducedMotion: "reduce", serviceWorkers: "block" });
  page = await context.newPage();
  page.on("console", (message) => {
    if (/Content Security Policy|hydration/i.test(message.text())) complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
});

afterEach(async () => {
  for (const node of nodes.splice(0)) await node.leave();
  await context.close();
  await hub.end();
  expect(complaints).toEqual([]);
});

const see = (words: string | RegExp) => page.getByText(words).first().waitFor();
const press = (name: string | RegExp) => page.getByRole("button", { name }).first().click();
const title = (name: string) => page.getByRole("heading", { name }).first().waitFor();

/** Without a password the hub's own machine is let in. */
async function open(where: string): Promise<void> {
  await page.goto(`${hub.url}/admin/#${where}`);
  await page.getByRole("link", { name: "Koneet", exact: true }).waitFor();
}

async function join(name: string, more: object = {}): Promise<SilentNode> {
  const node = await SilentNode.join(browser, hub, { name, ...more });
  nodes.push(node);
  return node;
}

/** Asks, and gives what becomes of it. */
async function ask(): Promise<{ status: number; body: string }> {
  const messages = [{ role: "user", content: "salainen kehote" }];
  const response = await fetch(`${hub.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "qwen2.5-coder:0.5b", messages }),
  });
  return { status: response.status, body: await response.text() };
}

describe("the door", () => {
  it("that is closed says how it is opened", async () => {
    hub = await RealHub.start();
    await page.goto(`${hub.url.replace("127.0.0.1", INSECURE_HOST)}/admin/`);
    await title("Ylläpito on suljettu");
    await see(/ADMIN_PASSWORD='/);
    await lookAt(page, PICTURES, "admin-closed");
  });

  it("opens to the password and to nothing else, and shuts behind whoever leaves", async () => {
    hub = await RealHub.start({ ADMIN_PASSWORD: PASSWORD });
    await page.goto(`${hub.url}/admin/`);
    await title("Kirjaudu");
    await lookAt(page, PICTURES, "admin-login");
    await page.getByRole("button", { name: "Suomi" }).click();
    const password = page.getByLabel("Salasana");
    await password.fill("arvaus");
    await password.press("Enter");
    await see("Salasana on väärä");
    await password.fill(PASSWORD);
    await password.press("Enter");
    await title("0 konetta");
    await page.reload();
    await title("0 konetta");
    await press("Kirjaudu ulos");
    await title("Kirjaudu");
    await page.reload();
    await title("Kirjaudu");
  });
});

it("a machine is taken out of use and back, trusted, and banned until that is taken back", async () => {
  hub = await RealHub.start();
  const noisy = await join("häirikkö");
  await join("keittiön kone", { slots: 4 });
  await open("nodes");
  const card = (name: string) => page.getByRole("article").filter({ hasText: name });
  await card("häirikkö").waitFor();

  await press("Ota pois käytöstä: keittiön kone");
  await card("keittiön kone").getByText("pois käytöstä", { exact: true }).waitFor();
  await press("Luota: keittiön kone");
  await card("keittiön kone").getByText("luotettu", { exact: true }).waitFor();
  await press("Estä…: häirikkö");
  await page.getByLabel(/Syy/).fill("vastaa roskaa");
  await page.getByRole("dialog").screenshot({ path: `${PICTURES}admin-ban.png` });
  await page.getByRole("dialog").getByRole("button", { name: "Estä", exact: true }).click();
  await see(/häirikkö osoitteesta 127\.0\.0\.1/);
  await expect.poll(() => noisy.closed()).toContain("4009");
  expect(await noisy.closed()).toContain("vastaa roskaa");
  await expect.poll(() => card("häirikkö").count()).toBe(0);
  await lookAt(page, PICTURES, "admin-nodes");

  await page.getByRole("button", { name: "Suomi" }).click();
  await press("Ota käyttöön: keittiön kone");
  await press(/Peru päätös: Estetty/);
  await see("Yhtään konetta ei ole estetty");
  await join("häirikkö");
  await card("häirikkö").waitFor();
});

it("keys are made, shown once, rotated and revoked", async () => {
  hub = await RealHub.start();
  await open("keys");
  await see("Avaimia ei ole.");
  await press("Tee avain");
  await press("Tee avain");
  await see("Anna nimi, enintään 64 merkkiä.");
  await page.getByLabel("Nimi").fill("Ainon kannettava");
  await page.getByText("Rajat ja ehdot").click();
  await page.getByLabel("Kyselyjä minuutissa").fill("60");
  await lookAt(page, PICTURES, "admin-key-form");
  await page.getByRole("button", { name: "Suomi" }).click();
  await press("Tee avain");
  const dialog = page.getByRole("dialog");
  const secret = await dialog.locator("code").innerText();
  expect(secret).toMatch(/^kp_/);
  const models = (key: string) =>
    fetch(`${hub.url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  expect((await models(secret)).status).toBe(200);
  await dialog.getByRole("button", { name: "Olen kopioinut sen" }).click();
  await page.getByRole("row", { name: /Ainon kannettava/ }).waitFor();
  expect(await page.content()).not.toContain(secret);

  await press("Vaihda: Ainon kannettava");
  const second = await dialog.locator("code").innerText();
  expect(second).not.toBe(secret);
  await dialog.getByRole("button", { name: "Olen kopioinut sen" }).click();
  await see(/entinen kelpaa/);
  await lookAt(page, PICTURES, "admin-keys");
  await page.getByRole("button", { name: "Suomi" }).click();
  await press("Mitätöi: Ainon kannettava");
  await dialog.getByRole("button", { name: "Mitätöi", exact: true }).click();
  await page.getByRole("switch", { name: "Näytä myös mitätöidyt" }).check();
  await see("mitätöity");
  expect((await models(second)).status).toBe(401);
});

it("prompts are seen without their text, and one is cancelled", async () => {
  hub = await RealHub.start();
  await join("keittiön kone");
  await open("queue");
  await see("Yhtään kehotetta ei ole jonossa");
  const first = ask();
  await title("0 odottaa, 1 vastattavana");
  const second = ask();
  await title("1 odottaa, 1 vastattavana");
  expect(await page.content()).not.toContain("salainen");
  await lookAt(page, PICTURES, "admin-queue");
  await page.getByRole("button", { name: "Suomi" }).click();
  const waiting = page.getByRole("row", { name: /odottaa/ });
  await waiting.getByRole("button").click();
  await see("Kehote peruttiin");
  const refused = await second;
  expect(refused.status).toBe(403);
  expect(refused.body).toContain("cancelled_by_operator");
  await page
    .getByRole("row", { name: /luetaan/ })
    .getByRole("button")
    .click();
  expect((await first).status).toBe(403);
  await see("Yhtään kehotetta ei ole jonossa");
});

it("settings count at once, survive a restart, and are taken back", async () => {
  hub = await RealHub.start({ QUEUE_LENGTH: "32" });
  await open("settings");
  const length = page.getByLabel("Jonon pituus", { exact: true });
  await length.fill("kymmenen");
  await length.press("Enter");
  await see("Kokonaisluku väliltä 0–1");
  await length.fill("10");
  await length.press("Enter");
  await see("Tallennettu: Jonon pituus.");
  await page.getByLabel("Pääsy").selectOption("keys");
  await see("Tallennettu: Pääsy.");
  expect((await ask()).status).toBe(401);
  await page.getByRole("switch", { name: /palaa samalle koneelle/ }).uncheck();
  await see("Tallennettu: Keskustelu palaa");
  await lookAt(page, PICTURES, "admin-settings");
  await page.getByRole("button", { name: "Suomi" }).click();

  hub = await hub.restart(() => see("Keskus ei vastaa."));
  await expect.poll(() => page.getByText("Keskus ei vastaa.").count()).toBe(0);
  expect((await ask()).status).toBe(401);
  await page.reload();
  await expect.poll(() => length.inputValue()).toBe("10");
  await see("Käynnistyessä 32, ympäristöstä QUEUE_LENGTH");
  await press("Palauta: Pääsy");
  await expect.poll(async () => (await ask()).status).toBe(503);

  await page.getByRole("link", { name: "Muutokset" }).click();
  await see("muutti asetuksia");
  await page.getByText("Tarkemmin").first().click();
  await lookAt(page, PICTURES, "admin-changes");
});

it("the log is followed, also over a restart, and filtered", async () => {
  hub = await RealHub.start();
  await open("log");
  await see("seurataan");
  await join("keittiön kone");
  await see(/\('keittiön kone'\) joined/);
  await lookAt(page, PICTURES, "admin-log");
  await page.getByRole("button", { name: "Suomi" }).click();
  hub = await hub.restart(() => see("yhdistetään…"));
  await see("seurataan");
  await join("mökin kone");
  await see(/\('mökin kone'\) joined/);
  expect(await page.getByText(/\('keittiön kone'\) joined/).count()).toBe(1);
  await page.getByLabel("Vähintään").selectOption("error");
  await see("Vielä ei ole kirjoitettu mitään.");
});

it("everything is reached by the keyboard", async () => {
  hub = await RealHub.start();
  await join("keittiön kone");
  await open("nodes");
  const keys = page.getByRole("link", { name: "Avaimet", exact: true });
  await keys.focus();
  await page.keyboard.press("Enter");
  const make = page.getByRole("button", { name: "Tee avain" });
  await make.focus();
  await page.keyboard.press("Enter");
  // The form has the keyboard at once.
  await page.keyboard.type("näppäimin");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("row", { name: /näppäimin/ }).waitFor();
});
