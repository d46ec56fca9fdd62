// Every state of the built page, in both languages, narrow and wide, looked at by axe.

import type { Page } from "playwright-core";
import { describe, it } from "vitest";

import { Bench, PICTURES } from "./bench";
import { face, INSECURE_HOST, lookAt } from "./browser";
import { onGpu, onProcessor } from "../src/lib/testing/computation";
import {
  broken,
  building,
  busy,
  dying,
  dyingOnce,
  fakeEngine,
  losingGpu,
  offline,
  outOfMemory,
  ready,
  refusedWith,
} from "./engine";
import { weights, type Orders } from "./hub";
import {
  deviceOf,
  holdModel,
  littleSpace,
  noStorage,
  oldBrowser,
  onBattery,
  shakeNetwork,
  smallDisk,
} from "./surroundings";

const bench = new Bench();

interface Scene {
  name: string;
  orders?: Partial<Orders>;
  address?: string;
  insecure?: true;
  /** Before the page is opened. */
  prepare?: (page: Page, origin: string) => Promise<void>;
  act: () => Promise<void>;
}

const see = (words: string) => bench.page.getByText(words).first().waitFor();
const press = (name: string) => bench.page.getByRole("button", { name }).click();
const engine = fakeEngine(ready);
const gpu = "NVIDIA GeForce RTX 4090 Laptop GPU (Direct3D 12)";

async function startUntil(expected: string): Promise<void> {
  await bench.start();
  await bench.waitForFace(expected);
}

const failure = (words: string) => async (): Promise<void> => {
  await startUntil("ei onnistunut");
  await see(words);
};

const ways: Scene[] = [
  { name: "idle", act: () => bench.waitForFace("ei käynnissä") },
  {
    name: "asking",
    orders: { engine },
    prepare: onBattery,
    act: async () => {
      await startUntil("odottaa vastaustasi");
      await see("akun varassa");
      await see("Datansäästö on päällä");
    },
  },
  {
    name: "downloading",
    orders: { engine, weightsUntil: 1_300_000, hang: true },
    act: async () => {
      await bench.start();
      await see("Ladataan keskuksesta");
    },
  },
  {
    name: "waiting",
    orders: { engine, weightsUntil: 900_000 },
    act: async () => {
      await bench.start();
      await see("Yhteys katkesi.");
    },
  },
  {
    name: "building",
    orders: { engine: building },
    act: async () => {
      await bench.start();
      await see("62 %");
    },
  },
  {
    name: "ready",
    orders: { engine },
    act: async () => {
      await startUntil("valmis");
      await bench.page.getByText("laitteellasi", { exact: true }).waitFor();
    },
  },
  {
    name: "busy",
    orders: { engine: fakeEngine(busy) },
    act: async () => {
      await bench.start();
      await see("8 tokenia");
    },
  },
  {
    name: "paused",
    orders: { engine },
    act: async () => {
      await bench.start();
      await press("Tauko");
      await bench.waitForFace("tauolla");
    },
  },
  {
    name: "offline",
    orders: { engine: fakeEngine(offline) },
    act: () => startUntil("ei yhteyttä keskukseen"),
  },
  {
    name: "restarted",
    orders: { engine: fakeEngine(dyingOnce) },
    act: async () => {
      await bench.start();
      await see("aloitettiin kerran uudelleen");
      await bench.waitForFace("valmis");
    },
  },
  {
    name: "on-gpu",
    orders: { engine: fakeEngine(busy, { ...onGpu, gpu }) },
    act: async () => {
      await bench.start();
      await see(`Laskee näytönohjaimella ${gpu}.`);
      await bench.page.getByTestId("computes").filter({ hasText: gpu }).waitFor();
      await see("8 tokenia");
    },
  },
  {
    name: "no-gpu",
    orders: {
      engine: fakeEngine(ready, {
        ...onProcessor,
        noGpu: { reason: "does_not_fit", adapter: gpu, message: "" },
      }),
    },
    act: async () => {
      await startUntil("valmis");
      await see(`Malli ei mahdu näytönohjaimelle ${gpu}.`);
      await bench.page.getByTestId("computes").filter({ hasText: "suoritin" }).waitFor();
    },
  },
  {
    name: "gpu-lost",
    orders: { engine: fakeEngine(losingGpu, { ...onGpu, gpu }) },
    act: async () => {
      await startUntil("rakennetaan");
      await see("uudet kehotteet odottavat");
    },
  },
  {
    name: "stopped",
    orders: { engine },
    act: async () => {
      await startUntil("valmis");
      await press("Pysäytä");
      await bench.waitForFace("pysäytetty");
    },
  },
  {
    name: "not-removed",
    orders: { engine },
    act: async () => {
      await startUntil("valmis");
      await holdModel(bench.page);
      await press("Poista malli smollm2:135m laitteelta");
      await see("Mallia ei voitu poistaa.");
    },
  },
  {
    name: "one-thread",
    orders: { engine, isolated: false },
    act: async () => {
      await startUntil("valmis");
      await see("COOP- ja COEP-otsakkeet puuttuvat");
    },
  },
];

