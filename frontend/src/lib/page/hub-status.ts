// What the page knows of the hub: asked for when something happened, never by the clock.

import { fetchCatalogue, type CatalogueModel } from "../hub/catalogue";
import { fetchStats, type Stats } from "../hub/stats";
import { Observable } from "../compute/observable";

export interface HubView {
  connection: "unknown" | "connected" | "unreachable";
  /** The last that was heard; null before the first answer. */
  models: CatalogueModel[] | null;
  stats: Stats | null;
}

export class HubStatus extends Observable<HubView> {
  readonly #fetcher: typeof fetch;

  constructor(fetcher: typeof fetch) {
    super({ connection: "unknown", models: null, stats: null });
    this.#fetcher = fetcher;
  }

  async refresh(): Promise<void> {
    try {
      const [models, stats] = await Promise.all([fetchCatalogue(this.#fetcher), fetchStats(this.#fetcher)]);
      this.set({ connection: "connected", models, stats });
    } catch {
      this.set({ ...this.value, connection: "unreachable" });
    }
  }
}
