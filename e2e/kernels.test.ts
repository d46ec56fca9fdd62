// The engine's own unit tests, its kernels' against their slow twins above all, in the browser's WebAssembly.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { expect, it } from "vitest";

import { launchBrowser } from "../frontend/tests/browser";

const folder = process.env["WASM_TESTS"];

it.each(["plain", "relaxed"])("pass as compiled with %s SIMD", async (build) => {
  if (folder === undefined)
    throw new Error("WASM_TESTS must name the built tests: see scripts/build-wasm-tests.sh");
  const server = createServer((request, response) => {
    const name = (request.url ?? "").slice(1);
    readFile(`${folder}/${build}/${name}`).then(
      (body) => {
        response.setHeader("content-type", name.endsWith(".wasm") ? "application/wasm" : "text/javascript");
        response.end(body);
      },
      () => response.writeHead(200, { "content-type": "text/html" }).end("<title>kernels</title>"),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    // A test that fails ends in a trap: there is no unwinding.
    const outcome = await page.evaluate(`
      import("/tests.js")
        .then(({ default: run }) => run({ module_or_path: "/tests_bg.wasm" }))
        .then(() => "passed", (error) => error.stack ?? String(error))`);
    expect(outcome).toBe("passed");
  } finally {
    await browser.close();
    server.close();
  }
});