const failures: Scene[] = [
  { name: "no-engine", act: failure("ei ole asennettu") },
  { name: "engine-unreachable", orders: { engine: "broken" }, act: failure("moottoria ei saatu") },
  { name: "source-missing", orders: { engine, weightsStatus: 404 }, act: failure("ei löytynyt") },
  {
    name: "wrong-length",
    orders: { engine, weights: weights.subarray(9) },
    act: failure("eri kokoinen"),
  },
  {
    name: "corrupt",
    orders: { engine, weights: Buffer.alloc(weights.length) },
    act: failure("kahdesti väärä"),
  },
  {
    name: "network-lost",
    orders: { engine, weightsStatus: null },
    act: async () => {
      await bench.start();
      await see("Yhteys katkesi.");
      await shakeNetwork(bench.page, async () => (await face(bench.page)) === "ei onnistunut");
      await see("Yhteys katkesi eikä palannut.");
    },
  },
  {
    name: "storage-full",
    orders: { engine, workerPrelude: littleSpace },
    act: failure("Levytila ei riitä"),
  },
  {
    name: "storage-full-after-all",
    orders: { engine },
    prepare: smallDisk,
    act: failure("Levytila loppui"),
  },
  {
    name: "storage-unavailable",
    orders: { engine, workerPrelude: noStorage },
    act: failure("ei anna sivun tallentaa"),
  },
  { name: "engine", orders: { engine: broken }, act: failure("unknown tensor type 99") },
  { name: "out-of-memory", orders: { engine: fakeEngine(outOfMemory) }, act: failure("Muisti loppui.") },
  { name: "worker-lost", orders: { engine: fakeEngine(dying) }, act: failure("Selain lopetti laskennan") },
  {
    name: "not-enough-memory",
    address: "/compute/?model=qwen2.5-coder:1.5b",
    prepare: deviceOf(1),
    act: failure("eikä se mahdu tälle laitteelle"),
  },
  { name: "nothing-fits", prepare: deviceOf(0.25), act: failure("Yksikään luettelon malleista") },
  { name: "browser-too-old", prepare: oldBrowser, act: failure("ei ole WebAssemblyn SIMD-käskyjä") },
  { name: "insecure", insecure: true, act: failure("vain suojatulla yhteydellä") },
  {
    name: "unknown-model",
    address: "/compute/?model=gpt-9&compute=gpu",
    act: failure("mallia gpt-9 ei ole"),
  },
  { name: "hub-unreachable", orders: { apiWorks: false }, act: failure("Malliluetteloa ei saatu") },
  {
    name: "refused-key",
    orders: { engine: fakeEngine(refusedWith(4001)) },
    act: failure("joilla on sen avain"),
  },
  {
    name: "refused-version",
    orders: { engine: fakeEngine(refusedWith(4002)) },
    act: failure("vanhempi kuin keskus"),
  },
  {
    name: "refused-nodes",
    orders: { engine: fakeEngine(refusedWith(4008)) },
    act: failure("kuin keskus sallii"),
  },
  {
    name: "refused",
    orders: { engine: fakeEngine(refusedWith(4003)) },
    act: failure("ei ottanut välilehteä mukaan"),
  },
];

describe.each([
  ["computing", "", ways],
  ["what keeps a tab from computing", "failed-", failures],
])("%s", (_, prefix, scenes) => {
  it.each(scenes)("$name", async ({ name, orders, address, insecure, prepare, act }) => {
    Object.assign(bench.hub.orders, orders);
    const { url } = bench.hub;
    await prepare?.(bench.page, url);
    await bench.open(address, insecure ? url.replace("127.0.0.1", INSECURE_HOST) : url);
    await act();
    await lookAt(bench.page, PICTURES, prefix + name);
  });
});
