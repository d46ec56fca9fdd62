// The projects' Finnish sentences.

import type { ImportProblem } from "../../projects/projects";
import type { MachineProblem } from "../../projects/machine";
import type { FileProblem, Stage } from "../../projects/project";

const stages: Record<Stage, string> = {
  planning: "Suunnitelma",
  writing: "Kirjoitus",
  reviewing: "Tarkastus",
  mending: "Korjaukset",
  summing: "Riskit",
  done: "Valmis",
};

const doing: Record<Stage, string> = {
  planning: "Suunnitellaan tiedostoja",
  writing: "Kirjoitetaan tiedostoja",
  reviewing: "Tarkastetaan, toimivatko tiedostot yhdessä",
  mending: "Korjataan tarkastuksen löydöksiä",
  summing: "Punnitaan riskejä",
  done: "Kirjoitetaan pyytämäsi muutos",
};

const fileProblems: Record<FileProblem, string> = {
  empty: "vastauksessa ei ollut tiedostoa",
  repeats: "vastaus toisti itseään",
  too_long: "vastaus ei päättynyt",
  shrunk: "korjaus olisi hukannut suurimman osan tiedostosta",
};

const machineProblems: Record<MachineProblem, string> = {
  missing:
    "Tällä keskuksella ei ole projektien moottoria, joten tiimi ei voi työskennellä. Tiedostot ovat tallessa.",
  unreachable: "Projektien moottoria ei saatu keskukselta. Työ jatkuu, kun yhteys palaa.",
  broken: "Projektien moottori pysähtyi virheeseen. Viimeisin vaihe on tallessa: jatka siitä.",
};

const importProblems: Record<ImportProblem, string> = {
  no_project: "Tiedosto ei ole Kipinän projekti. Valitse tiedosto, joka on viety Kipinästä.",
  refused: "Projektissa on ristiriita, jonka takia sitä ei voi avata. Vie se uudelleen ja yritä sitten.",
  no_pipeline: "Projektia ei voitu tarkistaa, koska keskus ei vastaa. Yritä hetken päästä uudelleen.",
};

const shares = { outline: "vain runko", nothing: "ei lainkaan", whole: "kokonaan" };

