// The Finnish sentences of the network view.

import type { HistoryRange } from "../../hub/history";

const ranges: Record<HistoryRange, string> = { day: "Vuorokausi", week: "Viikko", month: "Kuukausi" };

const lastRange: Record<HistoryRange, string> = {
  day: "Viimeisen vuorokauden aikana",
  week: "Viimeisen viikon aikana",
  month: "Viimeisten 30 päivän aikana",
};

const failedOf = (failed: string) =>
  failed === "0" ? "kaikkiin vastattiin" : `joista epäonnistui ${failed}`;

export const fi = {
  title: "Verkko",
  lead: "Koneet, jotka vastaavat kehotteisiin tässä keskuksessa juuri nyt. Kehotteiden tekstiä ei näy täällä eikä sitä tallenneta.",
  live: "Päivittyy itsestään",
  asking: "Haetaan tietoja keskukselta…",
  gone: (time: string) =>
    `Keskukseen ei ole yhteyttä. Alla on se, mikä tiedettiin kello ${time}. Yhteyttä yritetään koko ajan uudelleen.`,
  goneUnknown:
    "Keskukseen ei ole yhteyttä, eikä verkosta tiedetä vielä mitään. Tarkista, että keskus on käynnissä; yhteyttä yritetään koko ajan uudelleen.",
  tryAgain: "Yritä nyt",
  now: "Juuri nyt",
  facts: {
    nodes: "Koneita",
    slots: (busy: string, slots: string) => `${busy} / ${slots} paikkaa käytössä`,
    perMinute: "Kehotteita minuutissa",
    perMinuteHint: "viimeisen minuutin aikana",
    speed: "Tokeneita sekunnissa",
    speedHint: "kaikki koneet yhteensä",
    queue: "Jonossa",
    running: (count: string) => `vastataan nyt ${count} kehotteeseen`,
    total: "Vastauksia yhteensä",
    failed: (count: string) => `lisäksi epäonnistui ${count}`,
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
    unknownNow: (least: string, most: string) => `Nyt ei tiedossa. Vaihdellut välillä ${least}–${most}.`,
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
