// A tab that computes on WebGPU, whose GPU is here a processor that plays one, and what becomes of it when the
// GPU is lost or too small.

import { afterEach, beforeEach, expect, it } from "vitest";

import { Hub, type Ask } from "./support/hub";
import { Profile, type Tab } from "./support/tab";

const MODEL = "smollm2:135m";
/** How Chromium calls it. */
const ADAPTER = /swiftshader/i;
/** Short, since every token takes a processor that plays a GPU seconds. */
const question: Ask = {
  model: MODEL,
  messages: [
    { role: "system", content: "" },
    { role: "user", content: "Hi" },
  ],
  max_tokens: 3,
  temperature: 0,
};

let hub: Hub;
let profile: Profile;
let tab: Tab;

/** Opens the view, and runs `prelude` in the worker before that has asked for a GPU. */
async function start(compute: string, prelude = ""): Promise<void> {
  tab = await profile.openTab(`${hub.url}/compute/?model=${MODEL}&compute=${compute}`);
  const born = tab.page.waitForEvent("worker", (worker) => worker.url().includes("compute.worker"));
  await tab.start();
  const worker = await born;
  await worker.evaluate(prelude);
  lose = () => worker.evaluate("for (const device of devices.splice(0)) device.destroy()");
  await tab.waitForFace("valmis");
}

/** Takes away the GPUs that the worker was given, as where a driver is updated. */
let lose: () => Promise<unknown>;

const keepDevices = `
  globalThis.devices = [];
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...wanted) {
    const device = await request.apply(this, wanted);
    devices.push(device);
    return device;
  };`;

const smallBindings = `
  for (const limit of ["maxStorageBufferBindingSize", "maxBufferSize"])
    Object.defineProperty(GPUSupportedLimits.prototype, limit, { get: () => 1 << 20 });`;

const see = (words: RegExp | string) => tab.page.getByText(words).first().waitFor();
const computes = () => tab.page.getByTestId("computes").innerText();

async function webgpuOfNode(): Promise<string | undefined> {
  const { nodes } = (await (await fetch(`${hub.url}/api/stats`)).json()) as {
    nodes: { device: { webgpu?: string } }[];
  };
  return nodes[0]?.device.webgpu;
}

/** Loses the GPU in the middle of an answer, which thereby ends. */
async function loseWhileAnswering(): Promise<void> {
  const stream = hub.stream({ ...question, max_tokens: 500 });
  await stream.next();
  await lose();
  await expect(
    (async () => {
      let step = await stream.next();
      while (step.done !== true) step = await stream.next();
    })(),
  ).rejects.toThrow();
}

beforeEach(async () => {
  hub = await Hub.start();
  profile = await Profile.open(["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]);
});

afterEach(async () => {
  await profile.close();
  await hub.end();
});

it("answers, and says what computes", async () => {
  const sent: string[] = [];
  profile.context.on("page", (page) => {
    page.on("websocket", (socket) => {
      socket.on("framesent", ({ payload }) => sent.push(payload.toString()));
    });
  });
  await start("gpu");
  await see(/Laskee näytönohjaimella .*swiftshader/i);
  expect(await computes()).toMatch(ADAPTER);
  expect(await webgpuOfNode()).toMatch(ADAPTER);
  const answer = await hub.ask(question);
  expect(answer).toMatchObject({ kind: "browser", completionTokens: 3 });
  expect(answer.text).not.toBe("");

  await expect.poll(() => sent.find((frame) => frame.includes("benchmark_result"))).toBeDefined();
  const result = JSON.parse(sent.find((frame) => frame.includes("benchmark_result")) ?? "{}") as {
    gpu_multiply_adds_per_second: number;
  };
  expect(result.gpu_multiply_adds_per_second).toBeGreaterThan(1e6);
});

it("leaves a GPU alone that is slower than the processor", async () => {
  await start("auto");
  await see(/Näytönohjain .*swiftshader.* olisi suoritinta hitaampi/i);
  expect(await computes()).toBe("suoritin");
  expect(await webgpuOfNode()).toBeUndefined();
  expect((await hub.ask(question)).kind).toBe("browser");
});

it("builds the model anew when the GPU is lost, and goes on with the processor when it is lost again", async () => {
  await start("gpu", keepDevices);
  // While nobody asks anything: no prompt is lost to it.
  await lose();
  expect((await hub.ask(question)).kind).toBe("browser");
  await see("ja malli rakennettiin sille uudelleen");
  expect(await computes()).toMatch(ADAPTER);

  await loseWhileAnswering();
  // It comes while the model is built, and waits.
  expect((await hub.ask(question)).kind).toBe("browser");
  await see(/Laskee suorittimella .* katosi kesken laskennan, joten suoritin jatkaa/);
  expect(await computes()).toBe("suoritin");
  await tab.waitForFace("valmis");
  expect(tab.weightRequests).toEqual([""]);
});

it("computes with the processor where the model doesn't fit the GPU, and says so", async () => {
  await start("gpu", smallBindings);
  await see(/Laskee suorittimella .* Malli ei mahdu näytönohjaimelle .*swiftshader/i);
  expect((await hub.ask(question)).kind).toBe("browser");
});
