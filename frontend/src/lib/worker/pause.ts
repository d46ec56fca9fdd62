// Waits for a while, or less long if the network comes back.

export function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      clearTimeout(timer);
      removeEventListener("online", wake);
      signal.removeEventListener("abort", abort);
    };
    const wake = (): void => {
      end();
      resolve();
    };
    const abort = (): void => {
      end();
      reject(new DOMException("the pause was aborted", "AbortError"));
    };
    const timer = setTimeout(wake, milliseconds);
    addEventListener("online", wake);
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  });
}
