// Programs of ours that a test runs, each with what it says on its standard output.

import { spawn, type ChildProcess } from "node:child_process";
import { homedir } from "node:os";
import { join, resolve as absolute } from "node:path";

const cache = join(homedir(), ".cache/kipina");
const target = process.env["CARGO_TARGET_DIR"] ?? join(cache, "target");

export const MODELS_DIR = process.env["MODELS_DIR"] ?? join(cache, "models");

/** Where a program of ours lies; the path of any other stays as it is. */
export function built(name: string): string {
  return absolute(target, "release", name);
}

export class Program {
  readonly #child: ChildProcess;
  readonly #isGroup: boolean;
  readonly #ended: Promise<void>;
  #output = "";

  /** `isGroup`: it starts others, which end with it. */
  constructor(
    name: string,
    args: readonly string[],
    environment: Record<string, string>,
    { isGroup = false } = {},
  ) {
    this.#isGroup = isGroup;
    this.#child = spawn(built(name), args, {
      detached: isGroup,
      env: { PATH: process.env["PATH"], HOME: homedir(), LANG: "C.UTF-8", ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on("data", (piece: Buffer) => (this.#output += piece.toString()));
    }
    this.#ended = new Promise((resolve) => {
      this.#child.once("error", (error) => {
        this.#output += String(error);
        resolve();
      });
      // After its last words.
      this.#child.once("close", () => {
        resolve();
      });
    });
  }

  /** What it has said so far, on both streams. */
  get output(): string {
    return this.#output;
  }

  /** Waits for words of its output. */
  async says(words: RegExp): Promise<RegExpExecArray> {
    for (let hasEnded = false; ;) {
      const found = words.exec(this.#output);
      if (found !== null) return found;
      if (hasEnded) throw new Error(`the program ended without saying ${words}:\n${this.#output}`);
      const pause = new Promise<"pause">((resolve) => setTimeout(resolve, 20, "pause"));
      hasEnded = (await Promise.race([this.#ended, pause])) !== "pause";
    }
  }

  async end(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const { pid } = this.#child;
    if (this.#isGroup && pid !== undefined && this.#child.exitCode === null) process.kill(-pid, signal);
    else this.#child.kill(signal);
    await this.#ended;
  }
}
