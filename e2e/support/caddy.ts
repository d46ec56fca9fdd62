// The repository's Caddyfile in a real Caddy, on ports that are free, with certificates that only the test trusts.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { Program } from "./programs";

export const CADDYFILE = fileURLToPath(new URL("../../Caddyfile", import.meta.url));

export class Caddy {
  private constructor(
    readonly port: number,
    /** The certificate that signed the site's, and where it lies. */
    readonly authority: string,
    readonly authorityFile: string,
    private readonly program: Program,
    private readonly folder: string,
  ) {}

  static async start(upstream: string): Promise<Caddy> {
    const folder = await mkdtemp(join(tmpdir(), "kipina-caddy-"));
    const [port, httpPort] = await freePorts();
    const program = new Program(
      "/usr/bin/env",
      ["caddy", "run", "--config", CADDYFILE, "--adapter", "caddyfile"],
      {
        SITE_ADDRESS: "localhost",
        HUB_UPSTREAM: new URL(upstream).host,
        HTTPS_PORT: String(port),
        HTTP_PORT: String(httpPort),
        CADDY_ADMIN: "off",
        XDG_DATA_HOME: folder,
        XDG_CONFIG_HOME: folder,
      },
    );
    await program.says(/certificate obtained successfully/);
    const authorityFile = join(folder, "caddy/pki/authorities/local/root.crt");
    return new Caddy(port, await readFile(authorityFile, "utf8"), authorityFile, program, folder);
  }

  get output(): string {
    return this.program.output;
  }

  async end(): Promise<void> {
    await this.program.end();
    await rm(this.folder, { recursive: true });
  }
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    if (address !== null && typeof address === "object") ports.push(address.port);
  }
  for (const server of servers) server.close();
  return ports as [number, number];
}
