//! `kipina-hub --help`, in both languages.

use crate::language::Text;

pub fn version() -> String {
    format!("kipina-hub {}", env!("CARGO_PKG_VERSION"))
}

pub fn unknown_argument(argument: &str) -> Text {
    Text::new(
        format!("kipina-hub: tuntematon valitsin ”{argument}”; katso kipina-hub --help"),
        format!("kipina-hub: unknown option '{argument}'; see kipina-hub --help"),
    )
}

pub fn backup_without_path() -> Text {
    Text::new(
        "kipina-hub backup: anna polku, johon kopio tehdään, esim. kipina-hub backup /varmuus/kipina.sqlite",
        "kipina-hub backup: give the path of the copy, as in kipina-hub backup /backup/kipina.sqlite",
    )
}

pub fn restore_without_path() -> Text {
    Text::new(
        "kipina-hub restore: anna varmuuskopion polku, esim. kipina-hub restore /varmuus/kipina.sqlite",
        "kipina-hub restore: give the path of the backup, as in kipina-hub restore /backup/kipina.sqlite",
    )
}

pub fn help() -> Text {
    Text::new(FINNISH, ENGLISH)
}

const FINNISH: &str = "\
kipina-hub: ottaa kehotteet vastaan, jakaa ne solmuille ja välittää vastaukset

Käyttö:
  kipina-hub                    palvelee, kunnes se pysäytetään
  kipina-hub replace            astuu käyvän keskuksen tilalle; yksikään kehote ei katkea
  kipina-hub replace --or-start samoin, tai palvelee alusta asti, jos mikään ei käy
  kipina-hub check              tarkistaa asetukset ja tietokannan käynnistämättä mitään
  kipina-hub ready              kertoo, onko näillä asetuksilla käyvä keskus valmis (paluukoodi 0)
  kipina-hub backup POLKU       kopioi tietokannan, myös keskuksen käydessä
  kipina-hub restore POLKU      palauttaa kopion tietokannan paikalle, kun keskus ei käy
  kipina-hub --help, --version

Asetukset luetaan ympäristömuuttujista:
  PORT                          portti (3000)
  BIND                          osoite, jota kuunnellaan (127.0.0.1 = vain tämä kone)
  DATABASE_PATH                 SQLite-tietokanta (~/.local/share/kipina/kipina.sqlite)
  STATIC_DIR                    rakennettu sivusto (jos puuttuu: pieni sisäinen sivu)
  MODELS_DIR                    mallitiedostot (~/.cache/kipina/models)
  DOWNLOADS_DIR                 ohjelmat liittyville koneille (~/.local/share/kipina/downloads)
  ADMIN_PASSWORD                ylläpidon salasana
  ACCESS                        kuka saa kysyä: open = kaikki, keys = vain avaimella (open)
  ANONYMOUS_REQUESTS_PER_MINUTE pyyntöjä minuutissa osoitteesta ilman avainta, 0 = ei rajaa (600)
  ANONYMOUS_TOKENS_PER_MINUTE   tokeneita minuutissa osoitteesta ilman avainta, 0 = ei rajaa (1000000)
  ANONYMOUS_REQUESTS_PER_DAY    pyyntöjä vuorokaudessa osoitteesta ilman avainta, 0 = ei rajaa (0)
  ANONYMOUS_TOKENS_PER_DAY      tokeneita vuorokaudessa osoitteesta ilman avainta, 0 = ei rajaa (0)
  NODE_API_KEY                  avain, jolla solmu todetaan luotetuksi
  ALLOWED_ORIGINS               sivustot, jotka saavat kutsua keskusta: https://nimi,…
  TRUSTED_PROXIES               välityspalvelimet, joiden X-Forwarded-otsakkeet uskotaan (127.0.0.0/8,::1)
  CONNECTIONS_PER_ADDRESS       solmuja yhdestä osoitteesta enintään (64)
  BROWSERS_PER_ADDRESS          niistä selaimia ilman avainta enintään (32)
  MAX_CONNECTIONS               yhteyksiä kaikkiaan enintään (16384)
  HTTP_CONNECTIONS_PER_ADDRESS  niistä yhdestä osoitteesta enintään (256)
  MAX_BODY_BYTES                pyynnön enimmäispituus (4194304)
  QUEUE_LENGTH                  kehotteita jonossa mallia kohti enintään (64)
  QUEUE_DEADLINE_SECONDS        odotus jonossa enintään (120)
  FIRST_TOKEN_DEADLINE_SECONDS  odotus ensimmäiseen sanaan solmulla enintään (300)
  TOKEN_DEADLINE_SECONDS        tauko sanojen välissä enintään (60)
  HEDGE_AFTER_SECONDS           myöhässä oleva vastaus pyydetään myös toiselta, kun odotus on ainakin näin pitkä (10; 0 = ei koskaan)
  DRAIN_SECONDS                 aika, jonka sammuva keskus antaa keskeneräisille (30)
  HANDOVER_SECONDS              aika, jonka korvattu keskus antaa keskeneräisille (600)
  RETENTION_DAYS                päiviä, jotka kehotteiden tulokset säilytetään; 0 = aina (90)
  METRICS_TOKEN                 avain mittareihin (jos puuttuu: /metrics vain tältä koneelta)
  RUST_LOG                      lokin tarkkuus (info)
  LOG_FORMAT                    lokin muoto: text tai json (text)
  OTEL_EXPORTER_OTLP_ENDPOINT   OpenTelemetry-keräin jäljille: http://nimi:4318 (jos puuttuu: ei jälkiä)
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   sama polkuineen, vain jäljille
  OTEL_EXPORTER_OTLP_PROTOCOL   vain http/protobuf
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL   vain http/protobuf
  OTEL_EXPORTER_OTLP_TIMEOUT    lähetyksen aikaraja millisekunteina (10000)
  OTEL_SERVICE_NAME             keskuksen nimi jäljissä (kipina-hub)
  OTEL_SDK_DISABLED             true: ei jälkiä
