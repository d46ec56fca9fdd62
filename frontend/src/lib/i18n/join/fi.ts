// The Finnish sentences of the dialog that joins a machine.

import type { System } from "../../join/system";

const systems: Record<System, string> = {
  linux: "Linux",
  macos: "macOS",
  windows: "Windows",
  docker: "Docker",
};

export const fi = {
  title: "Liitä koneesi",
  lead: "Kaksi komentoa, ja koneesi vastaa verkon kehotteisiin niin kauan kuin ohjelma on käynnissä.",
  close: "Sulje",
  system: "Käyttöjärjestelmä",
  systems,
  model: "Malli",
  ollama: {
    title: "Asenna Ollama ja hae malli",
    hint: "Ollama laskee vastaukset. Jos se on jo asennettu, riittää komennon viimeinen rivi.",
  },
  node: {
    title: "Käynnistä kipina-node",
    hint: {
      linux: "Komento hakee ohjelman tästä keskuksesta, tarkistaa sen ja käynnistää sen.",
      macos: "Komento hakee ohjelman tästä keskuksesta, tarkistaa sen ja käynnistää sen.",
      windows:
        "Aja PowerShellissä. Komento hakee ohjelman tästä keskuksesta, tarkistaa sen ja käynnistää sen.",
      docker: "Säiliö hakee ohjelman tästä keskuksesta, tarkistaa sen ja käynnistyy aina koneen mukana.",
    } satisfies Record<System, string>,
  },
  copyOllama: "Kopioi komento: Ollama",
  copyNode: "Kopioi komento: kipina-node",
  copyAgain: "Kopioi komento: käynnistä uudelleen",
  copySource: "Kopioi komento: käännä itse",
  copy: "Kopioi",
  key: "Keskuksen avain",
  keyHint:
    "Vain jos keskuksen ylläpitäjä on antanut sellaisen (NODE_API_KEY). Avain menee komentoon, ei talteen.",
  showKey: "Näytä avain",
  more: "Muut tavat",
  again: "Ohjelma on jo koneella",
  source: "Koneellesi ei ole valmista ohjelmaa: käännä se lähdekoodista",
  onlyHere: (host: string) =>
    `Osoite ${host} toimii vain tällä koneella. Jos liität toisen koneen, avaa tämä sivu ensin osoitteesta, jonka se näkee.`,
  waiting: "Odotetaan uutta konetta. Se näkyy tässä heti, kun se on liittynyt.",
  joined: (name: string) => `Kone ${name} liittyi verkkoon.`,
};

export type JoinSentences = typeof fi;
