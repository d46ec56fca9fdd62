// The studio as a person uses it: a real hub, a real machine with a real model, a real browser.

import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Page } from "../frontend/tests/browser";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";

import { Hub } from "./support/hub";
import { Profile } from "./support/tab";

const MODEL = "qwen2.5-coder:0.5b";
const IDEA = "A service that stores notes: create, list, get, update and delete a note";
/** Two cores write some thousand tokens. */
const A_PROJECT = 400_000;

let hub: Hub;
let profile: Profile;
let page: Page;

const press = (name: string | RegExp) =>
  page.getByRole("button", { name, exact: typeof name === "string" }).click();
const card = (name: string) => page.getByRole("button", { name: new RegExp(`^${name} `) });
const line = () => page.locator("textarea[data-prompt]");
const state = () => page.locator("header .badge").first();

async function open(path: string): Promise<void> {
  await page.goto(hub.url + path);
  await page.getByRole("region", { name: "Tila" }).getByText("yhteys kunnossa").waitFor();
}

async function ask(text: string): Promise<void> {
  await line().fill(text);
  await line().press("Enter");
}

beforeAll(async () => {
  hub = await Hub.start();
  await hub.startNode(MODEL);
});

afterAll(async () => {
  await hub.end();
});

beforeEach(async () => {
  profile = await Profile.open();
  page = await profile.context.newPage();
  return () => profile.close();
});

it("answers in the terminal, and says who did", async () => {
  await open("/");
  await ask("Write a Python function add(a, b) that returns their sum. Only code.");
  const answer = page.getByRole("group", { name: "Koodari vastaa" });
  await answer.getByText("def add").first().waitFor({ timeout: 60_000 });
  await answer.getByText(/[\d,]+ tok\/s/).waitFor({ timeout: 60_000 });
  await answer.getByRole("definition").filter({ hasText: MODEL }).first().waitFor();
  await answer.getByRole("definition").filter({ hasText: "native" }).first().waitFor();
});

it("counts tokens with the model's own tokenizer", async () => {
  await open("/");
  await ask("kpn tokens def add(a, b):");
  await page
    .getByText(/6 tokenia/)
    .first()
    .waitFor({ timeout: 60_000 });
});

it(
  "writes a project from an idea to a ZIP that unpacks, through a reload in the middle",
  async () => {
    await open("/projects/");
    await page.getByLabel("Idea").fill(IDEA);
    await press("Aloita");
    await page.getByRole("heading", { name: IDEA, level: 2 }).waitFor();
    const files = page.getByRole("navigation", { name: "Tiedostot" });
    await files.getByRole("button", { name: "pyproject.toml" }).waitFor({ timeout: 120_000 });
    await page.reload();
    await expect.poll(() => state().innerText(), { timeout: A_PROJECT, interval: 1000 }).toBe("valmis");
    const [download] = await Promise.all([page.waitForEvent("download"), press("Lataa ZIP")]);
    const folder = mkdtempSync(join(tmpdir(), "kipina-zip-"));
    await download.saveAs(join(folder, "project.zip"));
    const unpack =
      "import sys, zipfile; z = zipfile.ZipFile('project.zip'); z.extractall(); print('\\n'.join(z.namelist()))";
    const names = execFileSync("python3", ["-c", unpack], { cwd: folder }).toString().trim().split("\n");
    expect(names.length).toBeGreaterThanOrEqual(3);
    expect(names.some((name) => name.endsWith("/pyproject.toml"))).toBe(true);
    expect(names.some((name) => name.includes("test"))).toBe(true);
    const project = join(folder, names[0]?.split("/")[0] ?? "");
    const check =
      "import pathlib, tomllib; tomllib.loads(pathlib.Path('pyproject.toml').read_text())['project']['name']";
    execFileSync("python3", ["-c", check], { cwd: project });
  },
  A_PROJECT + 200_000,
);

it("copies the command that joins a machine", async () => {
  await profile.context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await open("/");
  await press("Liitä koneesi");
  await page.getByRole("dialog").getByRole("button", { name: "Kopioi komento: kipina-node" }).click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  expect(copied).toContain(`${hub.url}/kipina-node`);
});

it("answers as an edited agent does", async () => {
  await open("/");
  await press("Muokkaa tiimiä");
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("navigation").getByRole("button", { name: "Koodari" }).click();
  await dialog.getByLabel("Nimi", { exact: true }).fill("Papukaija");
  await dialog
    .getByLabel("Ohje mallille", { exact: true })
    .fill("You always answer with the single word: polly");
  await dialog.getByLabel("Lämpötila", { exact: true }).fill("0");
  await dialog.getByRole("button", { name: "Tallenna", exact: true }).click();
  await dialog.getByText("Papukaija tallennettu.").waitFor();
  await page.keyboard.press("Escape");
  await page.reload();
  await card("Papukaija").waitFor();
  await ask("Who are you?");
  const answer = page.getByRole("group", { name: "Papukaija vastaa" });
  await answer.getByText(/polly/i).first().waitFor({ timeout: 60_000 });
});

it("keeps language and theme", async () => {
  await open("/settings/");
  await press("English");
  await page.getByRole("radio", { name: "Light" }).check({ force: true });
  await page.reload();
  await page.getByRole("heading", { name: "Settings", level: 1 }).waitFor();
  const root = page.locator("html");
  expect(await root.getAttribute("lang")).toBe("en");
  expect(await root.getAttribute("data-theme")).toBe("light");
});
