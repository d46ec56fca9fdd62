import { execFileSync } from "node:child_process";

import { describe, expect, it } from "vitest";

import { Arrivals } from "./arrivals";
import { DEFAULT_MODEL, isOnlyHere, joinCommands, powerShell, shell, webSocketAddress } from "./commands";
import { systemOf, systems, type System } from "./system";

const at = (address: string) => {
  const { protocol, host, hostname } = new URL(address);
  return { protocol, host, hostname };
};

const commands = (system: System, wish: { hub?: string; model?: string; key?: string } = {}) =>
  joinCommands({
    system,
    hub: at(wish.hub ?? "https://kipina.studio"),
    model: wish.model ?? DEFAULT_MODEL,
    key: wish.key ?? "",
  });

describe("the commands", () => {
  it("are one line on Linux and macOS", () => {
    for (const system of ["linux", "macos"] as const) {
      expect(commands(system).node).toBe("curl -fsSL https://kipina.studio/kipina-node | bash");
      expect(commands(system).source).toBe("curl -fsSL https://kipina.studio/join.sh | bash");
      expect(commands(system).again).toBe("HUB_URL=wss://kipina.studio/ws kipina-node");
    }
    expect(commands("linux").ollama).toBe(
      "curl -fsSL https://ollama.com/install.sh | sh\nollama pull qwen2.5-coder:3b",
    );
    expect(commands("macos").ollama).toBe(
      "brew install ollama\nbrew services start ollama\nollama pull qwen2.5-coder:3b",
    );
  });

  it("name a model and a key where there are such", () => {
    const wish = { model: "smollm2:135m", key: " it's $HOME\n" };
    const given = `OLLAMA_MODEL=smollm2:135m NODE_API_KEY='it'\\''s $HOME' `;
    expect(commands("linux", wish).node).toBe(`curl -fsSL https://kipina.studio/kipina-node | ${given}bash`);
    expect(commands("linux", wish).again).toBe(`HUB_URL=wss://kipina.studio/ws ${given}kipina-node`);
    expect(commands("windows", wish).node).toBe(
      [
        "$env:OLLAMA_MODEL = 'smollm2:135m'",
        "$env:NODE_API_KEY = 'it''s $HOME'",
        "irm 'https://kipina.studio/kipina-node.ps1' | iex",
      ].join("\n"),
    );
    expect(commands("docker", wish).node).toContain(
      ` -e OLLAMA_MODEL=smollm2:135m -e 'NODE_API_KEY=it'\\''s $HOME' buildpack-deps:curl bash -c `,
    );
  });

  it("are PowerShell's on Windows", () => {
    const { ollama, node, again, source } = commands("windows", { hub: "http://192.168.1.5:3000" });
    expect(ollama).toBe("winget install --exact --id Ollama.Ollama\nollama pull qwen2.5-coder:3b");
    expect(node).toBe("irm 'http://192.168.1.5:3000/kipina-node.ps1' | iex");
    expect(again).toBe("$env:HUB_URL = 'ws://192.168.1.5:3000/ws'\nkipina-node");
    expect(source).toBeNull();
  });

  it("give containers a network in which the script finds Ollama by its name", () => {
    const { ollama, node, again } = commands("docker");
    expect(ollama.split("\n")).toEqual([
      "docker network create kipina",
      "docker run -d --name ollama --network kipina --restart unless-stopped -v ollama:/root/.ollama ollama/ollama",
      "docker exec ollama ollama pull qwen2.5-coder:3b",
    ]);
    expect(node).toBe(
      "docker run -d --name kipina-node --network kipina --restart unless-stopped" +
        ' buildpack-deps:curl bash -c "exec bash <(curl -fsSL https://kipina.studio/kipina-node)"',
    );
    expect(again).toBe("docker start ollama kipina-node");
  });

  it("give containers this machine's network where nobody else reaches the hub", () => {
    const { ollama, node } = commands("docker", { hub: "http://localhost:3000" });
    expect(ollama).not.toContain("network create");
    expect(node).toContain("--network host");
    expect(node).toContain("http://localhost:3000/kipina-node");
  });

  it.each(["http://[fd00::1]:3000", "https://xn--kipin-ira.example", "http://hub:8080"])(
    "stay one word for the shell at %s",
    (hub) => {
      const { node } = commands("linux", { hub });
      const [, word = ""] = /^curl -fsSL (.*) \| bash$/.exec(node) ?? [];
      expect(execFileSync("sh", ["-c", `printf %s ${word}`]).toString()).toBe(`${hub}/kipina-node`);
    },
  );

  it("are made for every system", () => {
    for (const system of systems) {
      const { ollama, node } = commands(system);
      expect(ollama).toContain("ollama pull qwen2.5-coder:3b");
      expect(node).toContain("https://kipina.studio/kipina-node");
    }
  });
});

describe("addresses", () => {
  it("are secure where the page is", () => {
    expect(webSocketAddress(at("https://kipina.studio"))).toBe("wss://kipina.studio/ws");
    expect(webSocketAddress(at("http://[::1]:3000"))).toBe("ws://[::1]:3000/ws");
    expect(webSocketAddress(at("https://hub.example:8443"))).toBe("wss://hub.example:8443/ws");
  });

  it("are known to lead nowhere from other machines", () => {
    for (const hub of ["http://localhost:3000", "http://127.0.0.1", "http://[::1]:1", "http://a.localhost"])
      expect(isOnlyHere(at(hub)), hub).toBe(true);
    for (const hub of ["http://192.168.1.2", "https://localhost.example", "http://hub:3000"])
      expect(isOnlyHere(at(hub)), hub).toBe(false);
  });
});

describe("quoting", () => {
  it.each(["plain-1.2:3", "a b", "it's", '"$(id)" `id` \\', "ä€’", "", "-n"])(
    "keeps %j whole in a shell",
    (word) => {
      expect(execFileSync("bash", ["-c", `printf %s ${shell(word)}`.replace("%s", "'%s'")]).toString()).toBe(
        word,
      );
    },
  );

  it("doubles every quote that PowerShell knows", () => {
    expect(powerShell("a'b’c‘d‚e‛f$g")).toBe("'a''b’’c‘‘d‚‚e‛‛f$g'");
  });
});

describe("the visitor's system", () => {
  it.each<[System, string, string | undefined]>([
    ["linux", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", undefined],
    ["linux", "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36", "Android"],
    ["macos", "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15", undefined],
    ["macos", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)", undefined],
    ["windows", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36", "Windows"],
    ["linux", "something new", undefined],
  ])("is %s: %s", (system, userAgent, platform) => {
    const told = platform === undefined ? {} : { userAgentData: { platform } };
    expect(systemOf({ userAgent, ...told })).toBe(system);
  });
});

describe("arrivals", () => {
  const machine = (id: string, kind = "native") => ({ id, kind, name: `kone ${id}` });

  it("are machines that were not there before, told once and for good", () => {
    const arrivals = new Arrivals([machine("1")]);
    expect(arrivals.see([machine("1")])).toEqual([]);
    expect(arrivals.see([machine("1"), machine("2")])).toEqual([machine("2")]);
    expect(arrivals.see([machine("3")])).toEqual([machine("2"), machine("3")]);
  });

  it("are no tabs", () => {
    expect(new Arrivals([]).see([machine("1", "browser")])).toEqual([]);
  });
});
