// The browser's storage, which may be forbidden, full, or gone: then a choice lasts for this visit only.

/** The part of `Storage` that is used. */
export interface KeyValue {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Takes a function, since even naming `localStorage` throws where it is forbidden. */
export function forgivingStorage(open: () => KeyValue): KeyValue {
  const attempt = <Result>(use: (storage: KeyValue) => Result, otherwise: Result): Result => {
    try {
      return use(open());
    } catch {
      return otherwise;
    }
  };
  return {
    getItem: (key) => attempt((storage) => storage.getItem(key), null),
    setItem: (key, value) => {
      attempt((storage) => {
        storage.setItem(key, value);
      }, undefined);
    },
    removeItem: (key) => {
      attempt((storage) => {
        storage.removeItem(key);
      }, undefined);
    },
  };
}