";

const ENGLISH: &str = "\
kipina-hub: takes prompts in, shares them out to nodes and passes the answers back

Usage:
  kipina-hub                    serves until it is stopped
  kipina-hub replace            takes the place of the hub that runs; no prompt fails
  kipina-hub replace --or-start likewise, or serves from the beginning, where none runs
  kipina-hub check              checks settings and database, and starts nothing
  kipina-hub ready              tells whether the hub with these settings is ready (exit code 0)
  kipina-hub backup PATH        copies the database, also while the hub runs
  kipina-hub restore PATH       puts a copy in the database's place, while no hub runs
  kipina-hub --help, --version

Settings are read from the environment:
  PORT                          port (3000)
  BIND                          address to listen on (127.0.0.1 = this machine only)
  DATABASE_PATH                 SQLite database (~/.local/share/kipina/kipina.sqlite)
  STATIC_DIR                    the built site (absent: a small built-in page)
  MODELS_DIR                    model files (~/.cache/kipina/models)
  DOWNLOADS_DIR                 programs for machines that join (~/.local/share/kipina/downloads)
  ADMIN_PASSWORD                password of the operator's pages
  ACCESS                        who may ask: open = anybody, keys = with a key only (open)
  ANONYMOUS_REQUESTS_PER_MINUTE requests a minute from an address without a key, 0 = no limit (600)
  ANONYMOUS_TOKENS_PER_MINUTE   tokens a minute from an address without a key, 0 = no limit (1000000)
  ANONYMOUS_REQUESTS_PER_DAY    requests a day from an address without a key, 0 = no limit (0)
  ANONYMOUS_TOKENS_PER_DAY      tokens a day from an address without a key, 0 = no limit (0)
  NODE_API_KEY                  the key that makes a node a trusted one
  ALLOWED_ORIGINS               sites that may call the hub: https://name,…
  TRUSTED_PROXIES               proxies whose X-Forwarded headers are believed (127.0.0.0/8,::1)
  CONNECTIONS_PER_ADDRESS       most nodes from one address (64)
  BROWSERS_PER_ADDRESS          most of them browsers without a key (32)
  MAX_CONNECTIONS               most connections together (16384)
  HTTP_CONNECTIONS_PER_ADDRESS  most of them from one address (256)
  MAX_BODY_BYTES                longest request (4194304)
  QUEUE_LENGTH                  most prompts that wait for one model (64)
  QUEUE_DEADLINE_SECONDS        longest wait in the queue (120)
  FIRST_TOKEN_DEADLINE_SECONDS  longest wait for a node's first token (300)
  TOKEN_DEADLINE_SECONDS        longest pause between tokens (60)
  HEDGE_AFTER_SECONDS           a late answer is asked of a second node after this wait at the earliest (10; 0 = never)
  DRAIN_SECONDS                 what a stopping hub gives to answers under way (30)
  HANDOVER_SECONDS              what a replaced hub gives to answers under way (600)
  RETENTION_DAYS                days that outcomes of prompts are kept; 0 = for ever (90)
  METRICS_TOKEN                 key to the metrics (absent: /metrics for this machine only)
  RUST_LOG                      how much is logged (info)
  LOG_FORMAT                    form of the log: text or json (text)
  OTEL_EXPORTER_OTLP_ENDPOINT   OpenTelemetry collector for traces: http://name:4318 (absent: no traces)
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT   the same with its path, for traces alone
  OTEL_EXPORTER_OTLP_PROTOCOL   http/protobuf only
  OTEL_EXPORTER_OTLP_TRACES_PROTOCOL   http/protobuf only
  OTEL_EXPORTER_OTLP_TIMEOUT    time limit of an export in milliseconds (10000)
  OTEL_SERVICE_NAME             the hub's name in traces (kipina-hub)
  OTEL_SDK_DISABLED             true: no traces
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_name_the_same_settings() {
        let settings = |text: &str| -> Vec<String> {
            text.lines()
                .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next())
                .filter(|word| {
                    word.chars()
                        .all(|letter| letter.is_ascii_uppercase() || letter == '_')
                })
                .map(str::to_owned)
                .collect()
        };
        assert_eq!(settings(FINNISH), settings(ENGLISH));
        assert!(settings(ENGLISH).len() > 10);
    }
}
