// A machine joins as the README says: the script of a running hub, piped to bash, ends in an answered prompt.

import { execFile } from "node:child_process";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { afterAll, afterEach, beforeAll, expect, it } from "vitest";

import { Hub } from "./support/hub";
import { startOllama } from "./support/ollama";
import { built, MODELS_DIR, Program } from "./support/programs";

const ENGINE_MODEL = "smollm2:135m";
const OLLAMA_MODEL = "llama3.2:latest";
// Port 9 has nothing behind it: an Ollama of the machine that runs the tests is not found.
const NO_OLLAMA = "http://127.0.0.1:9";

let folder: string;
let downloads: string;
let home: string;
let hub: Hub;
let machine: Program | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kipina-join-"));
  downloads = join(folder, "downloads");
  await mkdir(downloads);
  const { stdout } = await promisify(execFile)(built("kipina-node"), ["--version"]);
  const system = process.platform === "darwin" ? "macos" : "linux";
  const architecture = process.arch === "arm64" ? "arm64" : "x86_64";
  const name = `kipina-node-${stdout.trim().split(" ")[1]}-${system}-${architecture}`;
  await copyFile(built("kipina-node"), join(downloads, name));
  await sign();
  hub = await Hub.start({ DOWNLOADS_DIR: downloads });
  home = join(folder, "home");
  await mkdir(home);
});

afterEach(async () => {
  await machine?.end();
  machine = undefined;
});

afterAll(async () => {
  await hub.end();
  await rm(folder, { recursive: true });
});

async function sign(): Promise<void> {
  const pack = fileURLToPath(new URL("../scripts/pack-downloads.sh", import.meta.url));
  const KIPINA_RELEASE_KEY = join(folder, "release.key");
  await promisify(execFile)(pack, [downloads], { env: { ...process.env, KIPINA_RELEASE_KEY } });
}

/** The line of the README, on a machine where nothing is installed. */
function pipe(path: string, flags: string, environment: Record<string, string> = {}): Program {
  const line = `curl -fsSL ${hub.url}${path} | bash -s -- ${flags}`;
  const settings = { HOME: home, MODELS_DIR, KIPINA_OLLAMA_CANDIDATES: NO_OLLAMA, ...environment };
  return new Program("/usr/bin/env", ["bash", "-c", line], settings, { isGroup: true });
}

async function answer(model: string): Promise<string> {
  await hub.until((nodes) => nodes.some(({ models }) => models.some((id) => model.startsWith(id))));
  const answered = await hub.ask({
    model,
    messages: [{ role: "user", content: "Say hello." }],
    max_tokens: 8,
  });
  expect(answered.kind).toBe("native");
  return answered.text;
}

it("answers with the engine", async () => {
  machine = pipe("/kipina-node", `--engine --model ${ENGINE_MODEL}`);
  expect(await answer(ENGINE_MODEL)).not.toBe("");
  expect(machine.output).toMatch(/Installed kipina-node [\d.]+: /);
});

it("answers with the Ollama that is found", async () => {
  const ollama = await startOllama(OLLAMA_MODEL, "Hyvää yötä");
  try {
    machine = pipe("/join.sh", "", {
      KIPINA_OLLAMA_CANDIDATES: `${NO_OLLAMA} ${ollama.url}`,
      OLLAMA_MODEL,
    });
    expect(await answer(OLLAMA_MODEL)).toBe("Hyvää yötä");
    expect(machine.output).toContain(`Using Ollama (0.13.0): ${ollama.url}`);
  } finally {
    ollama.close();
  }
});

it("keeps the key that the hub gave", async () => {
  const keys = join(home, ".local/share/kipina/keys");
  const [pinned] = await readdir(keys);
  expect(await readFile(join(keys, pinned ?? ""), "utf8")).toContain("BEGIN PUBLIC KEY");
});

it("refuses a list that somebody changed", async () => {
  const list = join(downloads, "SHA256SUMS");
  await writeFile(
    list,
    (await readFile(list, "utf8")).replace(/^./, (digit) => (digit === "0" ? "1" : "0")),
  );
  machine = pipe("/kipina-node", "--engine");
  await machine.says(/has a wrong signature.*Nothing was installed/);
  await sign();
});
