// The engine's own unit tests in the browser's WebAssembly: its kernels' against their slow twins above all, and those
// of its shaders, which the browser's own compiler takes in, on a processor that plays a GPU. And whole models there.

import { createReadStream } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir } from "node:os";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { launchBrowser } from "../frontend/tests/browser";

const folder = process.env["WASM_TESTS"];
const models = `${homedir()}/.cache/kipina/models`;
const golden = new URL("../engine/tests/golden", import.meta.url).pathname;
/** How many shader tests there are at least: one that nobody finds would pass as well. */
const SHADER_TESTS = 21;

let server: Server;
let origin: string;

beforeAll(async () => {
  if (folder === undefined)
    throw new Error("WASM_TESTS must name the built tests: see scripts/build-wasm-tests.sh");
  const folders: Record<string, string> = { built: folder, models, golden };
  server = createServer((request, response) => {
    const [name = "", ...rest] = (request.url ?? "").slice(1).split("/");
    const within = folders[name];
    if (within === undefined) {
      response.writeHead(200, { "content-type": "text/html" }).end("<title>kernels</title>");
      return;
    }
    const path = rest.join("/");
    response.setHeader("content-type", path.endsWith(".wasm") ? "application/wasm" : "text/javascript");
    createReadStream(`${within}/${path}`)
      .on("error", () => response.writeHead(404).end())
      .pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
});

/** What the expression comes to, in which `tests` is what a build exports; or why a test failed. */
async function run(build: string, expression: string, flags: string[] = []): Promise<unknown> {
  const browser = await launchBrowser(flags);
  try {
    const page = await browser.newPage();
    await page.goto(origin);
    // A test that fails ends in a trap, in the midst of a promise if need be: there is no unwinding.
    return await page.evaluate(`
      new Promise((resolve) => {
        let running = "those that need not wait";
        const fail = (error) => resolve(running + ": " + (error?.stack ?? error));
        addEventListener("error", ({ error, message }) => fail(error ?? message));
        addEventListener("unhandledrejection", ({ reason }) => fail(reason));
        const passAll = async (names, test) => {
          for (const name of names) await test((running = name));
          return names;
        };
        import("/built/${build}/tests.js")
          .then(async (tests) => {
            await tests.default({ module_or_path: "/built/${build}/tests_bg.wasm" });
            running = "after those";
            return ${expression};
          })
          .then(resolve, fail);
      })`);
  } finally {
    await browser.close();
  }
}

/** All of V8's optimising compiler, and what it doesn't do unasked yet: two vectors of 128 bits as one of 256. */
const JOINED = ["--js-flags=--no-liftoff,--wasm-revectorize"];
const WEBGPU = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

it.each(["plain", "relaxed"])("pass as compiled with %s SIMD", async (build) => {
  expect(await run(build, '"passed"')).toBe("passed");
});

it.each(["plain", "relaxed"])("pass with %s SIMD whose registers V8 joins in pairs", async (build) => {
  expect(await run(build, '"passed"', JOINED)).toBe("passed");
});

describe("on WebGPU", () => {
  it("every shader computes what its twin computes", { timeout: 900_000 }, async () => {
    const passed = await run("relaxed", "(await passAll(tests.gpu_tests(), tests.run_gpu_test))", WEBGPU);
    expect(passed).toBeInstanceOf(Array);
    expect((passed as string[]).length).toBeGreaterThanOrEqual(SHADER_TESTS);
  });

  it.each([
    ["smollm2-135m", "smollm2-135m-instruct-q4_1.gguf"],
    ["qwen2.5-coder-0.5b", "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf"],
  ])("%s finds the tokens likeliest that llama.cpp finds", { timeout: 900_000 }, async (model, weights) => {
    const counts = await run(
      "relaxed",
      `await Promise.all([
        fetch("/models/${weights}").then((response) => response.arrayBuffer()),
        fetch("/golden/${model}/greedy.json").then((response) => response.text()),
      ]).then(async ([bytes, goldens]) => [...(await tests.agreement(new Uint8Array(bytes), goldens, 1))])`,
      WEBGPU,
    );
    expect(counts).toEqual([expect.any(Number), expect.any(Number)]);
    const [positions, agreeing] = counts as [number, number];
    console.log(`${model}: argmax agrees at ${agreeing} of ${positions} positions`);
    expect(positions).toBeGreaterThanOrEqual(48);
    expect(agreeing * 100).toBeGreaterThanOrEqual(positions * 98);
  });
});
