// The Finnish sentences of the settings and of the map of the keys.

import type { SamplingFault } from "../../settings/sampling-draft";
import type { Sampling } from "../../settings/settings";
import type { StashKind } from "../../settings/stash";
import type { Theme } from "../../settings/theme";

const themes: Record<Theme, string> = { dark: "Tumma", light: "Vaalea", system: "Järjestelmän mukaan" };

const samplingNames: Record<keyof Sampling, string> = {
  temperature: "Lämpötila",
  top_k: "Top-k",
  top_p: "Top-p",
  repeat_penalty: "Toistosakko",
  max_tokens: "Enintään tokeneita",
};

const samplingHints: Record<keyof Sampling, string> = {
  temperature: "Pieni arvo pysyy varmassa, suuri keksii enemmän.",
  top_k: "Montako todennäköisintä tokenia on mukana; 0 ottaa kaikki.",
  top_p: "Kuinka suuri osa todennäköisyydestä on mukana.",
  repeat_penalty: "Yli yhden arvo välttää jo sanottua.",
  max_tokens: "Tähän pituuteen vastaus viimeistään päättyy.",
};

const faults: Record<SamplingFault, (least: string, most: string) => string> = {
  not_number: (least, most) => `Kirjoita luku väliltä ${least}–${most}.`,
  not_whole: (least, most) => `Kirjoita kokonaisluku väliltä ${least}–${most}.`,
  out_of_range: (least, most) => `Luvun pitää olla väliltä ${least}–${most}.`,
};

const stashNames: Record<StashKind, string> = {
  models: "Mallit",
  projects: "Projektit",
  conversation: "Keskustelu",
  choices: "Asetukset ja tiimi",
  caches: "Sivun omat tiedostot",
};

const stashHints: Record<StashKind, string> = {
  models: "Ladatut kielimallit. Poistettu malli ladataan tarvittaessa uudelleen.",
  projects: "Projektit tiedostoineen ja versioineen. Niitä ei ole missään muualla.",
  conversation: "Studion keskustelu ja aiemmin kirjoitetut kehotteet.",
  choices: "Kieli, teema, API-avain ja muokattu tiimi. Sivu latautuu uudelleen oletuksin.",
  caches:
    "Näiden ansiosta sivu avautuu ilman verkkoa. Ne haetaan uudelleen, kun sivu seuraavan kerran avataan.",
};

export const fi = {
  close: "Sulje",
  cancel: "Peru",
  language: { title: "Kieli", hint: "Vaihtuu heti koko sivulla." },
  theme: { title: "Teema", names: themes },
  look: "Kieli ja ulkoasu",
  key: {
    title: "API-avain",
    label: "Avain",
    lead: "Suljettu keskus vastaa vain avaimella. Avaimen saat keskuksen ylläpitäjältä.",
    kept: "Avain säilyy vain tämän selaimen omassa tallessa (localStorage), ja se lähetetään kehotteiden mukana vain tälle keskukselle. Poista avain, jos muut käyttävät samaa selainta.",
    show: "Näytä",
    save: "Tallenna",
    remove: "Poista avain",
    saved: "Avain on tallessa.",
    removed: "Avain poistettiin.",
    none: "Avainta ei ole annettu.",
  },
  compute: {
    title: "Laskenta",
    lead: "Miten tämä välilehti laskee. Mallin valinta ja käynnistys ovat laskennan näkymässä.",
    open: "Avaa laskenta",
  },
  sampling: {
    title: "Vastausten oletukset",
    lead: "Uudet agentit alkavat näistä. Jokaisella agentilla voi olla omansa.",
    names: samplingNames,
    hints: samplingHints,
    range: (least: string, most: string) => `${least}–${most}`,
    faults,
    reset: "Palauta oletukset",
    isDefault: "Arvot ovat oletuksia.",
    kept: "Omat arvosi ovat tallessa.",
    notKept: "Punaisella merkittyjä ei ole tallennettu.",
  },
  storage: {
    title: "Tallennustila",
    lead: "Kaikki on tässä selaimessa, tällä laitteella.",
    names: stashNames,
    hints: stashHints,
    measuring: "mitataan…",
    unknown: "ei tiedossa",
    nothing: "tyhjä",
    models: (count: number) => (count === 1 ? "1 malli" : `${count} mallia`),
    projects: (count: number) => (count === 1 ? "1 projekti" : `${count} projektia`),
    used: (used: string, quota: string) => `Käytössä ${used}, selain antaa enintään ${quota}.`,
    meter: "Käytetty tallennustila",
    persisted: "Selain ei poista tietoja itsestään.",
    notPersisted: "Selain voi poistaa tiedot, jos levytila loppuu.",
    keep: "Pyydä säilyttämään",
    keepRefused: "Selain ei luvannut säilyttää tietoja. Se voi muuttaa mielensä, kun käytät sivua enemmän.",
    remove: "Poista",
    removeNamed: (kind: StashKind) => `Poista: ${stashNames[kind]}`,
    removeAll: "Poista kaikki",
    confirm: (kind: StashKind) => `Poistetaanko ${stashNames[kind].toLowerCase()}?`,
    confirmAll: "Poistetaanko kaikki?",
    confirmAllText:
      "Mallit, projektit, keskustelu, asetukset ja tiimi poistetaan tältä laitteelta. Tätä ei voi perua. Sivu latautuu sitten uudelleen.",
    forGood: "Tätä ei voi perua.",
    yes: "Poista",
    done: (kind: StashKind) => `Poistettu: ${stashNames[kind].toLowerCase()}.`,
    failed: (kinds: readonly StashKind[]) =>
      `Ei voitu poistaa: ${kinds.map((kind) => stashNames[kind].toLowerCase()).join(", ")}. Sulje muut Kipinän välilehdet ja yritä uudelleen.`,
  },
  keys: {
    title: "Näppäimet",
    lead: "Yhden näppäimen oikotiet eivät toimi, kun kirjoitat kenttään.",
    on: "Yhden näppäimen oikotiet käytössä",
    off: "Yhden näppäimen oikotiet on kytketty pois asetuksissa.",
    then: "ja sitten",
    or: "tai",
    groups: { go: "Näkymät", page: "Koko sivu", terminal: "Pääte", editing: "Muokkaus" },
    prompt: "Kirjoita kehote",
    join: "Liitä kone",
    map: "Tämä luettelo",
    escape: "Sulje ikkuna tai valikko",
    enter: "Lähetä kehote",
    newline: "Rivinvaihto kehotteeseen",
    history: "Aiemmat kehotteet",
    complete: "Täydennä komento",
    leave: "Poistu koodieditorista, jossa sarkain sisentää",
  },
  about: {
    title: "Tietoja",
    version: (version: string) => `Versio ${version}`,
    lead: "Kipinä tekee koneistasi yhden yksityisen kielimallin ja studion sen päälle.",
    licence: "Lisenssi: MIT tai Apache 2.0, kumman valitset. Malleilla on omat lisenssinsä.",
    guide: "Lue opas",
    network: "Katso verkkoa",
    admin: "Keskuksen ylläpito",
    install: "Asenna sovellukseksi",
    installHint: "Kipinä avautuu silloin omaan ikkunaansa.",
    updated: "Sivu on ajan tasalla.",
    check: "Etsi päivitystä",
  },
};

export type SettingsSentences = typeof fi;
