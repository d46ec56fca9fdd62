// The guide's figures. A test finds each of them in the file that it is from.

export const RESULTS = "bench/RESULTS.md";
export const CATALOGUE = "models.toml";
/** What records distributions from a real model. */
export const RECORDER = "bench/guide/record.mjs";

interface ModelFigures {
  id: string;
  size: "0.5b" | "1.5b" | "3b" | "7b";
  parameters: number;
  /** Null where the catalogue does not say. */
  bytes: number | null;
  /** Tokens per second in a tab with two threads; null where nobody measured. */
  speed: { reads: number; writes: number } | null;
  memoryMegabytes: number | null;
}

/** The catalogue's models of one family, so that only their size differs. */
export const models: readonly ModelFigures[] = [
  {
    id: "qwen2.5-coder:0.5b",
    size: "0.5b",
    parameters: 494032768,
    bytes: 491400064,
    speed: { reads: 189.8, writes: 45.6 },
    memoryMegabytes: 629,
  },
  {
    id: "qwen2.5-coder:1.5b",
    size: "1.5b",
    parameters: 1543714304,
    bytes: 1117320768,
    speed: { reads: 52.0, writes: 17.5 },
    memoryMegabytes: null,
  },
  {
    id: "qwen2.5-coder:3b",
    size: "3b",
    parameters: 3085938688,
    bytes: null,
    speed: null,
    memoryMegabytes: null,
  },
  {
    id: "qwen2.5-coder:7b",
    size: "7b",
    parameters: 7615616512,
    bytes: null,
    speed: null,
    memoryMegabytes: null,
  },
];

/** What most tabs compute with. */
export const usual = { id: "qwen2.5-coder:0.5b", reads: 189.8, writes: 45.6 } as const;

/** Bytes per second that both cores of the measured machine read from memory. */
const MEMORY_BYTES_PER_SECOND = 23.8e9;

/** Tokens per second that reading a model's weights from memory allows at most. */
export function ceiling(bytes: number): number {
  return MEMORY_BYTES_PER_SECOND / bytes;
}

/** Time to the first token of a second turn: its prompt is the first one, the answer, and some more. */
export const secondTurn = {
  firstTokens: 800,
  answerTokens: 65,
  moreTokens: 20,
  withMs: 148,
  withoutMs: 4899,
} as const;
