// What a person does with a tab that computes, and what becomes of it when the hub goes and comes.

import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { afterEach, beforeEach, expect, it } from "vitest";

import { lookAt } from "../frontend/tests/browser";
import { Hub, type Ask } from "./support/hub";
import { Profile, type Tab } from "./support/tab";

const PICTURES = fileURLToPath(new URL("screenshots/", import.meta.url));
const MODEL = "smollm2:135m";
const question: Ask = {
  model: MODEL,
  messages: [{ role: "user", content: "Say hello." }],
  max_tokens: 8,
};

let hub: Hub;
let profile: Profile;
let tab: Tab;

const address = (): string => `${hub.url}/compute/?model=${MODEL}`;
const press = (name: string) => tab.page.getByRole("button", { name }).click();
const picture = async (name: string): Promise<void> => {
  await lookAt(tab.page, PICTURES, name);
  await press("Suomi");
};

async function listedModels(): Promise<string[]> {
  const listed = (await (await fetch(`${hub.url}/v1/models`)).json()) as {
    data: { id: string }[];
  };
  return listed.data.map(({ id }) => id);
}

beforeEach(async () => {
  mkdirSync(PICTURES, { recursive: true });
  hub = await Hub.start();
  profile = await Profile.open();
  tab = await profile.openTab(address());
});

afterEach(async () => {
  await profile.close();
  await hub.end();
});

it("is started, answers, pauses, goes on and stops", async () => {
  await picture("idle");
  await tab.startUntilReady();
  await picture("ready");
  expect((await hub.ask(question)).kind).toBe("browser");
  await tab.page
    .getByRole("region", { name: "Tila" })
    .getByText(/tok\/s/)
    .first()
    .waitFor();

  const stream = hub.stream({
    ...question,
    messages: [{ role: "user", content: "Count to 5000." }],
    max_tokens: 4000,
  });
  await stream.next();
  await tab.waitForFace("vastaa kehotteeseen");
  await picture("busy");
  await stream.return(undefined);

  await press("Tauko");
  await tab.waitForFace("tauolla");
  await picture("paused");
  await expect(hub.ask(question)).rejects.toThrow("503");
  await press("Jatka");
  await tab.waitForFace("valmis");
  expect((await hub.ask(question)).kind).toBe("browser");

  await press("Pysäytä");
  await tab.waitForFace("pysäytetty");
  await hub.until((nodes) => nodes.length === 0);
  await press("Poista malli smollm2:135m laitteelta");
  await tab.page.getByText("laitteellasi", { exact: true }).waitFor({ state: "hidden" });
});

it("measures itself when the hub asks", async () => {
  const sent: string[] = [];
  tab.page.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => sent.push(payload.toString()));
  });
  await tab.startUntilReady();
  await expect.poll(() => sent.find((frame) => frame.includes("benchmark_result"))).toBeDefined();
  const result = JSON.parse(sent.find((frame) => frame.includes("benchmark_result")) ?? "{}") as {
    cpu_multiply_adds_per_second: number;
  };
  console.log(
    `multiply-adds: ${(result.cpu_multiply_adds_per_second / 1e9).toFixed(1)} thousand million a second`,
  );
  expect(result.cpu_multiply_adds_per_second).toBeGreaterThan(1e8);
});

it("keeps to its owner's prompts when told to", async () => {
  await tab.startUntilReady();
  expect(await listedModels()).toEqual([MODEL]);
  await tab.page.getByLabel("Vain omat kehotteeni").check();
  await expect.poll(listedModels).toEqual([]);
  await expect(hub.ask(question)).rejects.toThrow("503");

  // To another view without a page load: the tab goes on computing.
  await tab.page.getByRole("link", { name: "Studio", exact: true }).click();
  await tab.page.getByLabel("Vain omalla koneellani").check();
  await tab.page.locator("textarea[data-prompt]").fill("Say hello.");
  await press("Lähetä");
  const facts = tab.page.getByRole("definition");
  await facts
    .filter({ hasText: /^selain-[0-9a-f]{4}$/ })
    .first()
    .waitFor();
  await facts.filter({ hasText: MODEL }).first().waitFor();
  await picture("own");
});

it("joins again by itself when the hub was killed, and keeps its model", async () => {
  await tab.startUntilReady();
  const { port } = new URL(hub.url);
  await hub.program.end("SIGKILL");
  await tab.waitForFace("ei yhteyttä keskukseen");
  await picture("offline");
  hub = await Hub.start({ PORT: port });
  await tab.waitForFace("valmis");
  expect((await hub.ask(question)).kind).toBe("browser");
  expect(tab.weightRequests).toEqual([""]);
});

it("goes on with a download when the hub was killed in the middle", async () => {
  tab = await profile.openTab(`${hub.url}/compute/?model=qwen2.5-coder:0.5b`);
  await tab.start();
  await tab.page.getByText(/(?<![\d,])[1-9]\d*(,\d)?\sMt \/ 491\sMt/).waitFor();
  const { port } = new URL(hub.url);
  await hub.program.end("SIGKILL");
  await tab.page.getByText("Yhteys katkesi.").waitFor();
  await picture("waiting");
  hub = await Hub.start({ PORT: port });
  await tab.waitForFace("valmis");
  const [first, ...later] = tab.weightRequests;
  expect(first).toBe("");
  expect(later.every((range) => /^bytes=[1-9]\d+-$/.test(range))).toBe(true);
});

it("computes in one tab of a browser, which the second names, and moves on demand", async () => {
  await tab.startUntilReady();
  const first = tab;
  tab = await profile.openTab(address());
  await tab.start();
  await tab.waitForFace("käynnissä toisessa välilehdessä");
  await tab.page.getByText(`mallilla ${MODEL}`).waitFor();
  await picture("elsewhere");
  expect(await hub.stats()).toHaveLength(1);
  await press("Siirrä tähän välilehteen");
  await tab.waitForFace("valmis");
  await first.waitForFace("pysäytetty");
  expect([...first.weightRequests, ...tab.weightRequests]).toEqual([""]);
  expect(await hub.stats()).toHaveLength(1);
});

it("computes with plain SIMD in one thread where the page is not isolated, and says so", async () => {
  const builds: string[] = [];
  tab.page.on("request", (request) => {
    if (request.url().endsWith(".wasm")) builds.push(new URL(request.url()).pathname);
  });
  // As behind a proxy that strips headers.
  await tab.page.route(address(), async (route) => {
    const response = await route.fetch();
    const kept = Object.entries(response.headers()).filter(([name]) => !name.startsWith("cross-origin-"));
    await route.fulfill({ response, headers: Object.fromEntries(kept) });
  });
  await tab.page.goto(address());
  await tab.page.getByText("COOP- ja COEP-otsakkeet puuttuvat").waitFor();
  await tab.startUntilReady();
  await picture("plain");
  expect(builds).toEqual(["/wasm/plain/node_bg.wasm"]);
  expect((await hub.ask(question)).kind).toBe("browser");
});
