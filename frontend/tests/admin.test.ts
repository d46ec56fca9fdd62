// The operator's pages with a real hub behind them: what is pressed is done, written down, and true after a restart.

import { mkdirSync } from "node:fs";

import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { PICTURES } from "./bench";
import { INSECURE_HOST, launchBrowser, lookAt } from "./browser";
import { RealHub, PlayedNode } from "./real-hub";

const PASSWORD = "salasana-testiin";

let browser: Browser;
let context: BrowserContext;
let page: Page;
let hub: RealHub;
const complaints: string[] = [];
const nodes: PlayedNode[] = [];

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

/** The name of what has the keyboard. */
function focused(): Promise<string> {
  return page.evaluate(() => {
    const here = document.activeElement;
    if (here === null || here === document.body) return "nothing";
    return here.getAttribute("aria-label") ?? here.closest("label")?.innerText ?? here.outerHTML;
  });
}

async function enter(password: string): Promise<void> {
  const field = page.getByLabel("Salasana");
  await field.fill(password);
  await field.press("Enter");
}

async function join(name: string, more: object = {}): Promise<PlayedNode> {
  const node = await PlayedNode.join(browser, hub, { name, ...more });
  nodes.push(node);
  return node;
}

/** Asks, and gives what becomes of it. */
async function ask(kipina: object = {}): Promise<{ status: number; body: string }> {
  const messages = [{ role: "user", content: "salainen kehote" }];
  const response = await fetch(`${hub.url}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ model: "qwen2.5-coder:0.5b", messages, kipina }),
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
    await enter("arvaus");
    await see("Salasana on väärä");
    await enter(PASSWORD);
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
  expect(await focused()).toBe("Peru luottamus: keittiön kone");
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
  // The row with the button is gone; the keyboard goes on from where it was.
  expect(await focused()).toContain("rules-title");
  await join("häirikkö");
  await card("häirikkö").waitFor();
});

it("keys are made, shown once, rotated and revoked", async () => {
  hub = await RealHub.start();
  await open("keys");
  await see("Avaimia ei ole.");
  await press("Luo avain");
  await press("Luo avain");
  await see("Anna nimi, enintään 64 merkkiä.");
  await page.getByLabel("Nimi").fill("Ainon kannettava");
  await page.getByText("Rajat ja ehdot").click();
  await page.getByLabel("Kyselyjä minuutissa").fill("60");
  await lookAt(page, PICTURES, "admin-key-form");
  await page.getByRole("button", { name: "Suomi" }).click();
  await press("Luo avain");
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
  // Readers of screens hear only what comes into a place that was there.
  const said = page.getByRole("status").filter({ hasText: /^$/ });
  expect(await said.count()).toBeGreaterThan(0);
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

it("who is caught by an audit is seen from every page, and let back in", async () => {
  hub = await RealHub.start({ NODE_API_KEY: "keskuksen-avain" });
  const digest = "sha256:1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32";
  await join("tarkastaja", { key: "keskuksen-avain", digest, runtime: "kipina-engine 0.1.0", finds: 2 });
  await join("huijari", { kind: "browser", owner: "huijarin-oma-salaisuus", says: "jotain aivan muuta" });
  await open("audits");
  await see("Yhtään konetta ei ole hyllytetty.");
  await see("Mitään ei ole vielä tarkastettu.");
  expect((await ask({ nodes: "browser" })).body).toContain("jotain aivan muuta");
  const link = page.getByRole("link", { name: /^Tarkastukset/ });
  await page.getByRole("link", { name: "Tarkastukset 1 hyllytetty" }).waitFor();
  await page.getByRole("listitem").filter({ hasText: "virheellinen" }).waitFor();
  const standing = page.getByRole("row", { name: /huijari/ });
  await standing.getByText("hyllytetty").waitFor();
  await lookAt(page, PICTURES, "admin-audits");
  expect((await ask({ nodes: "browser" })).status).toBe(503);

  await page.getByRole("button", { name: "Suomi" }).click();
  await page.getByRole("link", { name: "Koneet", exact: true }).click();
  const card = page.getByRole("article").filter({ hasText: "huijari" });
  await card.getByText("hyllytetty", { exact: true }).waitFor();
  await link.click();
  await press("Palauta: huijari");
  await see("Yhtään konetta ei ole hyllytetty.");
  await expect.poll(() => link.innerText()).toBe("Tarkastukset");
  expect((await ask({ nodes: "browser" })).status).toBe(200);
  await page.getByRole("link", { name: "Muutokset" }).click();
  await see("palautti hyllytetyn koneen");
  await see("node huijari");
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

  // What the hub does not take is not shown as if it had.
  const refused = { status: 503, json: { error: { message: "the disk is full", code: "no" } } };
  await page.route("**/api/admin/settings", (route) =>
    route.request().method() === "PATCH" ? route.fulfill(refused) : route.fallback(),
  );
  const resume = page.getByRole("switch", { name: /jatkuu toisella koneella/ });
  await resume.focus();
  await page.keyboard.press("Space");
  await see(/the disk is full/);
  await expect.poll(() => resume.isChecked()).toBe(true);
  expect(await focused()).toMatch(/jatkuu toisella koneella/);
  const access = page.getByLabel("Pääsy", { exact: true });
  await access.selectOption("open");
  await expect.poll(() => access.inputValue()).toBe("keys");
  await length.fill("11");
  await length.press("Enter");
  await see(/the disk is full/);
  expect(await length.inputValue()).toBe("11");
  await page.unroute("**/api/admin/settings");
  await length.fill("10");

  hub = await hub.restart(() => see("Keskus ei vastaa."));
  await expect.poll(() => page.getByText("Keskus ei vastaa.").count()).toBe(0);
  expect((await ask()).status).toBe(401);
  await page.reload();
  await expect.poll(() => length.inputValue()).toBe("10");
  await see("Käynnistyessä 32, ympäristömuuttujasta QUEUE_LENGTH");
  await press("Palauta: Pääsy");
  await expect.poll(async () => (await ask()).status).toBe(503);

  await page.getByRole("link", { name: "Muutokset" }).click();
  await see("muutti asetuksia");
  await page.getByText("Tarkemmin").first().click();
  await lookAt(page, PICTURES, "admin-changes");
});

it("the log is followed, also over a restart", async () => {
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
});

it("the log shows what is at least as grave as is wished", async () => {
  hub = await RealHub.start({ ADMIN_PASSWORD: PASSWORD });
  await join("keittiön kone");
  await page.goto(`${hub.url}/admin/#log`);
  await enter("arvaus");
  await see("Salasana on väärä");
  await enter(PASSWORD);
  const lines = page.getByRole("region", { name: "Loki" });
  const warning = lines.getByText(/nobody was logged in from/);
  await warning.waitFor();
  await lines.getByText(/joined/).waitFor();
  await page.getByLabel("Vähintään").selectOption("warn");
  // The hub tells older lines first: with this one the others would be here.
  await warning.waitFor();
  expect(await lines.getByText(/joined/).count()).toBe(0);
});

