// The machines that have joined while somebody watched.

export interface Machine {
  id: string;
  name: string;
  kind: string;
}

export class Arrivals {
  readonly #known: Set<string>;
  readonly #arrived: Machine[] = [];

  constructor(present: readonly Machine[]) {
    this.#known = new Set(present.map(({ id }) => id));
  }

  /** All that have arrived, also those that have left since. Tabs need no commands, and are not told of. */
  see(present: readonly Machine[]): readonly Machine[] {
    for (const machine of present) {
      if (this.#known.has(machine.id)) continue;
      this.#known.add(machine.id);
      if (machine.kind !== "browser") this.#arrived.push(machine);
    }
    return [...this.#arrived];
  }
}
