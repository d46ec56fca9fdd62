// The team's Finnish sentences.

import type { Sampling } from "../../settings/settings";
import type { Role } from "../../team/agent";
import type { AvatarName } from "../../team/avatars";

const roles: Record<Role, string> = {
  manager: "Suunnittelija",
  coder: "Koodaaja",
  data: "Tietomallit",
  tester: "Testaaja",
  reviewer: "Katselmoija",
  observer: "Riskit",
};

const avatars: Record<AvatarName, string> = {
  bear: "karhunpentu",
  spark: "kipinä",
  raccoon: "pesukarhu",
  "wolf-cub": "sudenpentu",
  sloth: "laiskiainen",
  wolf: "susi",
  owl: "pöllö",
  fox: "kettu",
  hare: "metsäjänis",
  hedgehog: "siili",
  squirrel: "orava",
  lynx: "ilves",
  moose: "hirvi",
  otter: "saukko",
};

const sampling: Record<keyof Sampling, { label: string; hint: string }> = {
  temperature: {
    label: "Lämpötila",
    hint: "0–2. Pieni pysyy todennäköisimmässä, suuri vaihtelee enemmän. Koodille sopii 0,3–0,7.",
  },
  top_k: { label: "Top-k", hint: "0–1000. Montako todennäköisintä tokenia on ehdolla; 0 on kaikki." },
  top_p: {
    label: "Top-p",
    hint: "0,05–1. Ehdolla ovat todennäköisimmät, joiden yhteinen osuus riittää tähän; 1 on kaikki.",
  },
  repeat_penalty: {
    label: "Toistosakko",
    hint: "0,5–2. Yli 1 vähentää toistoa; liian suuri rikkoo koodia. 1 ei vaikuta.",
  },
  max_tokens: {
    label: "Enintään tokeneita",
    hint: "16–32768. Vastaus päättyy viimeistään tähän. Token on noin neljä merkkiä.",
  },
};

export const fi = {
  title: "Tiimi",
  roles,
  noRole: "Oma agentti",
  states: { working: "Työn touhussa", answers: "Vastaa sinulle", idle: "Odottaa" },
  choose: (name: string) => `${name} vastaa terminaalissa`,
  nowWorking: (names: string) => `Työssä: ${names}.`,
  edit: "Muokkaa tiimiä",
  loadFailed: "Muokkausta ei saatu avattua. Lataa sivu uudelleen.",
  editor: {
    title: "Tiimin muokkaus",
    close: "Sulje",
    members: "Agentit",
    changedMark: "muokattu",
    add: "Uusi agentti",
    newName: "Uusi agentti",
    name: "Nimi",
    nameHint: (most: number) =>
      `Enintään ${most} merkkiä. Tällä nimellä agentti valitaan myös komennolla kpn agent.`,
    avatar: "Hahmo",
    avatars,
    model: "Malli",
    automatic: "Automaattinen: studion valitsema",
    modelHint: "Jos kukaan verkossa ei aja valittua mallia, agentti ei voi vastata.",
    served: (model: string) => `${model} (vastaa nyt)`,
    notListed: (model: string) => `${model} (ei luettelossa)`,
    noCatalogue: "Malliluetteloa ei saatu keskuksesta, joten vain nykyinen valinta näkyy.",
    prompt: "Ohje mallille",
    promptHint:
      "Kerro lyhyesti ja myönteisesti, kuka agentti on ja mitä se tekee. Pienet mallit ymmärtävät englantia parhaiten.",
    tokens: (count: number) => (count === 1 ? "noin 1 token" : `noin ${count} tokenia`),
    sampling: "Tokenien arvonta",
    fields: sampling,
    faults: {
      empty: "Anna agentille nimi.",
      taken: "Toisella agentilla on jo tämä nimi.",
      too_long: (most: number) => `Lyhennä: enintään ${most} merkkiä.`,
      not_number: "Kirjoita luku.",
      not_whole: "Kirjoita kokonaisluku.",
      out_of_range: (least: string, most: string) => `Luvun pitää olla ${least}–${most}.`,
    },
    save: "Tallenna",
    saved: (name: string) => `${name} tallennettu.`,
    savedForVisit: (name: string) => `${name} on muutettu tämän käynnin ajaksi.`,
    discard: "Peru muutokset",
    notSaved: "Korjaa merkityt kohdat, niin voit tallentaa.",
    unsaved: "Tallentamattomia muutoksia",
    defaults: "Palauta oletukset",
    defaultsFilled: "Oletukset on täytetty kenttiin. Tallenna, niin ne jäävät voimaan.",
    duplicate: "Monista",
    exportOne: "Vie tiedostoon",
    remove: "Poista",
    removeAsk: (name: string) => `Poistetaanko ${name}?`,
    removeYes: "Poista agentti",
    cancel: "Peru",
    leaving: (name: string) => `Agentin ${name} muutoksia ei ole tallennettu.`,
    leaveSave: "Tallenna ja jatka",
    leaveDiscard: "Hylkää muutokset",
    leaveStay: "Jatka muokkausta",
    file: "Koko tiimi",
    exportAll: "Vie tiimi",
    import: "Tuo tiedostosta",
    removed: (name: string) => `${name} poistettiin.`,
    imported: (replaced: number, added: number) =>
      `Tuotiin ${replaced + added === 1 ? "1 agentti" : `${replaced + added} agenttia`}: korvattiin ${replaced}, lisättiin ${added}.`,
    undo: "Kumoa",
    undone: "Kumottu.",
    replaceAsk: (names: string) => `Tiedosto korvaisi muokkaamasi agentit: ${names}.`,
    replaceYes: "Korvaa",
    replaceBeside: "Tuo rinnalle omina agentteina",
    notKept:
      "Selain ei tallenna tätä: sen tallennustila on täynnä tai kielletty. Muutokset ovat voimassa, kunnes sivu suljetaan. Vie tiimi tiedostoon, niin ne säilyvät.",
    failures: {
      unreadable: "Tiedostoa ei voitu lukea. Valitse se uudelleen.",
      too_large: "Tiedosto on liian suuri tiimiksi. Valitse Kipinästä viety tiedosto.",
      not_json: "Tiedosto ei ole JSONia. Valitse Kipinästä viety tiedosto.",
      not_team: "Tiedostossa ei ole Kipinän tiimiä. Valitse Kipinästä viety tiedosto.",
      newer: "Tiedosto on uudemmasta Kipinästä. Lataa sivu uudelleen ja yritä sitten.",
      empty: "Tiedostossa ei ole yhtään agenttia.",
      too_many: "Tiedostossa on yli sata agenttia. Jaa se useampaan tiedostoon.",
      role_twice: (agent: string) => `Kahdella agentilla on sama rooli; jälkimmäinen on ${agent}.`,
      field: (agent: string, field: string) => `Agentissa ${agent} on väärin kenttä ${field}.`,
      whole: (agent: string) => `Agentti ${agent} ei ole agentin muotoinen.`,
    },
    nothingImported: "Mitään ei tuotu.",
  },
};

export type TeamWords = typeof fi;