export const fi = {
  new: {
    title: "Uusi projekti",
    label: "Idea",
    placeholder: "Mitä palvelun pitäisi tehdä?",
    start: "Aloita",
    starting: "Aloitetaan…",
    examples: "Kokeile esimerkkiä",
    ideas: [
      "Tehtävälista: lisää, listaa, muokkaa ja poista tehtäviä SQLite-tietokannassa",
      "Linkkien lyhentäjä, joka laskee jokaisen linkin klikkaukset",
      "Kirjaston lainaukset: kirjat, lainaajat ja palautuspäivät",
    ],
    failed: "Projektia ei voitu aloittaa.",
  },
  list: {
    title: "Omat projektit",
    loading: "Haetaan projekteja…",
    empty: "Ei vielä projekteja. Kirjoita idea ylle tai tuo aiemmin viety projekti.",
    files: (count: number) => (count === 1 ? "1 tiedosto" : `${count} tiedostoa`),
    noFiles: "ei vielä tiedostoja",
    changed: (when: string) => `muutettu ${when}`,
    import: "Tuo projekti",
    actions: (name: string) => `Toiminnot: ${name}`,
    rename: "Nimeä uudelleen",
    name: "Nimi",
    save: "Tallenna",
    cancel: "Peru",
    duplicate: "Monista",
    copyOf: (name: string) => `${name} (kopio)`,
    export: "Vie",
    remove: "Poista",
    removed: (name: string) => `Projekti ”${name}” poistettiin.`,
    undo: "Kumoa",
    importProblems,
    imported: "Projekti tuotiin.",
    tooLarge: "Tiedosto on liian suuri projektiksi.",
  },
  runs: {
    running: "käynnissä",
    stopped: "pysäytetty",
    unstarted: "aloittamatta",
    failed: "kesken",
    finished: "valmis",
    waiting: "odottaa",
  },
  storage: {
    full: "Selaimen tallennustila on täynnä, joten uusimmat muutokset ovat vain tässä välilehdessä. Vapauta tilaa tai lataa projekti talteen.",
    forbidden:
      "Selain ei salli tallentamista, joten projektit ovat tallessa vain, kun tämä välilehti on auki. Lataa projekti talteen.",
    download: "Lataa projekti",
  },
  page: {
    back: "Kaikki projektit",
    loading: "Avataan projektia…",
    missing: "Projektia ei löydy",
    missingHint: "Se on ehkä poistettu, tai se on tallennettu toiseen selaimeen.",
    elsewhere: "Projekti on auki toisessa välilehdessä",
    elsewhereHint: "Näet tässä, miten se etenee. Kun toinen välilehti suljetaan, työ jatkuu tässä.",
    takeOver: "Jatka tässä välilehdessä",
  },
  actions: {
    label: "Projektin toiminnot",
    start: "Aloita",
    resume: "Jatka",
    retry: "Yritä uudelleen",
    stop: "Pysäytä",
    zip: "Lataa ZIP",
    zipping: "Pakataan…",
    zipFailed: "ZIP-tiedostoa ei voitu tehdä.",
    export: "Vie projekti",
  },
  progress: {
    title: "Eteneminen",
    stages,
    doing,
    left: (time: string) => `noin ${time} jäljellä`,
    leftUnknown: "aika-arvio tulee ensimmäisten vastausten jälkeen",
    round: (round: number) => `kierros ${round}`,
    stageDone: "tehty",
    stageNow: "nyt",
    stageAhead: "tulossa",
    neverStarted: "Tiimi aloittaa suunnittelemalla tiedostot.",
    stopped: "Pysäytit tiimin. Se jatkaa siitä, mihin jäi.",
    finished: "Kaikki tiedostot on kirjoitettu ja tarkastettu.",
  },
  waits: {
    hub: "Odotetaan yhteyttä keskukseen. Työ jatkuu itsestään, kun yhteys palaa.",
    node: (model: string | null) =>
      model === null
        ? "Odotetaan konetta, joka vastaa. Työ jatkuu itsestään, kun joku liittyy verkkoon."
        : `Odotetaan konetta, jolla on malli ${model}. Työ jatkuu itsestään, kun joku liittyy verkkoon.`,
    turn: "Kaikilla koneilla on töitä. Odotetaan vuoroa.",
    again: "Kone katosi kesken vastauksen. Pyydetään kohta uudelleen.",
    compute: "Laske tällä koneella",
  },
  questions: {
    plan: "Suunnitelma",
    review: "Tarkastus",
    risks: "Riskit",
    asks: (name: string, model: string) => `${name} · ${model}`,
  },
  meter: {
    label: (what: string) => `Mallin ikkuna: ${what}`,
    amount: (used: string, window: string) => `${used} / ${window} tokenia`,
    hint: "Kysymys ja mallin ikkuna",
    shortened: (count: number) =>
      count === 1 ? "1 tiedosto mahtui vain osittain" : `${count} tiedostoa mahtui vain osittain`,
    shortenedFile: (path: string, share: keyof typeof shares) => `${path}: ${shares[share]}`,
  },
  failures: {
    title: "Tiimi ei päässyt eteenpäin",
    plan: "Suunnitelma ei onnistunut usealla yrityksellä. Tarkenna ideaa uudessa projektissa tai yritä uudelleen.",
    file: (path: string, problem: FileProblem) =>
      `Tiedosto ${path} ei onnistunut usealla yrityksellä: ${fileProblems[problem]}. Yritä uudelleen, kirjoita se itse tai valitse suurempi malli.`,
    window: (needed: string, window: string) =>
      `Kysymys ei mahdu mallin ikkunaan: tarvitaan ${needed} tokenia, tilaa on ${window}. Lyhennä agentin kehotetta tai valitse malli, jolla on suurempi ikkuna.`,
    nobody: (words: string) => `Kukaan ei voinut vastata: ${words}`,
    words: {
      missing_api_key: "keskus vaatii API-avaimen, joka annetaan asetuksissa.",
      invalid_api_key: "keskus ei hyväksy asetuksissa annettua API-avainta.",
      expired_api_key: "API-avain on vanhentunut. Uuden saa keskuksen ylläpitäjältä.",
      insufficient_scope: "API-avain ei ole kysymistä varten. Sopivan saa keskuksen ylläpitäjältä.",
      model_not_allowed: "API-avain ei ole tätä mallia varten. Valitse agentille toinen malli.",
      insufficient_quota: "päivän määrä on käytetty. Uusi päivä alkaa keskiyöllä (UTC).",
      unreachable: "keskukseen ei saatu yhteyttä.",
      unreadable: "keskuksen vastausta ei ymmärretty.",
    } as Partial<Record<string, string>>,
    machine: machineProblems,
  },
  files: {
    title: "Tiedostot",
    none: "Tiedostot ilmestyvät tähän, kun suunnitelma on valmis.",
    states: {
      waiting: "odottaa",
      writing: "kirjoitetaan",
      partial: "kesken",
      written: "valmis",
      edited: "muokattu",
      draft: "tallentamatta",
    },
    issues: (count: number) => (count === 1 ? "1 huomautus" : `${count} huomautusta`),
    opensHere: "Tiedosto avautuu tähän.",
    writer: (name: string) => `Tekijä: ${name}`,
    empty: "Tiedostoa ei ole vielä kirjoitettu.",
    code: (path: string) => `Tiedosto ${path}`,
    saving: "Tallenna (Ctrl+S)",
    saved: "Tallennettu",
    remove: "Poista tiedosto",
    removeSure: (path: string) => `Poistetaanko ${path} ja sen kaikki versiot?`,
    removeLast: "Se on projektin viimeinen tiedosto: tiimi aloittaa sitten uudesta suunnitelmasta.",
    removeYes: "Poista",
    keep: "Älä poista",
    editorFailed: "Editoria ei saatu ladattua. Tekstiä voi lukea mutta ei muokata.",
    tooLong: "Tiedosto on niin pitkä, ettei sitä näytetä editorissa.",
    search: {
      find: "Etsi",
      next: "seuraava",
      previous: "edellinen",
      all: "kaikki",
      matchCase: "sama kirjainkoko",
      byWord: "kokonaiset sanat",
      regexp: "säännöllinen lauseke",
      replace: "Korvaa",
      replaceAll: "korvaa kaikki",
      close: "sulje",
    },
  },
  versions: {
    label: "Versio",
    newest: "uusin",
    option: (number: number, by: string, round: number) =>
      round === 0 ? `${number} · ${by}` : `${number} · ${by} · kierros ${round}`,
    you: "sinä",
    compare: "Vertaa",
    compareWith: "Vertaa versioon",
    leave: "Sulje vertailu",
    same: "Versiot ovat samat.",
    accept: "Hyväksy",
    reject: "Palauta",
    acceptHint: "Hyväksy tämä muutos",
    rejectHint: "Palauta tämä kohta ennalleen",
    acceptAll: "Hyväksy kaikki",
    revert: (number: number) => `Palauta versio ${number}`,
    unchanged: (lines: string) => `${lines} samaa riviä`,
    deleted: "poistettu rivi",
  },
  regenerate: {
    open: "Kirjoita uudelleen",
    label: "Mitä pitäisi muuttaa?",
    placeholder: "Esimerkiksi: käytä asynkronisia reittejä",
    hint: "Voit jättää tyhjäksi: silloin tiedosto kirjoitetaan vain uudelleen.",
    start: "Kirjoita",
    cancel: "Peru",
  },
  notes: {
    title: "Huomiot",
    none: "Ei huomioita.",
    review: "Tarkastuksen löydökset",
    risks: "Riskit",
    notices: "Mitä tapahtui",
    atLine: (line: number) => `rivi ${line}`,
    onFile: "tarkastus",
    shortened: (path: string | null, files: string) =>
      path === null
        ? `Kaikki ei mahtunut kysymykseen: ${files}.`
        : `Kun kirjoitettiin ${path}, kaikki ei mahtunut kysymykseen: ${files}.`,
    planRefused: "Suunnitelmaa ei voitu käyttää, joten se pyydettiin uudelleen.",
    planRefusedDetail: "Mallille kerrottiin",
    fileRefused: (path: string, problem: FileProblem) =>
      `Tiedosto ${path} pyydettiin uudelleen: ${fileProblems[problem]}.`,
    reviewUnclear: "Tarkastajan vastauksissa ei ollut arviota, joten tiedostot jäivät tarkastamatta.",
    issuesLeft: "Nämä huomautukset jäivät korjaamatta:",
    lost: "Kone katosi kesken vastauksen, ja toiselta pyydettiin sama.",
    lostDetail: "Keskus kertoi",
  },
  tabs: { label: "Projektin osat", files: "Tiedostot", editor: "Editori", notes: "Huomiot" },
};

export type ProjectWords = typeof fi;
