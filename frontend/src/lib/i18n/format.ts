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
  thousandths(value: number): string;
  duration(seconds: number): string;
  clock(millisecondsSince1970: number): string;
  /** Day and time. */
  moment(millisecondsSince1970: number): string;
}

export function formatsOf(language: Language): Formats {
  const locale = locales[language];
  const { units, time: times } = dictionaries[language];
  const number = (least: number, most: number) =>
    late(() => new Intl.NumberFormat(locale, { minimumFractionDigits: least, maximumFractionDigits: most }));
  const time = (options: Intl.DateTimeFormatOptions) => late(() => new Intl.DateTimeFormat(locale, options));
  const short = number(0, 1);
  const decimal = number(1, 1);
  const whole = number(0, 0);
  return {
    bytes(count) {
      const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, count)) / 3));
      const value = count / 1000 ** power;
      const text = value < 100 ? short(value) : whole(value);
      // A unit stays on the line of its number.
      return `${text}\u00a0${units[power] ?? ""}`;
    },
    decimal,
    rate: (value) => (value < 100 ? decimal : whole)(value),
    whole,
    hundredths: number(2, 2),
    thousandths: number(3, 3),
    duration(seconds) {
      const left = Math.max(0, Math.ceil(seconds));
      if (left < 60) return times.seconds(left);
      const minutes = Math.floor(left / 60);
      return minutes < 60
        ? times.minutes(minutes, left % 60)
        : times.hours(Math.floor(minutes / 60), minutes % 60);
    },
    clock: time({ hour: "2-digit", minute: "2-digit" }),
    moment: time({ dateStyle: "medium", timeStyle: "short" }),
  };
}

/** A browser takes milliseconds to make a formatter: each is made when the first value is written with it. */
export function late(make: () => { format(value: number): string }): (value: number) => string {
  let made: ReturnType<typeof make> | undefined;
  return (value) => (made ??= make()).format(value);
}
