// Numbers, sizes and times as people of a language write them.

import { dictionaries, type Language } from "./language";

const locales: Record<Language, string> = { fi: "fi-FI", en: "en-GB" };

export interface Formats {
  /** Decimal units, as on a disk's box. */
  bytes(count: number): string;
  decimal(value: number): string;
  /** A speed: a decimal says something only of a small one. */
  rate(value: number): string;
  whole(value: number): string;
  hundredths(value: number): string;
  duration(seconds: number): string;
  clock(millisecondsSince1970: number): string;
  /** Day and time. */
  moment(millisecondsSince1970: number): string;
}

export function formatsOf(language: Language): Formats {
  const locale = locales[language];
  const { units, time } = dictionaries[language];
  const short = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const decimal = new Intl.NumberFormat(locale, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const hundredths = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit" });
  const moment = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  return {
    bytes(count) {
      const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
      const value = count / 1000 ** power;
      const text = value < 100 ? short.format(value) : whole.format(value);
      // A unit stays on the line of its number.
      return `${text}\u00a0${units[power] ?? ""}`;
    },
    decimal: (value) => decimal.format(value),
    rate: (value) => (value < 100 ? decimal : whole).format(value),
    whole: (value) => whole.format(value),
    hundredths: (value) => hundredths.format(value),
    duration(seconds) {
      const left = Math.max(0, Math.ceil(seconds));
      if (left < 60) return time.seconds(left);
      const minutes = Math.floor(left / 60);
      return minutes < 60
        ? time.minutes(minutes, left % 60)
        : time.hours(Math.floor(minutes / 60), minutes % 60);
    },
    clock: (milliseconds) => clock.format(milliseconds),
    moment: (milliseconds) => moment.format(milliseconds),
  };
}
