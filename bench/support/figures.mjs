// What the measurements have in common when they are written down.

import { appendFileSync, existsSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";

export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Median, and from the least to the most. */
export function spread(numbers, digits = 1) {
  const [middle, least, most] = [median(numbers), Math.min(...numbers), Math.max(...numbers)].map((n) => n.toFixed(digits));
  return numbers.length === 1 ? middle : `${middle} (${least}–${most})`;
}

/** A median over another one. */
export const ratio = (numbers, others) => (median(numbers) / median(others)).toFixed(2);

/** A table of Markdown. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** Tokens per second of what engine/examples/speed.rs and its likes print for one measurement. */
export const prefillSpeed = (measured) => ((measured.prompt_tokens - measured.cached_tokens) / measured.prefill_ms) * 1e3;
export const decodeSpeed = (measured) => (measured.decoded_tokens / measured.decode_ms) * 1e3;

/** A second turn's time to its first token, over that of the same text without the cache. */
export const secondTurn = (measured) => measured.first_token_ms / measured.without_cache.first_token_ms;

export const machine = () => `${cpus()[0].model.trim()}, ${cpus().length} cores`;

export const loadAverage = () => loadavg().map((load) => load.toFixed(2)).join(", ");

export const today = () => new Date().toISOString().slice(0, 10);

/** Prints a section of Markdown and appends it to the file of results. */
export function record(resultsFile, section) {
  console.log(section);
  if (!existsSync(resultsFile)) {
    writeFileSync(resultsFile, "# Measured\n\nEach section was written by the script that measured it; the newest stands last.\n");
  }
  appendFileSync(resultsFile, section);
}
