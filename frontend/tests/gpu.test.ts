// The GPU's benchmark in a real Chromium, whose GPU is a processor that plays one.

import { expect, it } from "vitest";

import { Bench } from "./bench";
import { fakeEngine, measuringGpu } from "./engine";

const bench = new Bench(["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"]);

async function measuredRate(): Promise<string | undefined> {
  await bench.start();
  await bench.waitForFace("ei onnistunut");
  const sentence = await bench.page.getByText(/\(rate .*\)/).innerText();
  return /rate (.*)\)/.exec(sentence)?.[1];
}

it("counts multiply-adds in the worker", async () => {
  bench.hub.orders.engine = fakeEngine(measuringGpu);
  await bench.open();
  const rate = Number(await measuredRate());
  // A thousand million is the least of any processor's vectors; a tenth of that allows for a busy one.
  expect(rate).toBeGreaterThan(1e8);
  expect(rate).toBeLessThan(1e15);
});

it("is not even offered to the engine where the GPU must not be used", async () => {
  bench.hub.orders.engine = fakeEngine(`
    say({ type: "refused", code: 4003, reason: "rate " + ("benchmarkGpu" in settings) });`);
  await bench.open("/compute/?compute=cpu");
  expect(await measuredRate()).toBe("false");
});
