// The network view as a person meets it: machines that come and go, charts, the past, a hub that is gone.

import { expect, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { lookAt } from "./browser";

const bench = new Bench();

const see = (words: string | RegExp) => bench.page.getByText(words).first().waitFor();
const card = (name: string) => bench.page.getByRole("article").filter({ hasText: name });

const machine = {
  id: "1",
  name: "keittiön kone",
  kind: "native",
  trusted: true,
  paused: false,
  only_own: false,
  models: ["qwen2.5-coder:7b", "qwen2.5-coder:1.5b", "smollm2:135m"],
  busy: 3,
  slots: 4,
  device: {
    cpu: "AMD Ryzen 9 7950X 16-Core Processor",
    cores: 16,
    memory_bytes: 66_571_993_088,
    gpu: { name: "NVIDIA GeForce RTX 4090", memory_bytes: 25_757_220_864 },
  },
  tokens_per_second: 87.4,
  prompts: 1284,
  tokens: 391_077,
  joined_at: Math.floor(Date.now() / 1000) - 93_720,
};

const busyNetwork = {
  nodes: [
    machine,
    {
      ...machine,
      id: "2",
      name: "selain-4f1c",
      kind: "browser",
      trusted: false,
      only_own: true,
      models: ["qwen2.5-coder:0.5b"],
      busy: 0,
      slots: 1,
      device: { cores: 8, memory_bytes: 8_589_934_592, webgpu: "Apple M2" },
      tokens_per_second: 21.3,
      prompts: 12,
      tokens: 3456,
      joined_at: Math.floor(Date.now() / 1000) - 740,
    },
    {
      ...machine,
      id: "3",
      name: "mökin-vanha-palvelin.lan",
      trusted: false,
      paused: true,
      models: [],
      busy: 0,
      slots: 2,
      device: {},
      tokens_per_second: null,
      prompts: 0,
      tokens: 0,
      joined_at: Math.floor(Date.now() / 1000) - 20,
    },
  ],
  queue: { waiting: 2, running: 3 },
  totals: {
    prompts: 48_211,
    failed: 317,
    prompt_tokens: 14_902_110,
    completion_tokens: 9_284_553,
    nodes_seen: 42,
  },
  rates: { prompts_per_minute: 14, tokens_per_second: 85.3 },
};

async function open(): Promise<void> {
  await bench.page.goto(`${bench.hub.url}/network/`);
  await bench.page.getByRole("heading", { level: 1, name: "Verkko" }).waitFor();
}

/** Another moment of the network: charts need more than one. */
function pulse(prompts: number, tokens: number): Promise<void> {
  Object.assign(bench.hub.orders.stats, {
    rates: { prompts_per_minute: prompts, tokens_per_second: tokens },
  });
  return new Promise((resolve) => setTimeout(resolve, 1100));
}

it("shows machines, rates and the past", async () => {
  bench.hub.orders.stats = { ...busyNetwork };
  await bench.page.addInitScript(() => {
    localStorage.setItem("kipina.name", "selain-4f1c");
  });
  await open();
  await see("Päivittyy itsestään");
  for (const [prompts, tokens] of [
    [9, 52],
    [16, 97.5],
    [12, 71],
    [14, 85.3],
  ] as const) {
    await pulse(prompts, tokens);
  }
  await card("keittiön kone").getByText("87,4 tok/s").waitFor();
  await card("keittiön kone").getByText("16 ydintä · 62 Gt muistia · GPU: NVIDIA GeForce RTX 4090").waitFor();
  await card("keittiön kone").getByText("26 h 2 min").waitFor();
  await card("keittiön kone").getByText("luotettu").waitFor();
  await card("selain-4f1c").getByText("tämä selain").waitFor();
  await card("selain-4f1c").getByText("vain omat kehotteet").waitFor();
  await card("mökin").getByText("Laite ei kerro itsestään").waitFor();
  // This browser first, the others as they joined.
  const names = bench.page.getByRole("article").getByRole("heading");
  expect(await names.allInnerTexts()).toEqual(["selain-4f1c", "keittiön kone", "mökin-vanha-palvelin.lan"]);
  await see("Nyt 14. Vaihdellut välillä 9–16.");
  await see(/Viimeisen vuorokauden aikana .* kehotetta/);
  await expect.poll(() => bench.page.locator("canvas").count()).toBe(4);
  await lookAt(bench.page, PICTURES, "network");
});

it("follows machines that come and go, with no reload", async () => {
  await open();
  await card("kone").getByText("20,0 tok/s").waitFor();
  bench.hub.orders.nodes = 3;
  await card("kone-3").waitFor();
  bench.hub.orders.stats = { rates: { prompts_per_minute: 77, tokens_per_second: 12.5 } };
  await bench.page.locator("main").getByText("77", { exact: true }).waitFor();
  bench.hub.orders.nodes = 0;
  await see("Verkossa ei ole yhtään konetta");
  await lookAt(bench.page, PICTURES, "network-empty");
  await bench.page.getByRole("button", { name: "Suomi" }).click();
  await bench.page.getByRole("main").getByRole("button", { name: "Liitä koneesi" }).click();
  await bench.page.getByRole("dialog").waitFor();
  await bench.page.keyboard.press("Escape");
  await bench.page.getByRole("button", { name: "Laske tällä selaimella" }).click();
  await bench.page.getByRole("heading", { name: "Laske tällä koneella" }).waitFor();
});

it("gives every chart as a table", async () => {
  await open();
  await see(/Viimeisen vuorokauden aikana/);
  const tables = bench.page.getByText("Näytä taulukkona");
  await expect.poll(() => tables.count()).toBe(4);
  for (let index = 0; index < 4; index += 1) await tables.nth(index).press("Enter");
  const history = bench.page.getByRole("region", { name: "Kehotteet", exact: true });
  await expect.poll(() => history.getByRole("row").count()).toBe(25);
  await see("Vastauksen tokeneita");
  await lookAt(bench.page, PICTURES, "network-tables");
});

it("changes between day, week and month", async () => {
  await open();
  await see(/Viimeisen vuorokauden aikana/);
  const asked: string[] = [];
  bench.page.on("request", (request) => {
    const { pathname, searchParams } = new URL(request.url());
    if (pathname === "/api/history") asked.push(searchParams.get("range") ?? "");
  });
  await bench.page.getByRole("button", { name: "Viikko" }).click();
  await see(/Viimeisen viikon aikana .* kehotetta/);
  await lookAt(bench.page, PICTURES, "network-week");
  await bench.page.getByRole("button", { name: "Suomi" }).click();
  await bench.page.getByRole("button", { name: "Kuukausi" }).click();
  await see(/Viimeisten 30 päivän aikana .* kehotetta/);
  expect(asked).toEqual(["week", "month"]);
  await lookAt(bench.page, PICTURES, "network-month");
});

it("says where there is no past yet, and where it can't be read", async () => {
  bench.hub.orders.history = "nothing";
  await open();
  await see("Viimeisen vuorokauden aikana ei ole lähetetty yhtään kehotetta.");
  bench.hub.orders.history = "unreadable";
  await bench.page.getByRole("button", { name: "Viikko" }).click();
  await see("Syy on keskuksen lokissa");
  await lookAt(bench.page, PICTURES, "network-no-history");
  await bench.page.getByRole("button", { name: "Suomi" }).click();
  bench.hub.orders.history = "much";
  await bench.page.getByRole("main").getByRole("button", { name: "Yritä uudelleen" }).click();
  await see(/Viimeisen viikon aikana .* kehotetta/);
});

it("keeps what was known of a hub that is gone, and finds it again by itself", async () => {
  bench.hub.orders.stats = { ...busyNetwork };
  await open();
  await card("keittiön kone").waitFor();
  bench.hub.orders.apiWorks = false;
  await see(/Alla on se, mikä verkosta tiedettiin kello/);
  await card("keittiön kone").waitFor();
  await lookAt(bench.page, PICTURES, "network-gone");
  bench.hub.orders.apiWorks = true;
  await bench.page.getByText("Päivittyy itsestään").or(bench.page.getByText("Updates by itself")).waitFor();
});

it("opens where the hub was never there", async () => {
  bench.hub.orders.apiWorks = false;
  await open();
  await see("Verkosta ei tiedetä vielä mitään.");
  await lookAt(bench.page, PICTURES, "network-unknown");
  await bench.page.getByRole("button", { name: "Suomi" }).click();
  await bench.comeBackWhenAsked();
  await bench.page.getByRole("button", { name: "Yhdistä uudelleen" }).click();
  await card("kone").waitFor();
  await see(/Viimeisen vuorokauden aikana .* kehotetta/);
});

it("asks an older hub when something happens", async () => {
  bench.hub.orders.live = false;
  bench.hub.orders.stats = { rates: undefined };
  await open();
  await card("kone").waitFor();
  await see("Tämä keskus on vanhempi kuin sivu eikä kerro nopeuksia.");
  bench.hub.orders.nodes = 2;
  await bench.page.evaluate(() => dispatchEvent(new Event("online")));
  await card("kone-2").waitFor();
});
