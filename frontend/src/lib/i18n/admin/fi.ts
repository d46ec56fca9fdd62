// The Finnish sentences of the operator's pages.

import type { Page } from "../../admin/room";
import type { AllowedNodes, KeyFault, LimitName, Scope } from "../../admin/key-draft";
import type { Level } from "../../admin/log-feed";
import type { SettingGroup, SettingName } from "../../admin/setting-draft";

const pages: Record<Page, string> = {
  nodes: "Koneet",
  keys: "Avaimet",
  queue: "Jono",
  audits: "Tarkastukset",
  settings: "Asetukset",
  log: "Loki",
  changes: "Muutokset",
};

const scopes: Record<Scope, string> = {
  api: "Kysyä (API)",
  node: "Laskea (kone)",
  admin: "Ylläpitää",
};

const allowedNodes: Record<AllowedNodes, string> = {
  any: "Mille tahansa koneelle",
  trusted: "Vain luotetuille koneille",
  own: "Vain omistajan omille koneille",
};

const limits: Record<LimitName, string> = {
  requests_per_minute: "Kyselyjä minuutissa",
  tokens_per_minute: "Tokeneita minuutissa",
  requests_per_day: "Kyselyjä päivässä",
  tokens_per_day: "Tokeneita päivässä",
};

const wholeNumber = "Kirjoita kokonaisluku tai jätä tyhjäksi.";

const keyFaults: Record<KeyFault, string> = {
  name: "Anna nimi, enintään 64 merkkiä.",
  scopes: "Valitse ainakin yksi oikeus.",
  days: "Kirjoita päivien määrä väliltä 1–36 500 tai jätä tyhjäksi.",
  requests_per_minute: wholeNumber,
  tokens_per_minute: wholeNumber,
  requests_per_day: wholeNumber,
  tokens_per_day: wholeNumber,
};

const levels: Record<Level, string> = {
  error: "Virheet",
  warn: "Varoitukset",
  info: "Tapahtumat",
  debug: "Vianetsintä",
  trace: "Kaikki",
};

const groups: Record<SettingGroup, string> = {
  access: "Kuka saa kysyä",
  nodes: "Kuka saa laskea",
  queue: "Jono",
  answers: "Vastaukset",
  features: "Ominaisuudet",
  other: "Muut",
};

const settings: Record<SettingName, { name: string; hint: string }> = {
  access: { name: "Pääsy", hint: "Saako kysyä ilman avainta." },
  anonymous_requests_per_minute: {
    name: "Kyselyjä minuutissa ilman avainta",
    hint: "Yhdestä osoitteesta. 0: ei rajaa.",
  },
  anonymous_tokens_per_minute: {
    name: "Tokeneita minuutissa ilman avainta",
    hint: "Kehotteet ja vastaukset yhteensä, yhdestä osoitteesta. 0: ei rajaa.",
  },
  anonymous_requests_per_day: {
    name: "Kyselyjä päivässä ilman avainta",
    hint: "Yhdestä osoitteesta, UTC-päivässä. 0: ei rajaa.",
  },
  anonymous_tokens_per_day: {
    name: "Tokeneita päivässä ilman avainta",
    hint: "Yhdestä osoitteesta, UTC-päivässä. 0: ei rajaa.",
  },
  guest_nodes: {
    name: "Koneet ilman avainta saavat liittyä",
    hint: "Liittyneet jäävät, vaikka kytket tämän pois.",
  },
  browsers_per_address: {
    name: "Selaimia osoitetta kohti",
    hint: "Kuinka moni välilehti saa laskea yhdestä osoitteesta ilman avainta.",
  },
  queue_length: {
    name: "Jonon pituus",
    hint: "Kuinka moni kehote saa odottaa samaa mallia. Odottavat säilyttävät paikkansa.",
  },
  queue_deadline_seconds: {
    name: "Odotus jonossa, sekunteina",
    hint: "Sen jälkeen kysyjä saa virheen. Koskee myös jo odottavia.",
  },
  first_token_deadline_seconds: {
    name: "Aika ensimmäiseen tokeniin, sekunteina",
    hint: "Hitaampi kone vaihdetaan toiseen.",
  },
  token_deadline_seconds: {
    name: "Aika tokenien välillä, sekunteina",
    hint: "Hitaampi kone vaihdetaan toiseen.",
  },
  hedge_after_seconds: {
    name: "Aika ennen varakonetta, sekunteina",
    hint: "Jos ensimmäinen token viipyy kauemmin, kehote annetaan myös joutilaalle koneelle. 0: ei koskaan.",
  },
  affinity: {
    name: "Keskustelu palaa samalle koneelle",
    hint: "Koneen välimuistin ansiosta kehotetta ei tarvitse lukea uudelleen.",
  },
  resume: {
    name: "Kesken jäänyt vastaus jatkuu toisella koneella",
    hint: "Pois kytkettynä vastaus päättyy virheeseen, jos kone katoaa.",
  },
};

