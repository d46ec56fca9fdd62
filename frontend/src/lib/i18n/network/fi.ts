// The Finnish sentences of the network view.

import type { HistoryRange } from "../../hub/history";
import type { Duration } from "../../network/nodes";

const ranges: Record<HistoryRange, string> = { day: "Vuorokausi", week: "Viikko", month: "Kuukausi" };

const lastRange: Record<HistoryRange, string> = {
  day: "Viimeisen vuorokauden aikana",
  week: "Viimeisen viikon aikana",
  month: "Viimeisten 30 päivän aikana",
};

const failedOf = (failed: string) =>
  failed === "0" ? "kaikkiin vastattiin" : `joista epäonnistui ${failed}`;

const since: Record<Duration["unit"], (count: number, rest: number) => string> = {
  seconds: (count) => `${count} s`,
  minutes: (count) => `${count} min`,
  hours: (count, minutes) => (minutes === 0 ? `${count} h` : `${count} h ${minutes} min`),
  days: (count, hours) => (hours === 0 ? `${count} pv` : `${count} pv ${hours} h`),
};

export const fi = {
  title: "Verkko",
  live: "Päivittyy itsestään",
  asking: "Haetaan tietoja keskukselta…",
  gone: (time: string) =>
    `Alla on se, mikä verkosta tiedettiin kello ${time}. Sivu yrittää koko ajan saada yhteyden ja päivittyy sitten itsestään.`,
  goneUnknown:
    "Verkosta ei tiedetä vielä mitään. Tarkista, että keskus on käynnissä; sivu yrittää koko ajan saada yhteyden.",
  now: "Juuri nyt",
  facts: {
    nodes: "Koneita",
    slots: (busy: string, slots: string) => `${busy} / ${slots} paikkaa käytössä`,
    perMinute: "Kehotteita minuutissa",
    perMinuteHint: "viime minuutin aikana",
    speed: "Tokeneita sekunnissa",
    speedHint: "kaikki koneet yhteensä",
    queue: "Jonossa",
    running: (count: string) => `${count} käsittelyssä`,
    total: "Kehotteita yhteensä",
    failed: (count: string) => (count === "0" ? "yksikään ei epäonnistunut" : `joista epäonnistui ${count}`),
    tokens: "Tokeneita vastauksissa",
    promptTokens: (count: string) => `kehotteissa ${count}`,
  },
  nodes: {
    title: "Koneet",
    kinds: { browser: "selain", native: "ohjelma", other: "kone" },
    own: "tämä selain",
    trusted: "luotettu",
    trustedHint: "Liittyi keskuksen avaimella",
    paused: "tauolla",
    onlyOwn: "vain omat kehotteet",
    suspended: "hyllytetty",
    suspendedHint: "Sen vastaukset eivät olleet mallin omia: se ei saa kehotteita",
    cores: (count: number) => (count === 1 ? "1 ydin" : `${count} ydintä`),
    memory: (gibibytes: string) => `${gibibytes} Gt muistia`,
    gpu: (name: string) => `GPU: ${name}`,
    unknownDevice: "Laite ei kerro itsestään",
    models: "Mallit",
    noModels: "ei malleja",
    speed: "Nopeus",
    perSecond: (speed: string) => `${speed} tok/s`,
    unmeasured: "ei mitattu vielä",
    load: "Kuorma",
    loadOf: (busy: number, slots: number) => `${busy} / ${slots}`,
    loadLabel: (name: string) => `Koneen ${name} kuorma`,
    uptime: "Verkossa",
    since,
    prompts: "Vastauksia",
    tokens: "Tokeneita",
    none: "–",
  },
  empty: {
    title: "Verkossa ei ole yhtään konetta",
    text: "Kehotteisiin ei vastaa juuri nyt kukaan. Liitä koneesi: selain riittää alkuun, ja oma ohjelma käyttää Ollamaa tai koneen suoritinta.",
    join: "Liitä koneesi",
    compute: "Laske tällä selaimella",
  },
  charts: {
    live: "Viime minuutit",
    liveHint: (minutes: number) => `Viimeiset ${minutes} minuuttia, tai siitä asti kun avasit sivun.`,
    prompts: "Kehotteita minuutissa",
    speed: "Tokeneita sekunnissa",
    summary: (now: string, least: string, most: string) => `Nyt ${now}. Vaihdellut välillä ${least}–${most}.`,
    steady: (now: string) => `Nyt ${now}.`,
    unknownNow: (least: string, most: string) => `Nyt ei tiedossa. Vaihdellut välillä ${least}–${most}.`,
    unknownSteady: (last: string) => `Nyt ei tiedossa, viimeksi ${last}.`,
    nothing: "Vielä ei ole kuultu mitään.",
    old: "Tämä keskus on vanhempi kuin sivu eikä kerro nopeuksia.",
    table: "Näytä taulukkona",
    time: "Aika",
    none: "–",
    drawing: "Kuvaajaa ei saatu piirrettyä. Luvut ovat taulukossa.",
  },
  history: {
    title: "Historia",
    choose: "Ajanjakso",
    ranges,
    loading: "Haetaan historiaa…",
    nothing: (range: HistoryRange) => `${lastRange[range]} ei ole lähetetty yhtään kehotetta.`,
    unavailable:
      "Keskus ei saa historiaa tietokannastaan juuri nyt. Syy on keskuksen lokissa. Yritä hetken päästä uudelleen.",
    unreachable: "Historiaa ei saatu, koska keskus ei vastaa.",
    missing: "Tämä keskus on vanhempi kuin sivu eikä kerro historiaa.",
    again: "Yritä uudelleen",
    stale: "Historiaa ei saatu päivitettyä. Alla on aiemmin haettu.",
    prompts: "Kehotteet",
    promptsSummary: (range: HistoryRange, prompts: string, failed: string) =>
      `${lastRange[range]} ${prompts} kehotetta, ${failedOf(failed)}.`,
    speed: "Yhden vastauksen nopeus",
    speedSummary: (speed: string, wait: string) =>
      `Keskimäärin ${speed} tok/s. Ensimmäistä tokenia odotettiin tavallisesti ${wait}.`,
    speedUnknown: "Yhtään vastausta ei mitattu.",
    columns: {
      time: "Alkaen",
      prompts: "Kehotteita",
      failed: "Epäonnistui",
      promptTokens: "Kehotteen tokeneita",
      completionTokens: "Vastauksen tokeneita",
      speed: "tok/s",
      firstToken: "1. token",
      nodes: "Koneita",
    },
    all: "kehotteet",
    failed: "epäonnistuneet",
    milliseconds: (count: string) => `${count} ms`,
    seconds: (count: string) => `${count} s`,
  },
};

export type NetworkWords = typeof fi;
