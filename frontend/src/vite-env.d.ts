/// <reference types="vite/client" />

interface ImportMetaEnv {
  /** The version of the package. */
  readonly PUBLIC_VERSION: string;
}