const choices: Record<string, string> = {
  open: "Kuka tahansa saa kysyä",
  keys: "Vain avaimella",
};

const actions: Record<string, string> = {
  "session.begun": "kirjautui sisään",
  "key.created": "loi avaimen",
  "key.changed": "muutti avainta",
  "key.rotated": "vaihtoi avaimen salaisuuden",
  "key.revoked": "mitätöi avaimen",
  "node.drained": "otti koneen pois käytöstä",
  "node.drain_ended": "otti koneen takaisin käyttöön",
  "node.banned": "esti koneen",
  "node.trusted": "merkitsi koneen luotetuksi",
  "node.distrusted": "perui luottamuksen koneeseen",
  "node.reinstated": "palautti hyllytetyn koneen",
  "node_rule.taken_back": "perui konetta koskevan päätöksen",
  "prompt.cancelled": "perui kehotteen",
  "settings.changed": "muutti asetuksia",
};

const rules: Record<string, string> = {
  ban: "Estetty",
  drain: "Pois käytöstä",
  distrust: "Luottamus peruttu",
};

const states: Record<string, string> = {
  waiting: "odottaa",
  reading: "luetaan",
  answering: "vastataan",
};

const statuses: Record<string, string> = {
  active: "voimassa",
  expired: "vanhentunut",
  revoked: "mitätöity",
};

