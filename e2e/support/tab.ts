// A real browser whose profile outlives its tabs, and a tab that computes.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { launchProfile, pressStart, type BrowserContext, type Page } from "../../frontend/tests/browser";

export class Profile {
  private constructor(
    readonly context: BrowserContext,
    private readonly folder: string,
  ) {}

  static async open(args: readonly string[] = []): Promise<Profile> {
    const folder = await mkdtemp(join(tmpdir(), "kipina-profile-"));
    return new Profile(await launchProfile(folder, args), folder);
  }

  async close(): Promise<void> {
    await this.context.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  async openTab(url: string): Promise<Tab> {
    const tab = new Tab(await this.context.newPage());
    await tab.page.goto(url);
    await tab.page.locator("fieldset li").first().waitFor();
    return tab;
  }
}

export class Tab {
  /** Ranges of this tab's requests for weights; "" for a whole file. */
  readonly weightRequests: string[] = [];

  constructor(readonly page: Page) {
    page.on("request", (request) => {
      const isModel = new URL(request.url()).pathname.startsWith("/models/");
      if (isModel && request.method() === "GET") this.weightRequests.push(request.headers()["range"] ?? "");
    });
  }

  start(): Promise<void> {
    return pressStart(this.page);
  }

  async waitForFace(expected: string, timeout = 120_000): Promise<void> {
    await this.page
      .getByTestId("face")
      .and(this.page.getByText(expected, { exact: true }))
      .waitFor({ timeout });
  }

  async startUntilReady(): Promise<void> {
    await this.start();
    await this.waitForFace("valmis");
  }

  /** Ends the tab's process as where the system takes its memory. */
  async crash(): Promise<void> {
    const session = await this.page.context().newCDPSession(this.page);
    // The command goes down with the tab: nothing answers it.
    void session.send("Page.crash").catch(() => undefined);
    await this.page.waitForEvent("crash");
  }
}
