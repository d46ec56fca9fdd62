// A model's file: what it must be, and where it can be had.

export interface ModelSource {
  kind: "hub" | "hugging_face";
  url: string;
}

/** A file as the catalogue describes it. */
export interface WantedFile {
  modelId: string;
  /** What it is stored under. */
  key: string;
  /** Null where the catalogue does not say: then its server is asked. */
  bytes: number | null;
  /** Lower-case hexadecimal; null where the catalogue pins none: then only the length can be checked. */
  sha256: string | null;
  /** Best first. */
  sources: ModelSource[];
}

/** A file whose length is known: it can be fetched. */
export interface SizedFile extends WantedFile {
  bytes: number;
}
