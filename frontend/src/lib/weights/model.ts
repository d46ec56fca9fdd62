// A model's file: what it must be, and where it can be had.

export interface ModelSource {
  kind: "hub" | "hugging_face";
  url: string;
}

/** A file that the catalogue pins by length and checksum. */
export interface PinnedFile {
  modelId: string;
  bytes: number;
  /** Lower-case hexadecimal. */
  sha256: string;
  /** Best first. */
  sources: ModelSource[];
}