it("a log that the hub does not hand out says why, and comes when it can", async () => {
  hub = await RealHub.start();
  await page.route("**/api/admin/log?*", (route) =>
    route.fulfill({ status: 429, json: { error: { message: "16 clients already read", code: "no" } } }),
  );
  await open("log");
  await see("ei yhteyttä, yritetään uudelleen");
  await see(/Keskuksen lokia seurataan jo niin monesta paikasta/);
  await lookAt(page, PICTURES, "admin-log-full");
  await page.getByRole("button", { name: "Suomi" }).click();
  await page.unroute("**/api/admin/log?*");
  await page.getByText("seurataan", { exact: true }).waitFor();
  expect(await page.getByText(/niin monesta paikasta/).count()).toBe(0);
});

it("everything is reached by the keyboard", async () => {
  hub = await RealHub.start();
  await join("keittiön kone");
  await open("nodes");
  const keys = page.getByRole("link", { name: "Avaimet", exact: true });
  await keys.focus();
  await page.keyboard.press("Enter");
  const make = page.getByRole("button", { name: "Luo avain" });
  await make.focus();
  await page.keyboard.press("Enter");
  // The form has the keyboard at once.
  await page.keyboard.type("näppäimin");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("row", { name: /näppäimin/ }).waitFor();
});