export const fi = {
  title: "Ylläpito",
  pages,
  pagesLabel: "Ylläpidon sivut",
  cancel: "Peru",
  close: "Sulje",
  none: "–",
  loading: "Haetaan…",
  stale: "Keskus ei vastaa. Alla on viimeksi kuultu; yhteyttä yritetään uudelleen.",
  again: "Yritä uudelleen",
  older: "Näytä vanhemmat",
  failures: {
    unreachable: "Keskus ei vastaa. Tarkista yhteys ja yritä uudelleen.",
    unreadable: "Keskuksen vastausta ei ymmärretty. Lataa sivu uudelleen.",
    refused: (message: string) => `Keskus ei tehnyt sitä: ${message}`,
  },
  door: {
    asking: "Tarkistetaan, kuka olet…",
    closedTitle: "Ylläpito on suljettu",
    closed:
      "Keskukselle ei ole asetettu ylläpitäjän salasanaa, ja siihen saavat yhteyden muutkin koneet. Siksi ylläpitoon ei pääse.",
    openTitle: "Näin avaat sen",
    openSteps: [
      "Aseta keskukselle ympäristömuuttuja ADMIN_PASSWORD ja käynnistä keskus uudelleen.",
      "Lataa tämä sivu uudelleen ja kirjaudu sillä salasanalla.",
    ],
    openLocally:
      "Keskus, joka kuuntelee vain omaa konettaan (BIND=127.0.0.1), päästää sisään ilman salasanaa sillä koneella osoitteesta 127.0.0.1 tai localhost.",
    command: "ADMIN_PASSWORD='pitkä oma salasana' kipina-hub",
    loginTitle: "Kirjaudu",
    loginLead: "Ylläpitäjän salasana on keskuksen ympäristömuuttujassa ADMIN_PASSWORD.",
    password: "Salasana",
    show: "Näytä",
    enter: "Kirjaudu",
    entering: "Kirjaudutaan…",
    wrong: "Salasana on väärä. Se on keskuksen ADMIN_PASSWORD.",
    tooMany: "Vääriä salasanoja on annettu liian monta. Odota hetki ja yritä uudelleen.",
    leave: "Kirjaudu ulos",
    until: (moment: string) => `Kirjautuneena ${moment} asti`,
    thisMachine: "Olet keskuksen omalla koneella, joten salasanaa ei tarvita.",
    old: "Tämä keskus on vanhempi kuin sivu, eikä sillä ole näitä ylläpidon sivuja.",
  },
  nodes: {
    count: (count: number) => (count === 1 ? "1 kone" : `${count} konetta`),
    nothing: "Yhtään konetta ei ole liittynyt.",
    kinds: { native: "ohjelma", browser: "selain" } as Record<string, string>,
    trusted: "luotettu",
    suspended: "hyllytetty",
    distrusted: "luottamus peruttu",
    draining: "viimeistelee",
    drained: "pois käytöstä",
    paused: "tauolla",
    onlyOwn: "vain omat",
    resting: (time: string) => `lepää ${time}`,
    trial: "kokeiltavana",
    software: "Ohjelma",
    address: "Osoite",
    key: "Avain",
    noKey: "ei avainta",
    hubKey: "keskuksen yhteinen",
    owner: (owner: string) => `omistaja ${owner}`,
    load: "Kuorma",
    loadOf: (busy: number, slots: number) => `${busy}/${slots}`,
    speed: "Nopeus",
    perSecond: (speed: string) => `${speed} tok/s`,
    unmeasured: "ei mitattu",
    prompts: "Kehotteita",
    joined: "Liittyi",
    models: "Mallit",
    noModels: "ei malleja",
    drain: "Ota pois käytöstä",
    endDrain: "Ota käyttöön",
    trust: "Luota",
    distrust: "Peru luottamus",
    ban: "Estä…",
    labels: {
      drain: (name: string) => `Ota pois käytöstä: ${name}`,
      endDrain: (name: string) => `Ota käyttöön: ${name}`,
      trust: (name: string) => `Luota: ${name}`,
      distrust: (name: string) => `Peru luottamus: ${name}`,
      ban: (name: string) => `Estä…: ${name}`,
    },
    banTitle: (name: string) => `Estetäänkö ${name}?`,
    banLead:
      "Koneen yhteys suljetaan heti, sen kehotteet siirtyvät muille, eikä se pääse takaisin ennen kuin perut eston.",
    banNode: (name: string) => `Vain ${name}`,
    banNodeHint: {
      key: "Tunnetaan nimestä ja avaimesta.",
      network: "Tunnetaan nimestä ja osoitteesta. Nimen voi vaihtaa.",
    },
    banAddress: (address: string) => `Kaikki koneet osoitteesta ${address}`,
    banAddressHint: "Koskee myös avaimella liittyviä.",
    reason: "Syy, jonka koneen omistaja lukee (ei pakollinen)",
    reasonFault: "Lyhennä syytä: tilaa on 80 merkille, ja esimerkiksi ä ja ö vievät kahden tilan.",
    more: "Näytä seuraavat",
    first: "Näytä ensimmäiset",
    banYes: "Estä",
    rules: "Päätökset",
    rulesLead:
      "Nämä koskevat myös koneita, jotka eivät ole nyt paikalla, ja säilyvät uudelleenkäynnistyksen yli.",
    noRules: "Yhtään konetta ei ole estetty eikä otettu pois käytöstä, eikä luottamusta ole peruttu.",
    rule: (rule: string) => rules[rule] ?? rule,
    whomKey: (name: string, key: number) => `${name}, avain ${key}`,
    whomNode: (name: string, network: string) => `${name} osoitteesta ${network}`,
    whomNetwork: (network: string) => `kaikki osoitteesta ${network}`,
    takeBack: "Peru päätös",
    takeBackNamed: (what: string) => `Peru päätös: ${what}`,
    since: (moment: string) => `${moment} alkaen`,
  },
  keys: {
    make: "Luo avain",
    title: "Uusi avain",
    lead: "Avain näytetään vain kerran, heti luomisen jälkeen.",
    name: "Nimi",
    nameHint: "Kenen tai minkä avain on, esim. Ainon kannettava.",
    scopes: "Oikeudet",
    scopeNames: scopes,
    scope: (scope: string) => (scope in scopes ? scopes[scope as Scope] : scope),
    more: "Rajat ja ehdot",
    nodes: "Kehotteet menevät",
    nodeNames: allowedNodes,
    owner: "Omistaja",
    ownerHint: "Koneet, jotka liittyvät saman omistajan avaimella, ovat omistajan omia.",
    models: "Mallit",
    modelsHint: "Pilkuin erotettuina; tyhjä: kaikki.",
    limits: "Enintään",
    limitNames: limits,
    days: "Voimassaolo päivinä",
    daysHint: "Tyhjä: toistaiseksi.",
    faults: keyFaults,
    save: "Luo avain",
    secretTitle: "Avain on valmis",
    rotatedTitle: "Uusi salaisuus on valmis",
    secretLead: "Kopioi avain nyt: sitä ei näytetä enää koskaan.",
    rotatedLead: "Kopioi avain nyt: sitä ei näytetä enää koskaan. Entinen kelpaa vielä vuorokauden.",
    copied: "Olen kopioinut sen",
    nothing: "Avaimia ei ole.",
    caption: "Avaimet",
    columns: {
      name: "Nimi",
      state: "Tila",
      may: "Saa",
      today: "Tänään",
      total: "Yhteensä",
      used: "Viimeksi käytetty",
    },
    status: (status: string) => statuses[status] ?? status,
    until: (moment: string) => `${moment} asti`,
    previous: (moment: string) => `entinen kelpaa ${moment} asti`,
    use: (count: number, prompts: string, tokens: string) =>
      `${prompts} ${count === 1 ? "kehote" : "kehotetta"}, ${tokens} tok`,
    never: "ei koskaan",
    rotate: "Vaihda",
    rotateNamed: (name: string) => `Vaihda: ${name}`,
    revoke: "Mitätöi",
    revokeNamed: (name: string) => `Mitätöi: ${name}`,
    revokeTitle: (name: string) => `Mitätöidäänkö ${name}?`,
    revokeLead:
      "Avain lakkaa kelpaamasta heti, ja sillä liittyneiden koneiden yhteys katkaistaan. Tätä ei voi perua.",
    showRevoked: "Näytä myös mitätöidyt",
  },
  queue: {
    lead: "Kehotteiden tekstiä ei näytetä eikä tallenneta missään.",
    sum: (waiting: number, running: number) => `${waiting} odottaa, ${running} vastattavana`,
    nothing: "Yhtään kehotetta ei ole jonossa eikä vastattavana.",
    caption: "Kehotteet",
    columns: { state: "Tila", model: "Malli", from: "Kysyjä", node: "Kone", size: "Arvio", time: "Aika" },
    state: (state: string) => states[state] ?? state,
    noKey: "ilman avainta",
    size: (prompt: string, answer: string) => `${prompt} + ${answer} tok`,
    second: "varakoneella",
    attempts: (count: number) => `${count}. yritys`,
    cancel: "Peru kehote",
    cancelNamed: (task: string) => `Peru kehote ${task}`,
    cancelled: "Kehote peruttiin, ja kysyjä sai siitä tiedon.",
    more: "Vain ensimmäiset 500 näytetään.",
  },
  audits: {
    lead: "Osa vapaaehtoisten koneiden vastauksista tarkastetaan luotetulla koneella. Kone, jonka vastaukset eivät ole sen mallin omia, hyllytetään: se ei saa kehotteita.",
    suspended: "Hyllytetyt",
    suspendedLead: "Palautettu kone saa taas vastata, ja sitä tarkastetaan kuin uutta.",
    noneSuspended: "Yhtään konetta ei ole hyllytetty.",
    suspendedCount: (count: number) => (count === 1 ? "1 hyllytetty" : `${count} hyllytettyä`),
    timeUnknown: "ajankohta ei ole tiedossa",
    here: "paikalla",
    away: "ei paikalla",
    reinstate: "Palauta",
    reinstateNamed: (name: string) => `Palauta: ${name}`,
    sinceStart: "Keskuksen käynnistyksen jälkeen",
    counts: {
      judged: "Tarkastettu",
      faults: "Virheellisiä",
      missed: "Jäi tekemättä",
      running: "Tarkastettavana",
      waiting: "Odottaa tarkastusta",
    },
    standings: "Koneet, joita tarkastetaan",
    standingsLead:
      "Mitä useampi tarkastus on peräkkäin kunnossa, sitä harvemmin konetta tarkastetaan. Poikkeama kertoo, kuinka kaukana vastaukset ovat mallin omista.",
    caption: "Tarkastettavat koneet malleittain",
    noStandings: "Paikalla ei ole yhtään tarkastettavaa konetta.",
    columns: {
      node: "Kone",
      model: "Malli",
      good: "Kunnossa peräkkäin",
      share: "Tarkastettava osuus",
      margin: "Viimeisin poikkeama",
    },
    percent: (share: string) => `${share}\u00a0%`,
    margins: (mean: string, threshold: string) => `${mean} (raja ${threshold})`,
    tokens: (count: string) => `${count} tok`,
    verdicts: "Tarkastusten tulokset",
    noVerdicts: "Mitään ei ole vielä tarkastettu.",
    good: "kunnossa",
    bad: "virheellinen",
  },
  settings: {
    lead: "Muutokset tulevat voimaan heti ja säilyvät uudelleenkäynnistyksen yli. Ne ohittavat ympäristömuuttujan, kunnes ne perutaan.",
    groups,
    words: settings,
    choice: (choice: string) => choices[choice] ?? choice,
    range: (least: string, most: string) => `Kokonaisluku väliltä ${least}–${most}.`,
    save: "Tallenna",
    saveNamed: (name: string) => `Tallenna: ${name}`,
    atStart: (value: string) => `Käynnistyessä ${value}`,
    from: (name: string) => `ympäristömuuttujasta ${name}`,
    isSet: "asetettu täällä",
    takeBack: "Palauta",
    takeBackNamed: (name: string) => `Palauta: ${name}`,
    on: "päällä",
    off: "pois",
    saved: (name: string) => `Tallennettu: ${name}.`,
  },
  log: {
    lead: "Keskuksen loki sitä mukaa kuin sitä kirjoitetaan. Siinä ei ole kehotteita, vastauksia eikä salaisuuksia.",
    level: "Vähintään",
    levels,
    pause: "Pysäytä",
    resume: "Jatka",
    clear: "Tyhjennä",
    connected: "seurataan",
    connecting: "yhdistetään…",
    failed: "ei yhteyttä, yritetään uudelleen",
    full: "Keskuksen lokia seurataan jo niin monesta paikasta kuin yhtä aikaa voi. Sulje jokin niistä; yhteyttä yritetään uudelleen.",
    paused: "pysäytetty",
    nothing: "Vielä ei ole kirjoitettu mitään.",
    missed: (count: number, lines: string) => `${lines} ${count === 1 ? "rivi" : "riviä"} jäi välistä`,
    region: "Loki",
  },
  changes: {
    lead: "Kuka muutti mitä, viimeisin ensin.",
    nothing: "Mitään ei ole muutettu.",
    action: (action: string) => actions[action] ?? action,
    who: {
      session: "Ylläpitäjä",
      key: (name: string) => `Avain ${name}`,
      this_machine: "Keskuksen oma kone",
    },
    from: (address: string) => `osoitteesta ${address}`,
    details: "Tarkemmin",
  },
};

export type AdminWords = typeof fi;
