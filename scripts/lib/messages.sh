# shellcheck shell=bash
# What the scripts say to people, in Finnish and in English: `say KEY VALUES…`, `fail KEY VALUES…`.

case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
  fi*) reader_language=finnish ;;
  *) reader_language=english ;;
esac

message() { # KEY VALUES...
  local key="$1" finnish english
  shift
  case "$key" in
    usage_fetch) finnish='käyttö: %s MALLI    (models.toml tuntee nämä: %s)' english='usage: %s MODEL    (models.toml knows: %s)' ;;
    no_catalogue) finnish='malliluetteloa ei voi lukea: %s' english='the model catalogue cannot be read: %s' ;;
    unknown_model) finnish='tuntematon malli: %s. models.toml tuntee nämä: %s' english='unknown model: %s. models.toml knows: %s' ;;
    no_checksum) finnish='%s: luettelossa ei ole tarkistussummaa, eikä Hugging Face antanut sitä. Kokeile: ollama pull %s' english='%s: the catalogue has no checksum and Hugging Face did not give one. Try: ollama pull %s' ;;
    cannot_write) finnish='kansioon ei voi kirjoittaa: %s' english='cannot write to the folder %s' ;;
    waiting_for_lock) finnish='Toinen haku on kesken (prosessi %s); odotetaan sitä.' english='Another run (process %s) is fetching this model; waiting for it.' ;;
    checking) finnish='Tarkistetaan %s.' english='Checking %s.' ;;
    wrong_file) finnish='%s ei ole se tiedosto, jonka models.toml kuvaa; haetaan uudelleen.' english='%s is not the file that models.toml describes; fetching it again.' ;;
    disk_too_full) finnish='levytila ei riitä: %s tarvitsee vielä %s Mt, kansiossa %s on vapaana %s Mt' english='not enough disk space: %s needs %s MB more, and %s has %s MB free' ;;
    disk_full) finnish='levy täyttyi kesken kirjoituksen: %s. Vapauta %s Mt ja aja uudelleen.' english='the disk filled up while writing %s. Free %s MB and run this again.' ;;
    fetching) finnish='Haetaan %s (%s Mt, lisenssi %s).' english='Fetching %s (%s MB, licence %s).' ;;
    trying) finnish='  lähde: %s' english='  source: %s' ;;
    resuming) finnish='  jatketaan kohdasta %s Mt' english='  going on from %s MB' ;;
    progress) finnish='  %s / %s Mt' english='  %s of %s MB' ;;
    part) finnish='  osa %s/%s: %s' english='  part %s of %s: %s' ;;
    source_failed) finnish='  ei onnistunut: %s' english='  did not work: %s' ;;
    wrong_checksum) finnish='  väärä tarkistussumma lähteestä %s: piti olla %s, oli %s. Tiedosto hylättiin.' english='  wrong checksum from %s: expected %s, got %s. The file was thrown away.' ;;
    no_pip) finnish='pip puuttuu (Debian ja Ubuntu: apt-get install python3-pip)' english='pip is missing (Debian and Ubuntu: apt-get install python3-pip)' ;;
    no_curl) finnish='curl puuttuu (Debian ja Ubuntu: apt-get install curl)' english='curl is missing (Debian and Ubuntu: apt-get install curl)' ;;
    no_source) finnish='%s: mistään lähteestä ei saatu kelvollista tiedostoa. Tarkista verkkoyhteys ja aja uudelleen; kesken jäänyt haku jatkuu siitä mihin jäi.' english='%s: no source gave the right file. Check the network and run this again; a broken download goes on where it stopped.' ;;
    fetched) finnish='Haettu ja tarkistettu: %s' english='Fetched and checked: %s' ;;
    run_this) finnish='Puuttuu: %s. Asenna tällä komennolla ja aja sitten uudelleen:' english='Missing: %s. Install with this command, then run this again:' ;;
    no_apt) finnish='Puuttuu: %s. Asenna ne järjestelmäsi omalla tavalla (Rust: https://rustup.rs) ja aja sitten uudelleen.' english='Missing: %s. Install them the way your system does (Rust: https://rustup.rs), then run this again.' ;;
    installing) finnish='Asennetaan %s.' english='Installing %s.' ;;
    install_failed) finnish='asennus epäonnistui: %s' english='could not install %s' ;;
    wrong_port) finnish='PORT=%s ei kelpaa: anna luku väliltä 1–65535' english='PORT=%s will not do: give a number from 1 to 65535' ;;
    port_in_use) finnish='portti %s on varattu: sulje ohjelma, joka sitä käyttää, tai valitse toinen: PORT=%s ./run.sh' english='port %s is in use: stop the program that has it, or choose another: PORT=%s ./run.sh' ;;
    building) finnish='Käännetään keskus ja solmu.' english='Building the hub and the node.' ;;
    building_node) finnish='Käännetään solmu. Se kestää muutaman minuutin.' english='Building the node. It takes some minutes.' ;;
    no_rust) finnish='Kääntämiseen tarvitaan Rust %s tai uudempi. Asenna se (https://rustup.rs) tai anna tämän asentaa se: KIPINA_INSTALL_RUST=yes' english='Building takes Rust %s or newer. Install it (https://rustup.rs), or let this install it: KIPINA_INSTALL_RUST=yes' ;;
    may_install_rust) finnish='Kääntämiseen tarvitaan Rust %s. Asennetaanko se? [K/e]' english='Building takes Rust %s. Install it? [Y/n]' ;;
    building_wasm) finnish='Käännetään laskentamoottori selaimille.' english='Building the engine for browsers.' ;;
    building_site) finnish='Rakennetaan sivut.' english='Building the pages.' ;;
    old_node) finnish='Node.js %s on liian vanha: asenna vähintään %s' english='Node.js %s is too old: install %s or newer' ;;
    no_wasm_compiler) finnish='selaimille kääntämiseen tarvitaan Rustin kirjaston lähteet; asenna ne: rustup component add rust-src' english='building for browsers needs the source of the Rust library; install it: rustup component add rust-src' ;;
    build_failed) finnish='kääntäminen epäonnistui; syy on yllä' english='the build failed; the reason is above' ;;
    starting) finnish='Käynnistetään. Lokit: %s ja %s' english='Starting. Logs: %s and %s' ;;
    ready) finnish='Kipinä on valmis: %s' english='Kipinä is ready: %s' ;;
    stopping) finnish='Lopetetaan.' english='Stopping.' ;;
    died) finnish='%s päättyi koodilla %s. Sen lokin (%s) loppu:' english='%s ended with code %s. The end of its log, %s:' ;;
    api_not_ready) finnish='keskus ei ollut valmis testattavaksi (%s) %s sekunnissa; sen loki on yllä' english='the hub was not ready for its tests (%s) within %s seconds; its log is above' ;;
    not_ready) finnish='%s ei vastannut kehotteeseen %s sekunnissa. Katso lokit: %s ja %s' english='%s answered no prompt within %s seconds. See the logs: %s and %s' ;;
    measuring_failed) finnish='mittaus katkesi: %s. Mitään ei kirjoitettu.' english='measuring %s broke off; nothing was written.' ;;
    sanitising) finnish='Ajetaan laskentaytimien testit tarkistimella: %s.' english='Running the tests of the kernels under a sanitizer: %s.' ;;
    sanitizer_skipped) finnish='ohitettu: tarkistin %s ei ole käytettävissä (%s, %s): %s' english='skipped: the sanitizer %s is not available (%s, %s): %s' ;;
    sanitizer_blind) finnish='tarkistin %s ei huomaa virhettä, joka sen pitäisi huomata' english='the sanitizer %s does not notice an error that it should notice' ;;
    testing_on_arm) finnish='Ajetaan laskentaytimien testit ARM-suorittimella %s (qemu).' english='Running the tests of the kernels on the ARM processor %s (qemu).' ;;
    arm_skipped) finnish='ohitettu: kääntäjällä (%s) ei ole kirjastoa kohteelle %s' english='skipped: the compiler (%s) has no library for %s' ;;
    usage_pack) finnish='käyttö: %s KANSIO' english='usage: %s FOLDER' ;;
    no_folder) finnish='kansiota ei ole: %s' english='there is no folder %s' ;;
    no_openssl) finnish='openssl puuttuu (Debian ja Ubuntu: apt-get install openssl)' english='openssl is missing (Debian and Ubuntu: apt-get install openssl)' ;;
    cannot_make_key) finnish='allekirjoitusavainta ei voitu tehdä: %s' english='the signing key %s could not be made' ;;
    made_key) finnish='Tehtiin uusi allekirjoitusavain: %s. Pidä se tallessa ja salassa: liittyneet koneet luottavat vain siihen.' english='Made a new signing key: %s. Keep it safe and secret: machines that have joined trust no other.' ;;
    bad_key) finnish='%s ei ole kelvollinen allekirjoitusavain (EC, P-256). Siirrä se pois, niin tehdään uusi.' english='%s is no signing key (EC, P-256). Move it away and a new one is made.' ;;
    not_a_release) finnish='%s ei kuulu jaettaviin. Siirrä se pois. Nimet ovat: kipina-node-VERSIO-linux|macos|windows-x86_64|arm64[.exe], kpn-…, kipina-VERSIO-source.tar.gz' english='%s is no release file. Move it away. Names are: kipina-node-VERSION-linux|macos|windows-x86_64|arm64[.exe], kpn-…, kipina-VERSION-source.tar.gz' ;;
    nothing_to_pack) finnish='kansiossa %s ei ole jaettavaa. Rakenna ensin: ./build-binaries.sh' english='there is nothing to serve in %s. Build first: ./build-binaries.sh' ;;
    packed) finnish='Luettelo ja allekirjoitus: %s tiedostoa kansiossa %s, avain %s' english='Listed and signed: %s files in %s, with the key %s' ;;
    usage_build) finnish='käyttö: %s [JÄRJESTELMÄ…]    (nämä: %s)' english='usage: %s [SYSTEM…]    (these: %s)' ;;
    building_release) finnish='Käännetään: %s.' english='Building for %s.' ;;
    advisories_skipped) finnish='ohitettu: haavoittuvuuksien tietokantaa (RustSec) ei saatu: %s' english='skipped: the database of vulnerabilities (RustSec) could not be had: %s' ;;
    old_advisories) finnish='Haavoittuvuuksien tietokantaa ei voi päivittää; käytetään aiemmin haettua (%s).' english='The database of vulnerabilities cannot be updated; using the one fetched before (%s).' ;;
    no_tool) finnish='työkalua %s %s ei saatu PyPI:stä eikä crates.io:sta; tarkista verkkoyhteys' english='the tool %s %s could not be had from PyPI or crates.io; check the network' ;;
    fuzzing) finnish='Syötetään satunnaista: %s, %s s.' english='Fuzzing %s for %s s.' ;;
    fuzz_finding) finnish='%s: syöte rikkoi jotain; se on tässä kansiossa: %s' english='%s: an input broke something; it lies in %s' ;;
    build_skipped) finnish='ohitettu: %s: %s' english='skipped: %s: %s' ;;
    no_apple_libraries) finnish='Applen kirjastoja ei ole; käännä Macilla, jossa on Xcode, tai anna SDKROOT' english='there are no Apple libraries here; build on a Mac with Xcode, or set SDKROOT' ;;
    no_zig) finnish='kääntäjää zig ei saatu PyPI:stä; tarkista verkkoyhteys' english='the compiler zig could not be had from PyPI; check the network' ;;
    no_library) finnish='kääntäjällä (%s) ei ole kirjastoa kohteelle %s eikä kirjaston lähteitä; asenna ne: rustup component add rust-src' english='the compiler (%s) has neither a library for %s nor its source; install that: rustup component add rust-src' ;;
    build_broke) finnish='%s: kääntäminen epäonnistui; koko loki: %s' english='%s: the build failed; its whole log: %s' ;;
    has_paths) finnish='%s (%s): ohjelmaan jäi tämän koneen kansioiden nimiä, joten sitä ei jaeta' english='%s (%s): names of folders of this machine are left in the program, so it is not handed out' ;;
    no_checkout) finnish='tämä ei ole git-haara' english='this is no git checkout' ;;
    uncommitted) finnish='Huom: muutoksia, joita ei ole viety gitiin, ei ole tiedostossa %s.' english='Note: changes that are not committed are not in %s.' ;;
    nothing_offered) finnish='Liittyville koneille ei ole ohjelmaa jaettavana; syy: %s' english='There is no program for machines that join; the reason: %s' ;;
    no_deploy_settings) finnish='asetustiedostoa %s ei ole. Kirjoita siihen SERVER=käyttäjä@palvelin ja FOLDER=/srv/kipina (scripts/lib/deploy.sh kertoo loput).' english='there is no file %s. Write SERVER=user@server and FOLDER=/srv/kipina into it (scripts/lib/deploy.sh tells the rest).' ;;
    no_server) finnish='%s: SERVER puuttuu' english='%s: SERVER is missing' ;;
    bad_folder) finnish='FOLDER=%s (%s) ei kelpaa: anna koko polku, jossa on vain kirjaimia, numeroita ja merkkejä . _ - /' english='FOLDER=%s (%s) will not do: give a whole path of letters, digits and . _ - / only' ;;
    no_connection) finnish='palvelimelle %s ei saatu yhteyttä. Jos sen avain on tuntematon tai muuttunut, vertaa sitä palvelimen omaan ja lisää se: ssh-keyscan %s >> ~/.ssh/known_hosts' english='%s cannot be reached. If its host key is unknown or has changed, compare it with the server itself and add it: ssh-keyscan %s >> ~/.ssh/known_hosts' ;;
    no_checkout_to_deploy) finnish='tämä ei ole git-haara, joten versiolla ei ole nimeä' english='this is no git checkout, so the version has no name' ;;
    usage_deploy) finnish='käyttö: %s [--dry-run] [back | backup | restore TIEDOSTO | status]' english='usage: %s [--dry-run] [back | backup | restore FILE | status]' ;;
    usage_on_server) finnish='käyttö: %s check | load | build | put | pages | back | backup | restore | status' english='usage: %s check | load | build | put | pages | back | backup | restore | status' ;;
    already_deploying) finnish='kansioon %s viedään juuri toista versiota; odota sen loppuun' english='another deployment to %s is under way; wait for its end' ;;
    server_lacks) finnish='palvelimelta puuttuu:%s' english='the server lacks:%s' ;;
    no_docker_engine) finnish='docker ei vastaa käyttäjälle %s: käynnistä se tai lisää käyttäjä ryhmään docker' english='docker does not answer %s: start it, or add that user to the group docker' ;;
    no_env_file) finnish='%s/.env puuttuu: kopioi .env.example sen paikalle, täytä se ja aja uudelleen (chmod 600 %s/.env)' english='%s/.env is missing: copy .env.example to it, fill it in, and run this again (chmod 600 %s/.env)' ;;
    env_lacks) finnish='%s puuttuu tiedostosta %s/.env' english='%s is missing in %s/.env' ;;
    no_image) finnish='palvelimella ei ole levykuvaa kipina-hub:%s' english='the server has no image kipina-hub:%s' ;;
    no_pages) finnish='sivuja %s ei ole palvelimella' english='the server has no pages %s' ;;
    putting) finnish='Otetaan käyttöön %s.' english='Putting %s to work.' ;;
    not_well) finnish='%s ei vastannut %s sekunnissa: %s' english='%s did not answer within %s seconds: %s' ;;
    not_taken_over) finnish='%s ei astunut käyvän keskuksen tilalle; entinen palvelee yhä' english='%s did not take the running hub'"'"'s place; the one before still serves' ;;
    going_back) finnish='Palataan versioon %s.' english='Going back to %s.' ;;
    nothing_to_go_back_to) finnish='Aiempaa versiota ei ole; keskus pysäytettiin.' english='There is no version before; the hub was stopped.' ;;
    did_not_go_back) finnish='%s ei vastaa sekään. Katso palvelimen lokit: docker compose logs hub caddy' english='%s does not answer either. See the logs on the server: docker compose logs hub caddy' ;;
    rolled_back) finnish='versiota %s ei otettu käyttöön; syy on yllä' english='%s was not put to work; the reason is above' ;;
    deployed) finnish='Käytössä: %s, %s' english='At work: %s, %s' ;;
    deployed_pages) finnish='Sivut käytössä: %s' english='Pages shown: %s' ;;
    pages_rolled_back) finnish='sivuja %s ei saatu näkyviin; entiset palautettiin' english='the pages %s were not answered; the ones before are back' ;;
    backed_up) finnish='Varmuuskopio: %s' english='Backup: %s' ;;
    no_backup) finnish='varmuuskopiota %s ei ole kansiossa %s' english='there is no backup %s in %s' ;;
    not_restored) finnish='%s ei kelvannut palautettavaksi; tietokanta on ennallaan' english='%s could not be restored; the database is as it was' ;;
    restored) finnish='Palautettu: %s' english='Restored: %s' ;;
    restored_not_well) finnish='%s palautettiin, mutta keskus ei vastaa; katso docker compose logs hub' english='%s was restored, but the hub does not answer; see docker compose logs hub' ;;
    not_deployed) finnish='Mitään ei ole vielä otettu käyttöön.' english='Nothing has been deployed yet.' ;;
    runs) finnish='Käytössä: %s, sivut %s' english='At work: %s, pages %s' ;;
    not_built) finnish='kääntäminen epäonnistui:%s' english='not built:%s' ;;
    *) finnish="$key" english="$key" ;;
  esac
  # shellcheck disable=SC2059 # the formats are the table above
  if [ "$reader_language" = finnish ]; then printf "$finnish\n" "$@"; else printf "$english\n" "$@"; fi
}

say() { message "$@" >&2; }

fail() {
  say "$@"
  exit 1
}
