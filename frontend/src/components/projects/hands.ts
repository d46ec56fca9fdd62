// What a person can do to a project that is open in this tab.

export interface Hands {
  start(): void;
  stop(): void;
  keepDraft(path: string, text: string | null): void;
  /** Says whether it is saved. */
  saveFile(path: string, text: string): Promise<boolean>;
  regenerate(path: string, instruction: string): Promise<void>;
  revert(path: string, version: number): Promise<void>;
  removeFile(path: string): Promise<void>;
  rename(name: string): void;
}
