// The guide's sentences. What stands between backticks is shown as code.

const tokens = (count: number): string => (count === 1 ? "1 token" : `${count} tokenia`);

export const fi = {
  title: "Opas",
  contents: "Sisällys",
  print: "Tulosta opas",
  source: "Lähde:",
  partMissing: "Tätä kohtaa ei saatu ladattua. Tarkista yhteys ja lataa sivu uudelleen.",
  partLoading: "Ladataan…",
  model: {
    start: (modelId: string) => `Käynnistä ${modelId} tässä välilehdessä`,
    startAny: "Käynnistä malli tässä välilehdessä",
    starting: "Malli käynnistyy…",
    downloading: (done: string, total: string) => `Mallia haetaan: ${done} / ${total}`,
    question: "Ennen käynnistystä on yksi kysymys.",
    answer: "Vastaa siihen Laskenta-sivulla",
    failed: "Malli ei käynnistynyt.",
    why: "Katso syy Laskenta-sivulta",
  },
  sizes: {
    nav: "Mallin koko",
    title: "Kuinka iso malli?",
    text: [
      "Mallin koko kerrotaan parametreina: 0.5B on puoli miljardia lukua. Jokaista kirjoitettua tokenia varten kone lukee ne kaikki muistista kerran. Siksi kaksi kertaa isompi malli on suunnilleen puolet hitaampi, ja siksi muistin nopeus ratkaisee enemmän kuin suorittimen.",
      "Iso ei ole aina parempi. Pieni malli täydentää funktion ennen kuin iso on lukenut kysymyksen. Valitse pienin, joka osaa sen, mitä tarvitset.",
    ],
    caption: "Luettelon Qwen2.5-Coder-mallit välilehdessä, jolla on kaksi säiettä",
    columns: {
      model: "Malli",
      file: "Tiedosto",
      memory: "Muistia",
      reads: "Lukee",
      writes: "Kirjoittaa",
      good: "Mihin",
    },
    perSecond: (speed: string) => `${speed} tok/s`,
    about: (size: string) => `noin ${size}`,
    notMeasured: "ei mitattu",
    ceiling: (speed: string) => `enintään noin ${speed} tok/s`,
    good: {
      "0.5b": "Funktio kerrallaan, täydennykset, nopeat kokeilut. Pitkä tehtävä karkaa siltä käsistä.",
      "1.5b": "Lyhyt kokonainen tiedosto ja siihen testit. Pitää muutaman vaatimuksen mielessä yhtä aikaa.",
      "3b": "Tiedosto, joka nojaa muihin tiedostoihin. Lisenssi kieltää kaupallisen käytön.",
      "7b": "Arvioinnit ja useamman tiedoston muutokset. Ei mahdu välilehteen: aja se Ollamassa tai ohjelmalla `kipina-node`.",
    },
    notes: [
      "Tiedoston koko on luettelosta; 3B:n ja 7B:n koot on arvioitu parametreista. 0.5B:n muisti on mitattu 4\u00a0096 tokenin kontekstilla, muut ovat arvioita, joilla Kipinä päättää, mahtuuko malli laitteellesi.",
      "Kun nopeutta ei ole mitattu, katto on laskettu: testikoneen muisti antaa 23,8 Gt sekunnissa, ja malli luetaan kerran tokenia kohti. Se, mihin malli sopii, on kokemukseen perustuva nyrkkisääntö, ei mittaus.",
    ],
  },
  tokens: {
    nav: "Tokenit",
    title: "Malli lukee tokeneita, ei sanoja",
    text: [
      "Ennen kuin malli näkee tekstisi, se pilkotaan tokeneiksi: yleisiksi kirjainjonoiksi, joista jokaisella on numero. Tavallinen englannin sana on yksi token, harvinainen sana monta. Kaikki maksaa tokeneina: aika, muisti ja se, paljonko tekstiä mahtuu.",
      "Kirjoita alle mitä vain. Tekstin pilkkoo mallin oma tokenisoija, sama joka laskee vastauksenkin.",
    ],
    label: "Tekstisi",
    count: tokens,
    legend: "Osoita tokenia tai siirry siihen nuolinäppäimillä, niin näet sen numeron.",
    piece: (text: string, id: number) => `${text}, numero ${id}`,
    partial: "osa merkkiä",
    space: "väli",
    newline: "rivinvaihto",
    list: "Tekstin tokenit",
    more: (count: number) => `…ja vielä ${tokens(count)}, joita ei piirretä.`,
    loading: "Haetaan tokenisoijaa…",
    once: "Tokenisoija haetaan mallin tiedoston alusta kerran (noin 6 Mt) ja jää selaimeen.",
    compareTitle: "Sama asia englanniksi ja suomeksi",
    compareText:
      "Mallit on opetettu enimmäkseen englannilla, joten suomi pilkkoutuu pienemmiksi paloiksi. Sama pyyntö maksaa enemmän, ja samanpituinen vastaus kestää kauemmin. Voit muokata kumpaakin.",
    english: "Englanniksi",
    finnish: "Suomeksi",
    cost: (reading: string, writing: string) => `lukeminen ${reading} s, kirjoittaminen ${writing} s`,
    costHint: (modelId: string, reads: string, writes: string) =>
      `Hinta laskettu ${modelId}:n mitatulla nopeudella välilehdessä: lukee ${reads} ja kirjoittaa ${writes} tokenia sekunnissa.`,
    ratio: (times: string) => `Suomeksi tokeneita tarvitaan ${times}-kertainen määrä.`,
    failures: {
      unknown_model: "Keskuksen luettelossa ei ole tätä mallia.",
      hub_unreachable:
        "Keskus ei vastaa, eikä tokenisoijaa ole vielä tällä laitteella. Kokeile, kun yhteys palaa.",
      source_missing: "Mallin tiedostoa ei ole keskuksessa eikä Hugging Facessa.",
      network_lost: "Mallin tiedoston alkua ei saatu haettua. Tarkista yhteys ja yritä uudelleen.",
      no_engine: "Tähän keskukseen ei ole asennettu laskentamoottoria.",
      engine_unreachable: "Laskentamoottoria ei saatu keskuksesta. Yritä hetken päästä uudelleen.",
      unsupported: "Selain ei pysty ajamaan tokenisoijaa.",
      worker_lost: "Selain keskeytti tokenisoijan. Yritä uudelleen.",
    },
    retry: "Yritä uudelleen",
  },
  layers: {
    nav: "Kehotteen kerrokset",
    title: "Mistä kehote koostuu",
    text: [
      "Malli ei muista mitään edellisestä kerrasta. Joka kerta se saa koko kehotteen alusta loppuun ja jatkaa siitä. Kehotteessa on kerroksia:",
    ],
    list: [
      {
        name: "Järjestelmäkehote",
        text: "Kuka agentti on ja miten se vastaa. Lyhyt ja myönteinen toimii: ”Kirjoita kokonainen tiedosto”, ei ”älä koskaan…”.",
      },
      {
        name: "Tiedostot",
        text: "Projektin aiemmat tiedostot, joihin uusi nojaa. Tärkeimmät ensin; jos kaikki ei mahdu, siitä kerrotaan.",
      },
      { name: "Keskustelu", text: "Aiemmat kysymykset ja vastaukset. Kasvaa joka kierroksella." },
      { name: "Pyyntösi", text: "Se mitä juuri nyt haluat. Lopussa oleva painaa eniten." },
      {
        name: "Vastauksen alku",
        text: "Esitäyttö: kirjoitamme vastauksen ensimmäiset merkit valmiiksi, esimerkiksi koodilohkon aidan. Malli jatkaa siitä eikä aloita höpöttämällä.",
      },
    ],
    window: (length: string) =>
      `Kaiken tämän ja vastauksen on mahduttava konteksti-ikkunaan. Välilehdessä se on ${length} tokenia, vaikka malli osaisi enemmän: muisti loppuisi muuten kesken.`,
    tryTitle: "Kokeile esitäyttöä",
    tryText: "Kysymys on sama, vain vastauksen alku vaihtuu. Katso, mitä malli sanoisi seuraavaksi.",
    asked: "Kysymys",
    begun: "Vastauksen alku",
    none: "ei mitään",
    fence: "koodilohkon aita",
    answer: "Seuraava token",
    recorded: (modelId: string) =>
      `Tallennettu mallista ${modelId}. Käynnistä malli, niin se laskee nämä tässä.`,
  },
  reading: {
    nav: "Lukeminen",
    title: "Ensin malli lukee, sitten kirjoittaa",
    text: [
      "Vastauksessa on kaksi vaihetta. Ensin malli lukee kehotteen (prefill): monta tokenia kerralla, nopeasti. Sitten se kirjoittaa token kerrallaan (decode), paljon hitaammin. Ensimmäistä sanaa odottaessasi malli lukee.",
    ],
    speeds: (reads: string, writes: string) =>
      `qwen2.5-coder:0.5b välilehdessä: lukee ${reads} ja kirjoittaa ${writes} tokenia sekunnissa.`,
    tryTitle: "Katso, kun malli lukee",
    tryText:
      "Anna mallin lukea muutaman sadan tokenin teksti. Lue se sitten uudelleen, ja kokeile muuttaa loppua tai alkua.",
    read: "Lue teksti",
    again: "Lue sama uudelleen",
    end: "Lisää lause loppuun ja lue",
    beginning: "Muuta alkua ja lue",
    progress: (done: number, total: number) => `${done} / ${tokens(total)} luettu`,
    runs: "Lukukerrat",
    columns: { what: "Mitä", tokens: "Tokeneita", cached: "Muistissa jo", time: "Aika", speed: "Nopeus" },
    whats: { read: "Koko teksti", again: "Sama uudelleen", end: "Lause lopussa", beginning: "Uusi alku" },
    seconds: (seconds: string) => `${seconds} s`,
    needsModel: "Tähän tarvitaan malli, joka laskee tässä välilehdessä.",
    failed: "Malli ei saanut luettua tekstiä. Yritä uudelleen.",
  },
  sampling: {
    nav: "Lämpötila ja arvonta",
    title: "Seuraava token arvotaan",
    text: [
      "Malli ei valitse sanaa vaan antaa jokaiselle tokenille todennäköisyyden. Sen jälkeen arvotaan. Säätimet muuttavat arvontaa, eivät mallia. Liikuta niitä ja katso, mitä pylväille käy.",
    ],
    recorded: (modelId: string) =>
      `Tallennettu jakauma mallista ${modelId}. Kun malli on käynnissä tässä välilehdessä, voit kirjoittaa oman tekstin.`,
    live: (modelId: string) => `${modelId} laskee tässä välilehdessä.`,
    texts: "Valmiita tekstejä",
    custom: "Teksti, jota malli jatkaa",
    names: { even: "Koodia", winter: "Englantia", cat: "Toistoa" },
    computing: (done: number, total: number) => `Lasketaan: ${done} / ${tokens(total)}`,
    empty: "Kirjoita jotain, niin malli jatkaa siitä.",
    failed: "Malli ei voinut laskea tätä. Lyhennä tekstiä tai yritä uudelleen.",
    temperature: "Lämpötila",
    temperatureHint: "Matala valitsee varman, korkea yllättää. 0 ottaa aina todennäköisimmän.",
    topK: "Top-k",
    topKHint: "Mukaan pääsee näin monta todennäköisintä.",
    topKOff: "kaikki",
    topP: "Top-p",
    topPHint: "Mukaan pääsevät ne, jotka yhdessä riittävät tähän osuuteen.",
    repeat: "Toistosakko",
    repeatHint: "Äsken sanotut tokenit menettävät todennäköisyyttä. 1 ei tee mitään.",
    reset: "Palauta säädöt",
    bars: "Todennäköisimmät tokenit",
    kept: (count: string) => `Arvonnassa mukana: ${count}`,
    others: (count: string) => `muut ${count}`,
    percent: (percent: string) => `${percent} %`,
    before: (percent: string) => `mallin mukaan ${percent}`,
    out: "pois",
    said: "sanottu äsken",
    ends: "vastaus päättyy",
    draw: "Arvo seuraava",
    drawn: (text: string) => `Arvottiin: ${text}`,
    drawnOther: "Arvottiin jokin muista.",
    add: "Lisää tekstiin",
    team: "Tiimin omat säädöt",
    teamColumns: {
      agent: "Agentti",
      temperature: "Lämpötila",
      topK: "Top-k",
      topP: "Top-p",
      repeat: "Toistosakko",
      tokens: "Tokeneita enintään",
    },
    teamText:
      "Koodin kirjoittajat ja tarkastaja pysyvät varmassa, suunnittelija ja riskien etsijä saavat arpoa vapaammin.",
  },
  stops: {
    nav: "Pysäytysmerkit",
    title: "Milloin vastaus loppuu",
    text: [
      "Malli lopettaa, kun se itse arpoo lopputokenin. Pieni malli ei aina malta: koodin jälkeen tulee selitys, esimerkki ja toinen esimerkki. Siksi vastaukselle annetaan pysäytysmerkkejä. Kun jokin niistä aloittaa rivin, kirjoittaminen loppuu siihen, eikä merkkiä enää näytetä.",
    ],
    list: "Tiimi lopettaa tiedoston näihin:",
    exampleTitle: "Esimerkki",
    kept: "Tämä jää",
    cut: "Tämä jää kirjoittamatta",
    cutText: "### Explanation\nThe function takes two numbers and…",
    length:
      "Jos vastaus loppuu pituusrajaan, se on kesken. Tiimi pyytää jatkoa eikä hyväksy puolikasta tiedostoa.",
  },
  team: {
    nav: "Tiimin työ",
    title: "Ideasta projektiksi",
    text: [
      "Yksi pieni malli ei muista kokonaista projektia. Siksi työ on jaettu: jokainen agentti saa yhden asian ja vain ne tiedostot, joita se tarvitsee.",
    ],
    figure: "Tiimin vaiheet järjestyksessä",
    stages: [
      {
        name: "Suunnitelma",
        text: "Tiedostot siinä järjestyksessä, jossa ne nojaavat toisiinsa.",
      },
      {
        name: "Tiedostot",
        text: "Yksi kerrallaan, kokonaan. Toisistaan riippumattomat menevät eri koneille yhtä aikaa.",
      },
      { agent: "tester", name: "Testit", text: "Luo, listaa, hae, muuta, poista." },
      { agent: "reviewer", name: "Arvio", text: "`LGTM` tai rivi kustakin viasta: `ISSUE: tiedosto: mitä`." },
      { agent: "observer", name: "Riskit", text: "Lopuksi lyhyt lista siitä, mihin kannattaa varautua." },
    ],
    mend: "Vika löytyi: tiedosto korjataan ja arvioidaan uudelleen, enintään kaksi kertaa.",
    after: "Kaikki tallentuu selaimeen joka askeleen jälkeen. Sulje välilehti kesken, ja työ jatkuu siitä.",
    open: "Kokeile: avaa Projektit",
  },
  cache: {
    nav: "Välimuisti",
    title: "Miksi toinen kysymys on nopeampi",
    text: [
      "Malli tallentaa jokaisesta luetusta tokenista välitulokset. Jos uusi kehote alkaa samoilla tokeneilla, alkua ei lueta uudelleen. Keskustelussa alku on aina sama: vain uusi kysymys on luettava.",
    ],
    figure: "Aika ensimmäiseen sanaan, kun keskustelun toinen kysymys on 885 tokenia",
    without: "Ilman välimuistia",
    with: "Välimuistin kanssa",
    milliseconds: (ms: string) => `${ms} ms`,
    ratio: (ratio: string) =>
      `Toinen vuoro vie ${ratio} % ajasta, joka koko kehotteen lukemiseen menisi: 885 tokenista luetaan vain parikymmentä uutta.`,
    advice:
      "Siksi kannattaa jatkaa samaa keskustelua ja pitää kehotteen alku ennallaan. Yksikin muutettu merkki alussa pakottaa lukemaan kaiken sen jälkeen uudelleen.",
  },
  tips: {
    nav: "Vinkit",
    title: "Näin pyydät pieneltä mallilta",
    list: [
      { name: "Pyydä englanniksi.", text: "Malli ymmärtää paremmin ja tokeneita kuluu vähemmän." },
      {
        name: "Yksi asia kerrallaan.",
        text: "”Write a function that…” onnistuu. ”Tee sovellus” ei: siihen on tiimi.",
      },
      {
        name: "Sano mitä haluat, älä mitä et halua.",
        text: "Kielto muistuttaa mallia juuri siitä, mitä et halunnut.",
      },
      {
        name: "Anna nimet ja tyypit.",
        text: "`def add(note: Note) -> int` kertoo enemmän kuin kolme lausetta.",
      },
      { name: "Pyydä kokonainen tiedosto.", text: "Pieni malli ei osaa muutosluetteloita (diff)." },
      { name: "Varo esimerkkejä.", text: "Malli kopioi ne vastaukseksi." },
      {
        name: "Laske lämpötilaa, kun haluat saman tuloksen.",
        text: "Koodille ja arvioille noin 0,3, ideoille enemmän.",
      },
      {
        name: "Aloita alusta, kun se jumittuu.",
        text: "Toistava vastaus kehotteessa ruokkii lisää toistoa.",
      },
    ],
  },
  privacy: {
    nav: "Yksityisyys",
    title: "Kuka näkee kehotteesi",
    text: [
      "Kipinä on oma verkko: kehotteesi ei mene millekään yritykselle. Jonkun koneen se on silti laskettava.",
    ],
    rows: [
      {
        who: "Selaimesi",
        sees: "Kaiken. Keskustelut ja projektit ovat vain tässä selaimessa, kunnes poistat ne.",
      },
      {
        who: "Keskus",
        sees: "Kehote ja vastaus kulkevat sen läpi. Se ei kirjoita niitä levylle eikä lokiin, vain määrät ja ajat.",
      },
      {
        who: "Kone, joka laskee",
        sees: "Kehotteen ja vastauksen sen ajan, kun se laskee. Koneen omistaja voisi lukea sen muistista.",
      },
      { who: "Muut verkossa", sees: "Montako kehotetta minuutissa. Eivät kenen eivätkä mitä." },
    ],
    own: "Jos teksti ei saa päätyä muiden koneille, käynnistä malli tässä välilehdessä ja valitse, että kehotteesi laskee vain oma koneesi. Silloin teksti kulkee keskuksen kautta takaisin sinulle.",
    tokens:
      "Tokenisoija ja tämän sivun kokeilut toimivat kokonaan selaimessasi: niihin kirjoittamasi teksti ei lähde minnekään.",
  },
};

export type GuideWords = typeof fi;
