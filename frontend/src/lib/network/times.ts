// Moments and numbers as a chart's axes and a table's rows write them.

import type { HistoryRange } from "../hub/history";
import { late, type Formats } from "../i18n/format";
import type { Language } from "../i18n/language";

export interface Times {
  /** Seconds since 1970. */
  clock: (seconds: number) => string;
  precise: (seconds: number) => string;
  axis: Record<HistoryRange, (seconds: number) => string>;
  full: Record<HistoryRange, (seconds: number) => string>;
}

const locales: Record<Language, string> = { fi: "fi-FI", en: "en-GB" };

export function timesOf(language: Language): Times {
  const written = (options: Intl.DateTimeFormatOptions) => {
    const format = late(() => new Intl.DateTimeFormat(locales[language], options));
    return (seconds: number): string => format(seconds * 1000);
  };
  const clock = written({ hour: "2-digit", minute: "2-digit" });
  const day = written({ day: "numeric", month: "numeric" });
  const weekday = written({ weekday: "short", day: "numeric", month: "numeric" });
  const both = (seconds: number): string => `${weekday(seconds)} ${clock(seconds)}`;
  return {
    clock,
    precise: written({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
    axis: { day: clock, week: day, month: day },
    full: { day: clock, week: both, month: weekday },
  };
}

/** Numbers as functions that can be handed on; another language's are others, so that charts are drawn anew. */
export function numbersOf(formats: Formats): Record<"whole" | "decimal", (value: number) => string> {
  return { whole: (value) => formats.whole(value), decimal: (value) => formats.decimal(value) };
}
