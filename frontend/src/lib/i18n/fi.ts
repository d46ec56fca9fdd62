// Every Finnish sentence that a person reads. The other dictionaries have exactly these keys.

import type { View } from "../page/router";

const viewNames: Record<View, string> = {
  studio: "Studio",
  projects: "Projektit",
  network: "Verkko",
  compute: "Laskenta",
  guide: "Opas",
  settings: "Asetukset",
  admin: "Ylläpito",
};

export const fi = {
  language: { name: "Suomi", choose: "Kieli" },
  page: {
    name: "Kipinä",
    skip: "Siirry sisältöön",
    tagline: "Koneistasi yksi yksityinen kielimalli",
    noScript: "Kipinä laskee selaimessasi, ja siihen tarvitaan JavaScript. Salli se ja lataa sivu uudelleen.",
  },
  copy: { copy: "Kopioi", copied: "Kopioitu", refused: "Kopiointi ei onnistunut" },
  views: {
    label: "Näkymät",
    names: viewNames,
    /** What each is for, said before its scripts have come. */
    leads: {
      studio:
        "Kysy tai pyydä koodia omin sanoin. Tiimin valittu agentti vastaa, ja laskennan tekevät liittyneet koneet.",
      projects: "Kerro idea, niin tiimi suunnittelee, kirjoittaa, testaa ja tarkastaa sen tiedostot.",
      network:
        "Koneet, jotka vastaavat kehotteisiin tässä keskuksessa juuri nyt. Kehotteiden tekstiä ei näy täällä eikä sitä tallenneta.",
      compute:
        "Tämä välilehti voi ajaa kielimallin omalla koneellasi. Malli ladataan kerran ja pysyy laitteellasi.",
      guide:
        "Miten pienet kielimallit toimivat, mitä niiltä kannattaa pyytää ja mitä sanoillesi tapahtuu. Luvut on mitattu tällä järjestelmällä, ja kuvien jakaumat ovat oikeasta mallista.",
      settings:
        "Kieli, ulkoasu, avain, laskenta ja tallennustila. Asetukset säilyvät vain tässä selaimessa, tällä laitteella.",
      admin:
        "Keskuksen ylläpitäjälle: koneet, avaimet, jono, tarkastukset, asetukset ja loki. Jokainen muutos kirjataan muistiin.",
    } satisfies Record<View, string>,
    title: (view: View) => (view === "studio" ? "Kipinä" : `${viewNames[view]} – Kipinä`),
    broken: "Näkymä pysähtyi virheeseen",
    brokenHint: "Muu sivu toimii, ja tallennettu on tallessa. Yritä uudelleen tai lataa sivu.",
    again: "Yritä uudelleen",
    detail: (message: string) => `Virhe: ${message}`,
    missing: "Näkymää ei saatu",
    missingHint: "Keskus ei vastannut tai sivusta on uudempi versio. Lataa sivu uudelleen.",
    reload: "Lataa uudelleen",
  },
  status: {
    title: "Tila",
    hub: "Keskus",
    hubStates: { unknown: "tarkistetaan", connected: "yhteys kunnossa", unreachable: "ei yhteyttä" },
    network: "Verkko",
    nodes: (count: number) => (count === 1 ? "1 kone" : `${count} konetta`),
    models: (count: number) => (count === 1 ? "1 malli" : `${count} mallia`),
    perMinute: (count: string) => (count === "1" ? "1 kehote/min" : `${count} kehotetta/min`),
    perMinuteShort: (count: string) => `${count}/min`,
    compute: "Oma laskenta",
    processor: "suoritin",
    join: "Liitä koneesi",
    look: "Avaa",
    lookNamed: "Avaa laskenta",
    percent: (count: number) => `${count}\u00a0%`,
    none: "–",
  },
  offline: {
    title: "Keskukseen ei saada yhteyttä",
    text: "Kehotteisiin ei nyt saada vastauksia. Opas, tällä laitteella olevat projektit ja asetukset toimivat silti.",
    again: "Yhdistä uudelleen",
  },
  update: {
    ready: "Kipinästä on uusi versio.",
    interrupts: "Laskenta ja kesken olevat vastaukset keskeytyvät hetkeksi.",
    apply: "Päivitä",
    later: "Myöhemmin",
    elsewhere: "Kipinä päivitettiin toisessa välilehdessä.",
    reload: "Lataa uudelleen",
  },
  trouble: {
    title: "Jokin meni vikaan",
    hint: "Jos jokin ei nyt toimi, lataa sivu uudelleen.",
    close: "Sulje",
    reload: "Lataa uudelleen",
  },
  faces: {
    idle: "ei käynnissä",
    checking: "tarkistetaan laitetta",
    asking: "odottaa vastaustasi",
    elsewhere: "käynnissä toisessa välilehdessä",
    preparing: "valmistellaan",
    downloading: "ladataan mallia",
    building: "rakennetaan",
    joining: "liitytään keskukseen",
    ready: "valmis",
    busy: "vastaa kehotteeseen",
    paused: "tauolla",
    offline: "ei yhteyttä keskukseen",
    stopping: "pysäytetään",
    stopped: "pysäytetty",
    failed: "ei onnistunut",
  },
  compute: {
    title: "Laske tällä koneella",
    start: "Alusta",
    startAgain: "Yritä uudelleen",
    pause: "Tauko",
    resume: "Jatka",
    stop: "Pysäytä",
    change: (model: string) => `Vaihda malliin ${model}`,
    strangersTitle: "Kenen kehotteita kone laskee?",
    strangers:
      "Kun välilehti laskee, sillä ajetaan myös muiden kehotteita. Niiden teksti on koneesi muistissa vain vastauksen ajan eikä sitä tallenneta. Keskus näkee kehotteet mutta ei säilytä niitä.",
    onlyOwn: "Vain omat kehotteeni",
    with: "Millä lasketaan?",
    withHint:
      "Automaattinen valinta mittaa kummankin ja ottaa nopeamman. Muutos tulee voimaan, kun laskenta alustetaan.",
    wishes: { auto: "Automaattinen", gpu: "Näytönohjain", cpu: "Suoritin" },
    threads: "Säikeitä",
    threadsHint: (cores: number) =>
      `Koneessa on ${cores} ydintä. Muutos tulee voimaan, kun laskenta alustetaan.`,
    threadsUnavailable: "Tässä selaimessa lasketaan yhdellä säikeellä.",
    autoStart: "Alusta itsestään, kun sivu avataan",
    slower: {
      secure_context:
        "Selain sallii laskemisen vain suojatulla yhteydellä (https) tai keskuksen omalla koneella (localhost).",
      webassembly: "Tässä selaimessa ei ole WebAssemblya.",
      simd: "Tässä selaimessa ei ole WebAssemblyn SIMD-käskyjä.",
      relaxed_simd:
        "Selaimesta puuttuu relaxed SIMD, joten laskenta on tavallista hitaampaa. Uusi Chrome, Edge tai Firefox on nopeampi.",
      threads: "Selaimesta puuttuvat WebAssemblyn säikeet, joten laskenta on tavallista hitaampaa.",
      isolation:
        "Sivua ei ole eristetty muista sivuista (COOP- ja COEP-otsakkeet puuttuvat), joten lasketaan yhdellä säikeellä. Kerro keskuksen ylläpitäjälle.",
    },
  },
  progress: {
    label: (model: string) => `Mallin ${model} lataus`,
    rehashing: "Tarkistetaan aiemmin ladattua osaa",
    fetching: { hub: "Ladataan keskuksesta", hugging_face: "Ladataan Hugging Facesta" },
    waiting: "Yhteys katkesi. Yritetään pian uudelleen; ladattu osa on tallessa.",
    amount: (done: string, total: string) => `${done} / ${total}`,
    speed: (speed: string) => `${speed}/s`,
    left: (time: string) => `jäljellä ${time}`,
    preparing: "Valmistellaan",
    building: "Rakennetaan mallia muistiin",
  },
  running: {
    joining: "Liitytään keskukseen…",
    ready: "Valmis. Välilehti vastaa kehotteisiin, kun pidät sen auki.",
    busy: (tokens: number) => `Vastaa kehotteeseen: ${tokens} tokenia.`,
    paused: "Tauolla. Malli on muistissa, mutta uusia kehotteita ei oteta.",
    pausedBusy: "Tauolla. Kesken oleva vastaus lasketaan loppuun.",
    offline: "Yhteys keskukseen katkesi. Malli pysyy muistissa, ja välilehti liittyy takaisin itsestään.",
  },
  computation: {
    gpu: (adapter: string) => `Laskee näytönohjaimella ${adapter}.`,
    cpu: (threads: number) =>
      threads === 1
        ? "Laskee suorittimella yhdessä säikeessä."
        : `Laskee suorittimella ${threads} säikeessä.`,
    unavailable: "Selain ei anna sivulle näytönohjainta (WebGPU).",
    slower: (adapter: string) => `Näytönohjain ${adapter} olisi suoritinta hitaampi.`,
    does_not_fit: (adapter: string) =>
      `Malli ei mahdu näytönohjaimelle ${adapter}. Pienempi malli voi mahtua.`,
    failed: (adapter: string, message: string) =>
      `Mallia ei saatu näytönohjaimelle ${adapter}. Selaimen tai ajurin päivitys voi auttaa. (${message})`,
    lost: (adapter: string) =>
      `Näytönohjain ${adapter} katosi kesken laskennan, joten suoritin jatkaa. Näytönohjainta yritetään taas, kun laskenta pysäytetään ja alustetaan uudelleen.`,
    lostOnce: "Näytönohjain katosi kesken laskennan, ja malli rakennettiin sille uudelleen.",
    rebuilding:
      "Näytönohjain katosi kesken laskennan. Mallia rakennetaan uudelleen, ja uudet kehotteet odottavat sen ajan.",
  },
  restarted:
    "Selain lopetti laskennan, luultavasti muistin loputtua, ja se aloitettiin kerran uudelleen. Jos sama toistuu, sulje muita välilehtiä tai valitse pienempi malli.",
  asking: {
    title: "Aloitetaanko silti?",
    battery: "Kone on akun varassa. Laskeminen kuluttaa akkua nopeasti.",
    data_saver: (size: string) => `Datansäästö on päällä, ja mallin koko on ${size}.`,
    yes: "Aloita silti",
    no: "Ei nyt",
  },
  elsewhere: {
    title: "Laskenta on jo käynnissä toisessa välilehdessä",
    text: "Selain pitää mallia muistissa vain kerran.",
    holder: (model: string, time: string) => `Toinen välilehti alustettiin kello ${time} mallilla ${model}.`,
    unknown: "Toinen välilehti ei vastaa juuri nyt. Se voi olla jäissä taustalla.",
    takeOver: "Siirrä tähän välilehteen",
  },
  stopped: {
    person: "Pysäytetty. Ladattu malli on tallessa laitteellasi.",
    moved: "Laskenta siirtyi toiseen välilehteen.",
  },
  models: {
    title: "Mallit",
    loading: "Haetaan malliluetteloa…",
    unavailable: "Luetteloa ei saatu.",
    empty: "Keskuksen luettelossa ei ole yhtään mallia.",
    size: (size: string) => `lataus ${size}`,
    aboutSize: (size: string) => `lataus noin ${size}`,
    memory: (size: string) => `muistia noin ${size}`,
    licence: (licence: string) => `lisenssi ${licence}`,
    stored: "laitteellasi",
    partlyStored: "lataus kesken",
    current: "käytössä",
    remove: "Poista laitteelta",
    removeNamed: (model: string) => `Poista malli ${model} laitteelta`,
    removeFailed: "Mallia ei voitu poistaa. Sulje muut Kipinän välilehdet ja yritä uudelleen.",
    notPinned: "ei tarkistussummaa: latauksesta tarkistetaan vain pituus",
    noSource: "Tiedostoa ei ole keskuksessa, eikä luettelo kerro, mistä selain saisi sen.",
    beyondWasm: (needed: string) =>
      `Tarvitsee noin ${needed} muistia, selaimen välilehteen mahtuu enintään 4 Gt.`,
    deviceMemory: (needed: string, deviceGigabytes: number) =>
      `Tarvitsee noin ${needed} muistia, ja laitteessa on ${deviceGigabytes} Gt. Valitse pienempi malli.`,
  },
  failures: {
    title: "Tämä ei onnistunut",
    network_lost:
      "Yhteys katkesi eikä palannut. Ladattu osa on tallessa: tarkista verkko ja yritä uudelleen, niin lataus jatkuu.",
    source_missing:
      "Mallin tiedostoa ei löytynyt keskuksesta eikä Hugging Facesta. Valitse toinen malli tai kerro keskuksen ylläpitäjälle.",
    wrong_length:
      "Tarjolla oleva tiedosto on eri kokoinen kuin luettelossa. Valitse toinen malli tai kerro keskuksen ylläpitäjälle.",
    corrupt:
      "Ladatun tiedoston tarkistussumma oli kahdesti väärä, joten se poistettiin. Yritä myöhemmin uudelleen tai valitse toinen malli.",
    storage_full: (needed: string, free: string) =>
      `Levytila ei riitä: tarvitaan ${needed}, selaimella on vapaana ${free}. Poista malleja tai vapauta levyä ja yritä uudelleen.`,
    storage_full_unknown: (needed: string) =>
      `Levytila loppui: puuttuu vielä ${needed}. Poista malleja tai vapauta levyä ja yritä uudelleen.`,
    storage_unavailable:
      "Selain ei anna sivun tallentaa mitään. Avaa sivu tavallisessa ikkunassa, ei yksityisessä, ja salli sivuston tiedot.",
    browser_too_old: (missing: string) =>
      `${missing} Päivitä selain tai käytä uutta Chromea, Edgeä, Firefoxia tai Safaria.`,
    insecure: (missing: string) =>
      `${missing} Avaa sivu https-osoitteesta tai pyydä keskuksen ylläpitäjältä sellainen.`,
    not_enough_memory: (needed: string) =>
      `Malli tarvitsee noin ${needed} muistia, eikä se mahdu tälle laitteelle. Valitse pienempi malli.`,
    nothing_fits:
      "Yksikään luettelon malleista ei mahdu tälle laitteelle, joten välilehti ei voi laskea. Kehotteita voi silti lähettää studiossa.",
    unknown_model: (model: string) =>
      `Osoitteessa pyydettyä mallia ${model} ei ole luettelossa. Valitse malli alta.`,
    catalogue_unreachable:
      "Malliluetteloa ei saatu keskukselta. Tarkista, että keskus on käynnissä, ja yritä uudelleen.",
    no_engine:
      "Tähän keskukseen ei ole asennettu selaimen laskentamoottoria, joten välilehti ei voi laskea. Kehotteita voi silti lähettää studiossa. Kerro keskuksen ylläpitäjälle.",
    engine_unreachable: "Laskentamoottoria ei saatu keskukselta. Tarkista yhteys ja yritä uudelleen.",
    out_of_memory: "Muisti loppui. Sulje muita välilehtiä tai valitse pienempi malli ja yritä uudelleen.",
    engine: (message: string) =>
      `Laskentamoottori pysähtyi virheeseen. Yritä uudelleen; jos sama toistuu, poista malli ja lataa se uudestaan. (${message})`,
    worker_lost:
      "Selain lopetti laskennan, luultavasti muistin loputtua. Sulje muita välilehtiä tai valitse pienempi malli ja yritä uudelleen.",
    refused_key: "Tämä keskus ottaa mukaan vain koneita, joilla on sen avain. Kysy keskuksen ylläpitäjältä.",
    refused_nodes:
      "Tästä verkosta laskee jo niin moni välilehti kuin keskus sallii. Pysäytä jokin niistä ja yritä uudelleen.",
    refused_ban: (reason: string) =>
      `Keskuksen ylläpitäjä on estänyt tämän koneen. Kysy syytä häneltä. (${reason})`,
    refused_version: "Tämä sivu on vanhempi kuin keskus. Lataa sivu uudelleen.",
    refused: (reason: string) =>
      `Keskus ei ottanut välilehteä mukaan. Yritä hetken päästä uudelleen. (${reason})`,
  },
  prompt: {
    speed: (speed: string) => `${speed} tok/s`,
    errors: {
      unreachable: "Yhteys keskukseen katkesi. Tarkista verkko ja yritä uudelleen.",
      unreadable: "Keskuksen vastausta ei voitu lukea. Lataa sivu uudelleen.",
      no_node_available:
        "Mallille ei ole juuri nyt yhtään vapaata konetta. Alusta malli yllä tai yritä hetken päästä uudelleen.",
      model_not_found: "Keskus ei tunne mallia. Valitse toinen malli.",
      missing_api_key: "Tämä keskus vaatii API-avaimen. Anna se asetuksissa; avaimen saa ylläpitäjältä.",
      invalid_api_key: "Keskus ei hyväksy API-avainta. Tarkista se asetuksissa tai pyydä ylläpitäjältä uusi.",
      expired_api_key: "API-avain on vanhentunut. Pyydä ylläpitäjältä uusi ja anna se asetuksissa.",
      insufficient_scope: "API-avain ei ole kysymistä varten. Pyydä ylläpitäjältä sopiva.",
      model_not_allowed: "API-avain ei ole tätä mallia varten. Valitse toinen malli.",
      insufficient_quota: "Päivän määrä on käytetty. Jatka, kun uusi päivä alkaa keskiyöllä (UTC).",
      context_length_exceeded: "Kehote on mallille liian pitkä. Lyhennä sitä ja yritä uudelleen.",
      out_of_memory: "Vastanneelta koneelta loppui muisti. Yritä uudelleen tai valitse pienempi malli.",
      node_lost: "Vastannut kone poistui verkosta kesken vastauksen. Yritä uudelleen.",
      cancelled_by_operator:
        "Keskuksen ylläpitäjä perui kehotteen. Kysy häneltä, ennen kuin lähetät sen uudelleen.",
      hub_stopping: "Keskusta ollaan sulkemassa. Odota hetki ja yritä uudelleen.",
      rate_limit_exceeded: "Kehotteita on nyt liikaa. Odota hetki ja yritä uudelleen.",
      deadline_expired: "Kehote odotti vuoroaan liian kauan. Yritä uudelleen.",
      other: (message: string) => `Vastaus epäonnistui. Yritä uudelleen. (${message})`,
    },
  },
  time: {
    seconds: (count: number) => `${count} s`,
    minutes: (minutes: number, seconds: number) => `${minutes} min ${seconds} s`,
    hours: (hours: number, minutes: number) => `${hours} h ${minutes} min`,
  },
  units: ["t", "kt", "Mt", "Gt"] as [string, string, string, string],
  notFound: { title: "Sivua ei ole", text: "Tässä osoitteessa ei ole mitään.", home: "Etusivulle" },
};

export type Dictionary = typeof fi;
