// What the page knows of the hub: told by the hub while the page is looked at, asked for where it can't tell.

import { fetchCatalogue, type CatalogueModel } from "../hub/catalogue";
import { LiveFeed } from "../hub/live";
import { fetchStats, type Stats } from "../hub/stats";
import { Observable } from "../compute/observable";
import { RecentRates } from "../network/recent";

export interface HubView {
  connection: "unknown" | "connected" | "unreachable";
  /** The last that was heard; null before the first answer. */
  models: CatalogueModel[] | null;
  stats: Stats | null;
}

export class HubStatus extends Observable<HubView> {
  /** The network's rates while this page was open. */
  readonly recent = new RecentRates();
  readonly #fetcher: typeof fetch;
  readonly #feed: LiveFeed;
  /** The network that the catalogue was fetched for. */
  #listed: string | null = null;
  #listing = false;
  #follows = false;
  #rests = false;

  constructor(fetcher: typeof fetch) {
    super({ connection: "unknown", models: null, stats: null });
    this.#fetcher = fetcher;
    this.#feed = new LiveFeed(fetcher, {
      onStats: (stats) => {
        this.#hear(stats, this.value.models);
        void this.#list();
      },
      onLost: () => {
        this.#lose();
      },
      onRefused: () => void this.#ask(),
    });
  }

  /** Asks for everything anew. */
  async refresh(): Promise<void> {
    const answers = await this.#ask();
    // A hub that answers need not be waited for; one that does not may have left a connection that looks alive.
    if (this.#follows && !this.#rests && (!answers || this.#feed.isPausing)) this.#feed.restart();
  }

  /** Listens from now on, until it is undone. */
  follow(): () => void {
    this.#follows = true;
    this.#rests = false;
    this.#feed.start();
    return () => {
      this.#follows = false;
      this.rest();
    };
  }

  /** Nobody looks at the page: browsers allow only so many connections to one hub, for all their tabs together. */
  rest(): void {
    this.#rests = true;
    this.#feed.stop();
    this.recent.lose(Date.now());
  }

  /** Somebody looks again, or the network came back. */
  async wake(): Promise<void> {
    this.#rests = false;
    if (this.#follows) this.#feed.wake();
    await this.refresh();
  }

  async #ask(): Promise<boolean> {
    try {
      const [models, asked] = await Promise.all([fetchCatalogue(this.#fetcher), fetchStats(this.#fetcher)]);
      // What the feed told is newer than any answer that was under way.
      const told = this.#feed.isLive ? this.value.stats : null;
      this.#listed = networkOf(asked);
      this.#hear(told ?? asked, models);
      return true;
    } catch {
      this.#lose();
      return false;
    }
  }

  /** Fetches the catalogue where who serves what has changed. */
  async #list(): Promise<void> {
    const { stats } = this.value;
    if (stats === null || this.#listing || networkOf(stats) === this.#listed) return;
    this.#listing = true;
    const network = networkOf(stats);
    const models = await fetchCatalogue(this.#fetcher).catch(() => null);
    this.#listing = false;
    // A failure is tried again with the next change.
    if (models === null) return;
    this.#listed = network;
    this.set({ ...this.value, models });
    await this.#list();
  }

  #hear(stats: Stats, models: CatalogueModel[] | null): void {
    if (stats.rates !== undefined) this.recent.hear(Date.now(), stats.rates);
    this.set({ connection: "connected", models, stats });
  }

  #lose(): void {
    this.recent.lose(Date.now());
    this.set({ ...this.value, connection: "unreachable" });
  }
}

/** All that the catalogue's counts of nodes depend on. */
function networkOf({ nodes }: Stats): string {
  return JSON.stringify(nodes.map(({ id, models, paused, only_own }) => [id, models, paused, only_own]));
}
