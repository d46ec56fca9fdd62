// A Chromium driven through its debugging port alone, with a window on a screen of its own or without one.

import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Starts a program, and resolves with what `found` makes of its output. */
function start(program, args, environment, found) {
  const child = spawn(program, args, { env: { ...process.env, ...environment }, stdio: ["ignore", "ignore", "pipe", "pipe"] });
  return new Promise((resolve, reject) => {
    let output = "";
    for (const stream of [child.stderr, child.stdio[3]]) {
      stream.on("data", (piece) => {
        output += piece;
        const result = found(output);
        if (result) resolve({ child, result });
      });
    }
    child.once("exit", () => reject(new Error(`${program} ended:\n${output}`)));
  });
}

export class Chromium {
  /** With a window. `grace`: seconds out of sight until Chromium slows a page's timers to one a minute (it is 300 for people). */
  static async withWindow({ grace }) {
    const screen = await start("Xvfb", ["-displayfd", "3", "-screen", "0", "1440x900x24"], {}, (text) => /^(\d+)\n/m.exec(text)?.[1]);
    const flags = [`--enable-features=IntensiveWakeUpThrottling:grace_period_seconds/${grace}`];
    return Chromium.#launch(flags, { DISPLAY: `:${screen.result}` }, screen.child);
  }

  static headless(flags = []) {
    return Chromium.#launch(["--headless", ...flags], {}, null);
  }

  static async #launch(flags, environment, screen) {
    const profile = mkdtempSync(join(tmpdir(), "kipina-bench-"));
    const browser = await start(
      "chromium",
      [
        "--no-sandbox",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--remote-debugging-port=0",
        `--user-data-dir=${profile}`,
        ...flags,
        "about:blank",
      ],
      environment,
      (text) => /DevTools listening on ws:\/\/([^/]+)/.exec(text)?.[1],
    );
    return Object.assign(new Chromium(), { screen, browser: browser.child, host: browser.result, profile });
  }

  async end() {
    const ended = new Promise((resolve) => this.browser.once("exit", resolve));
    this.browser.kill();
    await ended;
    this.screen?.kill();
    // Processes of its own write there a moment longer.
    for (let tries = 1; ; tries += 1) {
      try {
        return rmSync(this.profile, { recursive: true, force: true });
      } catch (error) {
        if (tries === 50) throw error;
        await pause(200);
      }
    }
  }

  /** As in "Chrome/130.0.0.0". */
  async version() {
    return (await (await fetch(`http://${this.host}/json/version`)).json()).Browser;
  }

  async openTab(url) {
    const response = await fetch(`http://${this.host}/json/new?${encodeURIComponent(url)}`, { method: "PUT" });
    return Tab.attach(await response.json(), this.host);
  }

  /** Megabytes of its own (not files mapped into many processes) that the largest page process has. */
  pageMegabytes() {
    const profile = this.profile;
    const sizes = readdirSync("/proc")
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => {
        try {
          const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
          if (!command.includes("--type=renderer") || !belongsTo(pid, profile)) return 0;
          const status = readFileSync(`/proc/${pid}/status`, "utf8");
          // One that is just ending has none any more.
          return (Number(/RssAnon:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024) / 1e6;
        } catch {
          // It ended while it was looked at.
          return 0;
        }
      });
    return Math.max(...sizes);
  }

  /** Does the work, and tells the most that `pageMegabytes` was meanwhile. */
  async peakMegabytes(work) {
    let most = 0;
    let running = true;
    const watch = (async () => {
      for (; running; await pause(25)) most = Math.max(most, this.pageMegabytes());
    })();
    try {
      const result = await work();
      return { result, most: Math.max(most, this.pageMegabytes()) };
    } finally {
      running = false;
      await watch;
    }
  }
}

/** Whether a process, or one that it descends from, was started with this profile. */
function belongsTo(pid, profile) {
  for (let at = pid; at !== "0" && at !== undefined; ) {
    if (readFileSync(`/proc/${at}/cmdline`, "utf8").includes(profile)) return true;
    at = /PPid:\s+(\d+)/.exec(readFileSync(`/proc/${at}/status`, "utf8"))?.[1];
  }
  return false;
}

class Tab {
  #socket;
  #next = 1;
  #waiting = new Map();

  static async attach({ id, webSocketDebuggerUrl }, host) {
    const tab = Object.assign(new Tab(), { id, host });
    tab.#socket = new WebSocket(webSocketDebuggerUrl);
    await new Promise((resolve, reject) => {
      tab.#socket.onopen = resolve;
      tab.#socket.onerror = reject;
    });
    tab.#socket.onmessage = ({ data }) => {
      const { id: number, result, error } = JSON.parse(data);
      const waiting = tab.#waiting.get(number);
      tab.#waiting.delete(number);
      if (error) waiting?.reject(new Error(error.message));
      else waiting?.resolve(result);
    };
    return tab;
  }

  send(method, params = {}) {
    const id = this.#next++;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  async until(expression) {
    while (!(await this.evaluate(expression).catch(() => false))) await pause(20);
  }

  press(name) {
    return this.evaluate(`[...document.querySelectorAll("button")].find((button) => button.textContent.trim().startsWith(${JSON.stringify(name)})).click()`);
  }

  /** Waits until the status bar says so. */
  shows(words) {
    return this.until(`document.querySelector("[data-testid=face]")?.innerText === ${JSON.stringify(words)}`);
  }

  bringToFront() {
    return fetch(`http://${this.host}/json/activate/${this.id}`);
  }

  async close() {
    await fetch(`http://${this.host}/json/close/${this.id}`);
    this.#socket.close();
  }
}
