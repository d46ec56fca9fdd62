// The commands that join a machine to the hub that this page came from. What they promise is the hub's
// `/kipina-node`, `/kipina-node.ps1` and `/join.sh`, and the program's `HUB_URL`, `OLLAMA_MODEL` and `NODE_API_KEY`.

import type { System } from "./system";

/** The part of the page's `location` that is used. */
export interface HubAddress {
  protocol: string;
  /** With the port, and with brackets around IPv6. */
  host: string;
  hostname: string;
}

export interface Wish {
  system: System;
  hub: HubAddress;
  model: string;
  /** Empty where the hub wants none. */
  key: string;
}

export interface JoinCommands {
  /** Installs Ollama and fetches the model. */
  ollama: string;
  /** Fetches the program and runs it. */
  node: string;
  /** Runs a program that is there already. */
  again: string;
  /** Builds the program from source where the hub has none for the machine; null where that is no shell's work. */
  source: string | null;
}

/** What `kipina-node` asks of Ollama when nothing is said. */
export const DEFAULT_MODEL = "qwen2.5-coder:3b";

/** Has bash, curl and certificates, and nothing else. */
const BARE_IMAGE = "buildpack-deps:curl";

export function joinCommands(wish: Wish): JoinCommands {
  switch (wish.system) {
    case "linux":
      return onUnix(wish, "curl -fsSL https://ollama.com/install.sh | sh");
    case "macos":
      return onUnix(wish, "brew install ollama\nbrew services start ollama");
    case "windows":
      return onWindows(wish);
    case "docker":
      return inDocker(wish);
  }
}

export function webSocketAddress(hub: HubAddress): string {
  return `${hub.protocol === "https:" ? "wss" : "ws"}://${hub.host}/ws`;
}

/** Such an address means another machine on every machine. */
export function isOnlyHere({ hostname }: HubAddress): boolean {
  return /^(localhost|.*\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname);
}

function onUnix(wish: Wish, install: string): JoinCommands {
  const fetched = (path: string) => `curl -fsSL ${shell(wish.hub.protocol + "//" + wish.hub.host + path)}`;
  const given = spoken(wish).map(([name, value]) => `${name}=${shell(value)} `);
  const address = `HUB_URL=${shell(webSocketAddress(wish.hub))} `;
  return {
    ollama: `${install}\nollama pull ${shell(wish.model)}`,
    node: `${fetched("/kipina-node")} | ${given.join("")}bash`,
    again: `${address}${given.join("")}kipina-node`,
    source: `${fetched("/join.sh")} | ${given.join("")}bash`,
  };
}

function onWindows(wish: Wish): JoinCommands {
  const script = `${wish.hub.protocol}//${wish.hub.host}/kipina-node.ps1`;
  const set = ([name, value]: readonly [string, string]) => `$env:${name} = ${powerShell(value)}`;
  const given = spoken(wish).map(set);
  return {
    ollama: `winget install --exact --id Ollama.Ollama\nollama pull ${wish.model}`,
    node: [...given, `irm ${powerShell(script)} | iex`].join("\n"),
    again: [set(["HUB_URL", webSocketAddress(wish.hub)]), ...given, "kipina-node"].join("\n"),
    source: null,
  };
}

/** The script finds an Ollama that is called `ollama`, or one on the machine itself. */
function inDocker(wish: Wish): JoinCommands {
  // A hub that only this machine reaches is reached by a container that shares its network.
  const network = isOnlyHere(wish.hub) ? "host" : "kipina";
  const script = shell(`${wish.hub.protocol}//${wish.hub.host}/kipina-node`);
  const given = spoken(wish).map(([name, value]) => ` -e ${shell(`${name}=${value}`)}`);
  const run = (name: string) => `docker run -d --name ${name} --network ${network} --restart unless-stopped`;
  return {
    ollama: [
      ...(network === "host" ? [] : [`docker network create ${network}`]),
      `${run("ollama")} -v ollama:/root/.ollama ollama/ollama`,
      `docker exec ollama ollama pull ${shell(wish.model)}`,
    ].join("\n"),
    // Not by a pipe: the program takes the place of the container's first process, which is who is told to stop.
    node: `${run("kipina-node")}${given.join("")} ${BARE_IMAGE} bash -c "exec bash <(curl -fsSL ${script})"`,
    again: "docker start ollama kipina-node",
    source: null,
  };
}

/** What differs from what the program does by itself. */
function spoken({ model, key }: Wish): (readonly [string, string])[] {
  return [
    ...(model === DEFAULT_MODEL ? [] : [["OLLAMA_MODEL", model] as const]),
    ...(clean(key) === "" ? [] : [["NODE_API_KEY", clean(key)] as const]),
  ];
}

/** A key that was copied comes with spaces and line ends around it. */
function clean(key: string): string {
  // eslint-disable-next-line no-control-regex -- these are what must not reach a terminal
  return key.replaceAll(/[\u0000-\u001f\u007f]/g, "").trim();
}

/** One word of a POSIX shell. */
export function shell(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** One string of PowerShell, which takes curly quotes for straight ones. */
export function powerShell(text: string): string {
  return `'${text.replaceAll(/['‘’‚‛]/g, "$&$&")}'`;
}
