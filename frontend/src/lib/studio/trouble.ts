// What no code has caught: a person hears of it, and nothing fails in silence.

/** The part of the browser's window that is used. */
export interface TroubleSource {
  addEventListener(type: string, listener: (event: Event) => void): void;
  removeEventListener(type: string, listener: (event: Event) => void): void;
}

/** Hands on the message of each uncaught error; returns what undoes it. */
export function watchTrouble(source: TroubleSource, tell: (message: string) => void): () => void {
  const onEvent = (event: Event): void => {
    const reason: unknown =
      event.type === "unhandledrejection"
        ? (event as PromiseRejectionEvent).reason
        : ((event as ErrorEvent).error ?? (event as ErrorEvent).message);
    if (!isHarmless(reason)) tell(troubleMessage(reason));
  };
  source.addEventListener("error", onEvent);
  source.addEventListener("unhandledrejection", onEvent);
  return () => {
    source.removeEventListener("error", onEvent);
    source.removeEventListener("unhandledrejection", onEvent);
  };
}

export function troubleMessage(reason: unknown): string {
  const text = reason instanceof Error ? reason.message || reason.name : String(reason);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

const LONGEST = 200;

/** What somebody stopped on purpose, and browsers' notice that a layout took one more frame. */
function isHarmless(reason: unknown): boolean {
  if (reason instanceof Error || reason instanceof DOMException) return reason.name === "AbortError";
  return typeof reason === "string" && reason.startsWith("ResizeObserver loop");
}
