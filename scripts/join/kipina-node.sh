#!/usr/bin/env bash
# Joins this machine to a Kipinä hub: finds an Ollama, fetches and checks the program kipina-node, and runs it.
#
#   curl -fsSL https://kipina.studio/kipina-node | bash
#   curl -fsSL https://kipina.studio/kipina-node | bash -s -- --engine     what follows goes to the program
#
# KIPINA_HUB                 another hub than the one that this came from
# OLLAMA_URL                 which Ollama; the rest of the program's environment is passed on too
# KIPINA_OLLAMA_CANDIDATES   where to look for Ollama instead of the usual places, separated by spaces
# KIPINA_BINARY              a program that was built here, to install and run instead of the hub's
# KIPINA_SOURCE              set by join.sh: a checkout, or `fetch`; builds where the hub has no program
#
# docs/JOIN.md describes it. Everything stands in functions, and the last line calls them: a download that was cut
# off runs nothing. Runs with bash 3.2, which macOS has.

if [ -z "${BASH_VERSION:-}" ]; then
  echo "Tämä tarvitsee bashin: curl … | bash. This needs bash: curl … | bash." >&2
  exit 1
fi

# --- what is said ------------------------------------------------------------------------------------

choose_language() {
  case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
    fi*) reader_language=finnish ;;
    *) reader_language=english ;;
  esac
}

message() { # KEY VALUES...
  local key="$1" finnish english
  shift
  # shellcheck disable=SC2016 # a reader's shell expands what is in them
  case "$key" in
    wrong_hub) finnish='KIPINA_HUB: ”%s” ei ole kelpo osoite. Kirjoita se näin: https://kipina.studio' english='KIPINA_HUB: "%s" is no usable address. Write it like this: https://kipina.studio' ;;
    no_home) finnish='Kotikansiota ei löydy: aseta HOME kansioksi, johon ohjelma asennetaan.' english='There is no home folder: set HOME to the folder to install the program in.' ;;
    on_windows) finnish='Windowsissa tämä tehdään PowerShellissä: irm %s/kipina-node.ps1 | iex' english='On Windows use PowerShell: irm %s/kipina-node.ps1 | iex' ;;
    no_fetcher) finnish='curl puuttuu: asenna se (Debian ja Ubuntu: apt-get install curl) ja aja tämä uudelleen.' english='curl is missing: install it (Debian and Ubuntu: apt-get install curl) and run this again.' ;;
    no_openssl) finnish='openssl puuttuu, eikä ohjelman allekirjoitusta voi tarkistaa ilman sitä. Asenna se (Debian ja Ubuntu: apt-get install openssl) ja aja tämä uudelleen.' english='openssl is missing, and without it the signature of the program cannot be checked. Install it (Debian and Ubuntu: apt-get install openssl) and run this again.' ;;
    cannot_write) finnish='Kansioon %s ei voi kirjoittaa: levy on täynnä tai kansio on suojattu. Tee tilaa tai valitse toinen kansio: XDG_DATA_HOME' english='Cannot write to %s: the disk is full, or the folder is protected. Make room, or choose another folder with XDG_DATA_HOME.' ;;
    no_name) finnish='Osoitetta %s ei löydy: tarkista verkkoyhteys ja osoite (KIPINA_HUB).' english='%s is not known: check the network, and the address (KIPINA_HUB).' ;;
    no_answer) finnish='%s ei vastaa: tarkista, että keskus on käynnissä ja osoite oikein (KIPINA_HUB).' english='%s does not answer: check that the hub is running and the address is right (KIPINA_HUB).' ;;
    no_answer_or_proxy) finnish='%s ei vastaa, tai välityspalvelin ei: tarkista osoite (KIPINA_HUB) ja http_proxy, https_proxy ja no_proxy.' english='%s does not answer, or the proxy does not: check the address (KIPINA_HUB), and http_proxy, https_proxy and no_proxy.' ;;
    too_slow) finnish='%s ei vastannut ajoissa: tarkista verkkoyhteys ja yritä uudelleen.' english='%s did not answer in time: check the network and try again.' ;;
    no_tls) finnish='Osoitteeseen %s ei saada luotettavaa salattua yhteyttä: tarkista koneen kello ja varmenteet (Debian ja Ubuntu: apt-get install ca-certificates), tai kirjoita http://, jos keskuksella ei ole salausta.' english='There is no trusted encrypted connection to %s: check the clock and the certificates of this machine (Debian and Ubuntu: apt-get install ca-certificates), or write http:// where the hub has no encryption.' ;;
    proxy) finnish='Välityspalvelin ei päästä osoitteeseen %s: tarkista http_proxy, https_proxy ja no_proxy.' english='The proxy does not let this machine reach %s: check http_proxy, https_proxy and no_proxy.' ;;
    missing) finnish='Osoitteessa %s ei ole sitä, mitä haettiin (404): tarkista osoite (KIPINA_HUB).' english='%s does not have what was asked for (404): check the address (KIPINA_HUB).' ;;
    bad_status) finnish='%s vastasi virheellä (HTTP %s): yritä myöhemmin uudelleen tai kysy keskuksen ylläpitäjältä.' english='%s answered with an error (HTTP %s): try again later, or ask the operator of the hub.' ;;
    broke_off) finnish='Yhteys osoitteeseen %s katkesi. Aja tämä uudelleen: haku jatkuu siitä, mihin se jäi.' english='The connection to %s broke off. Run this again: the download goes on where it stopped.' ;;
    web_page) finnish='%s antoi aivan muuta kuin luettelon ohjelmista. Kirjaudu verkkoon, jos se pyytää sitä, ja tarkista osoite (KIPINA_HUB).' english='%s gave something quite different from its list of programs. Sign in to the network if it asks you to, and check the address (KIPINA_HUB).' ;;
    no_downloads) finnish='Keskuksella %s ei ole valmista ohjelmaa jaettavana. Käännä se lähdekoodista: curl -fsSL %s/join.sh | bash' english='The hub %s has no programs to give. Build one from source: curl -fsSL %s/join.sh | bash' ;;
    no_program) finnish='Keskuksella %s ei ole ohjelmaa tälle koneelle (%s). Käännä se lähdekoodista: curl -fsSL %s/join.sh | bash' english='The hub %s has no program for this machine (%s). Build it from source: curl -fsSL %s/join.sh | bash' ;;
    no_source) finnish='Keskuksella %s ei ole myöskään lähdekoodia. Hae Kipinän lähdekoodi ja aja sen kansiossa: KIPINA_HUB=%s ./join.sh' english='The hub %s does not have the source either. Get the source of Kipinä and run this in its folder: KIPINA_HUB=%s ./join.sh' ;;
    no_key) finnish='Keskukselta %s ei saatu avainta, jolla sen ohjelmat on allekirjoitettu. Kysy keskuksen ylläpitäjältä; mitään ei asennettu.' english='The hub %s did not give the key that its programs are signed with. Ask its operator; nothing was installed.' ;;
    changed_key) finnish='Keskus %s allekirjoittaa nyt eri avaimella kuin ennen. Kysy sen ylläpitäjältä. Jos avain on vaihdettu, poista %s ja aja tämä uudelleen; muuten joku voi olla välissä. Mitään ei asennettu.' english='The hub %s now signs with another key than before. Ask its operator. If the key was changed, delete %s and run this again; if not, somebody may be in between. Nothing was installed.' ;;
    bad_signature) finnish='Keskuksen %s luettelossa on väärä allekirjoitus. Joku on muuttanut sitä; kerro keskuksen ylläpitäjälle. Mitään ei asennettu.' english='The list of the hub %s has a wrong signature. Somebody has changed it; tell the operator of the hub. Nothing was installed.' ;;
    wrong_sum) finnish='%s ei ole se tiedosto, jonka keskus on allekirjoittanut, ja se hylättiin. Yritä uudelleen; jos tämä toistuu, kerro keskuksen ylläpitäjälle.' english='%s is not the file that the hub has signed, and was thrown away. Try again; if this comes again, tell the operator of the hub.' ;;
    noexec) finnish='Kansiosta %s ei saa ajaa ohjelmia (noexec). Valitse toinen kansio: XDG_DATA_HOME' english='Programs may not be run from %s (noexec). Choose another folder with XDG_DATA_HOME.' ;;
    does_not_start) finnish='Ohjelma ei käynnisty tällä koneella: %s. Käännä se lähdekoodista: curl -fsSL %s/join.sh | bash' english='The program does not start on this machine: %s. Build it from source: curl -fsSL %s/join.sh | bash' ;;
    keeping_old) finnish='Versio %s ei käynnisty tällä koneella (%s). Jatketaan versiolla %s.' english='Version %s does not start on this machine (%s). Going on with version %s.' ;;
    no_such_binary) finnish='KIPINA_BINARY: %s ei ole ohjelma kipina-node. Käännä se: ./join.sh --build' english='KIPINA_BINARY: %s is not the program kipina-node. Build it with ./join.sh --build' ;;
    using_installed) finnish='%s Käytetään asennettua versiota %s.' english='%s Using the installed version %s.' ;;
    newer_here) finnish='Asennettu versio %s on uudempi kuin keskuksen %s. Käytetään sitä.' english='The installed version %s is newer than %s, which the hub has. Using it.' ;;
    not_installed) finnish='kipina-node ei ole asennettuna tällä koneella.' english='kipina-node is not installed on this machine.' ;;
    downloading) finnish='Haetaan %s %s.' english='Downloading %s %s.' ;;
    going_on) finnish='Yhteys katkesi; jatketaan.' english='The connection broke off; going on.' ;;
    installed) finnish='Asennettiin kipina-node %s: %s' english='Installed kipina-node %s: %s' ;;
    not_ours) finnish='%s on jonkin muun tekemä, ja se jätettiin rauhaan. Ohjelma on täällä: %s' english='%s was made by something else, and was left alone. The program is here: %s' ;;
    not_on_path) finnish='Jotta komento kipina-node löytyy, lisää kuoresi asetuksiin: export PATH="%s:$PATH"' english='For the command kipina-node to be found, add this to the settings of your shell: export PATH="%s:$PATH"' ;;
    building) finnish='Keskuksella %s ei ole ohjelmaa tälle koneelle (%s): käännetään se lähdekoodista.' english='The hub %s has no program for this machine (%s): building it from source.' ;;
    using_ollama) finnish='Käytetään Ollamaa (%s): %s' english='Using Ollama (%s): %s' ;;
    silent_ollama) finnish='OLLAMA_URL: %s ei vastaa Ollaman tavoin. Etsitään muualta.' english='OLLAMA_URL: nothing at %s answers as Ollama does. Looking elsewhere.' ;;
    several) finnish='Täällä vastaa useampi Ollama:' english='Several Ollamas answer here:' ;;
    engine_choice) finnish='ei Ollamaa, vaan oma moottori (suoritin riittää)' english='no Ollama, but the built-in engine (a CPU is enough)' ;;
    which) finnish='Mitä käytetään? [1]' english='Which one? [1]' ;;
    between) finnish='Kirjoita luku väliltä 1–%s.' english='Type a number from 1 to %s.' ;;
    took_first) finnish='Ollamia vastaa useampi; käytetään ensimmäistä. OLLAMA_URL valitsee toisen: %s' english='Several Ollamas answer; using the first. Choose another with OLLAMA_URL: %s' ;;
    starting_ollama) finnish='Käynnistetään Ollama taustalle. Sen loki: %s' english='Starting Ollama in the background. Its log: %s' ;;
    ollama_silent) finnish='Ollama ei käynnistynyt. Syy voi olla lokissa: %s' english='Ollama did not start. The reason may be in its log: %s' ;;
    install_ollama) finnish='Ollamaa ei löydy. Oma moottori laskee ilmankin, mutta tuntee vähemmän malleja. Asennetaanko Ollama? [k/E]' english='There is no Ollama. The built-in engine computes without it, but knows fewer models. Install Ollama? [y/N]' ;;
    ollama_not_installed) finnish='Ollaman asennus ei onnistunut. Sen saa myös täältä: https://ollama.com/download' english='Installing Ollama did not work. It is also at https://ollama.com/download' ;;
    get_ollama) finnish='Koska Homebrew puuttuu, hae Ollama täältä: https://ollama.com/download. Asenna se ja aja tämä uudelleen.' english='Without Homebrew, Ollama is installed from https://ollama.com/download. Install it and run this again.' ;;
    using_engine) finnish='Ollamaa ei ole: lasketaan omalla moottorilla.' english='There is no Ollama: computing with the built-in engine.' ;;
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

# --- this machine, and what was asked for ------------------------------------------------------------

# However its address was written: with or without a scheme, slashes, and the nodes' own path.
settle_hub() {
  hub="${KIPINA_HUB:-@KIPINA_HUB@}"
  release_key="@KIPINA_RELEASE_KEY@"
  # That key is the hub's that this script came from.
  if [ -n "${KIPINA_HUB:-}" ]; then release_key=""; fi
  # Still so in a checkout: a hub fills them in.
  case "$hub" in @*) hub="${HUB_URL:-https://kipina.studio}" ;; esac
  case "$release_key" in @*) release_key="" ;; esac

  local given="$hub" form='^https?://([A-Za-z0-9][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*$'
  IFS=$' \t\n' read -r hub <<<"$given" || true
  case "$hub" in
    http://* | https://*) ;;
    ws://* | wss://*) hub="http${hub#ws}" ;;
    # Names of the internet have certificates; addresses and names of one's own network don't.
    \[* | localhost | localhost[:/]* | *.local | *.local[:/]* | [0-9]*.[0-9]*.[0-9]*.[0-9]*) hub="http://$hub" ;;
    *.*) hub="https://$hub" ;;
    *) hub="http://$hub" ;;
  esac
  while [ "$hub" != "${hub%/}" ]; do hub="${hub%/}"; done
  hub="${hub%/ws}"
  [[ $hub =~ $form ]] || fail wrong_hub "$given"
}

settle_folders() {
  [ -n "${HOME:-}" ] || fail no_home
  case "${XDG_DATA_HOME:-}" in
    /*) data="$XDG_DATA_HOME/kipina" ;;
    *) data="$HOME/.local/share/kipina" ;;
  esac
  versions="$data/versions"
  commands="$HOME/.local/bin"
  link="$commands/kipina-node"
  work="" unfinished="" unfinished_sum=""
}

# What the program will do, as far as this script has to know it.
read_flags() { # FLAGS...
  local flag
  flags=("$@")
  wants_search=yes wants_engine_flag=yes asks_only="" needs_installed=""
  if [ "${1:-}" = status ]; then asks_only=yes needs_installed=yes; fi
  for flag in "$@"; do
    case "$flag" in
      --engine | --gpu | --cpu | --openai | --model=*.gguf | *.gguf) wants_search="" ;;
      --help | -h | --version | -V) asks_only=yes ;;
      --uninstall) asks_only=yes needs_installed=yes ;;
      # The program knows which models only Ollama can have.
      --ollama | --model | --model=*) wants_engine_flag="" ;;
    esac
  done
}

find_platform() {
  system="" architecture=""
  case "$(uname -s)" in
    Linux) system=linux ;;
    Darwin) system=macos ;;
    MINGW* | MSYS* | CYGWIN*) fail on_windows "$hub" ;;
  esac
  case "$(uname -m)" in
    x86_64 | amd64) architecture=x86_64 ;;
    aarch64 | arm64) architecture=arm64 ;;
  esac
  # A shell for Intel on a Mac with Apple's processor.
  if [ "$system" = macos ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null || true)" = 1 ]; then
    architecture=arm64
  fi
}

make_work_folder() {
  mkdir -p "$versions" 2>/dev/null || fail cannot_write "$data"
  # Left behind by runs that were killed.
  find "$data" -maxdepth 1 -name '.new.*' -mtime +1 -exec rm -rf {} + 2>/dev/null || true
  # Beside the versions, so that a move is a rename.
  work="$(mktemp -d "$data/.new.XXXXXX" 2>/dev/null)" || fail cannot_write "$data"
}

# A download that was not finished stays for the next run.
clean_up() {
  if [ -n "$unfinished" ] && [ -s "$unfinished" ] && mkdir -p "$data/unfinished" 2>/dev/null; then
    mv -f "$unfinished" "$data/unfinished/$unfinished_sum" 2>/dev/null || true
  fi
  if [ -n "$work" ]; then rm -rf "$work"; fi
  work="" unfinished=""
}

can_ask() { [ -z "${CI:-}" ] && { : </dev/tty; } 2>/dev/null; }

# Puts what a person types into `reply`. Nobody there for a minute: nothing.
ask() { # KEY VALUES...
  reply=""
  printf '%s ' "$(message "$@")" >/dev/tty
  if ! IFS= read -r -t 60 reply </dev/tty; then
    reply=""
    printf '\n' >/dev/tty
  fi
}

# --- fetching ----------------------------------------------------------------------------------------

# Fetches into a file, going on where it ends. Where that fails, `problem` is the message that says why, and
# `status` the HTTP status where there was one.
transfer() { # URL FILE [BAR]
  local code=0
  problem="" status=""
  if command -v curl >/dev/null 2>&1; then
    fetch_with_curl "$@" || code=$?
  elif command -v wget >/dev/null 2>&1; then
    fetch_with_wget "$@" || code=$?
  else
    fail no_fetcher
  fi
  if [ -z "$problem" ] && [ "$code" -ne 0 ]; then problem=broke_off; fi
  [ "$code" -eq 0 ]
}

fetch_with_curl() { # URL FILE [BAR]
  local code=0 bar=-s protocols='=http,https'
  case "$1" in https:*) protocols='=https' ;; esac
  if [ -n "${3:-}" ] && [ -t 2 ]; then bar=--progress-bar; fi
  status="$(curl "$bar" --fail --location --proto "$protocols" --connect-timeout 10 --retry 1 \
    --speed-limit 1 --speed-time 30 --continue-at - --output "$2" --write-out '%{http_code}' "$1" </dev/null)" || code=$?
  case "$code:$status" in
    0:*) ;;
    *:404 | *:410) problem=missing ;;
    *:407 | 5:* | 97:*) problem=proxy ;;
    # What is there is as long as the file, or longer, or the server gives no parts.
    *:416 | 33:*) problem=starts_anew ;;
    22:*) problem=bad_status ;;
    6:*) problem=no_name ;;
    7:*) if has_proxy "$1"; then problem=no_answer_or_proxy; else problem=no_answer; fi ;;
    23:*) problem=cannot_write ;;
    28:000) problem=too_slow ;;
    35:* | 5[1348]:* | 59:* | 6[06]:* | 77:* | 8[023]:* | 9[01]:*) problem=no_tls ;;
    # A proxy's answer to CONNECT is no answer of the hub's.
    56:000) if has_proxy "$1"; then problem=proxy; fi ;;
  esac
  return "$code"
}

# The variables that curl reads.
has_proxy() { # URL
  case "$1" in
    https:*) [ -n "${https_proxy:-${HTTPS_PROXY:-${all_proxy:-${ALL_PROXY:-}}}}" ] ;;
    *) [ -n "${http_proxy:-${all_proxy:-${ALL_PROXY:-}}}" ] ;;
  esac
}

fetch_with_wget() { # URL FILE [BAR]
  local code=0 said
  # shellcheck disable=SC2046 # flags
  said="$(LC_ALL=C wget -c $(wget_limits 20) -O "$2" "$1" 2>&1 </dev/null)" || code=$?
  case "$code:$said" in
    0:*) ;;
    *' 404 '* | *' 410 '*) problem=missing ;;
    *' 407 '*) problem=proxy ;;
    *'unable to resolve'* | *'bad address'*) problem=no_name ;;
    *' 416 '* | *'Continued download failed'*) problem=starts_anew ;;
    3:* | *'No space left'*) problem=cannot_write ;;
    *' refused'* | 4:*) problem=no_answer ;;
    5:* | *certificate*) problem=no_tls ;;
    8:*) problem=bad_status status="?" ;;
  esac
  return "$code"
}

# BusyBox's wget tries once, and may know no limit.
wget_limits() { # SECONDS
  case "$(wget --help 2>&1)" in
    *--tries*) printf %s "-t 1 -T $1" ;;
    *'-T SEC'*) printf %s "-T $1" ;;
  esac
}

problem_in_words() {
  case "$problem" in
    bad_status) message "$problem" "$hub" "$status" ;;
    cannot_write) message "$problem" "$data" ;;
    wrong_sum) message "$problem" "$wanted_file" ;;
    starts_anew) message broke_off "$hub" ;;
    *) message "$problem" "$hub" ;;
  esac
}

sha256_of() { # FILE
  local said
  said="$(openssl dgst -sha256 <"$1")" || return
  printf %s "${said##*[ =]}"
}

# Fetches a file of the verified list into the work folder; tells in `problem` why not.
download() { # FILE SHA256 VERSION
  local tries resumed=""
  wanted_file="$1" unfinished_sum="$2" unfinished="$work/$1"
  say downloading "${1%%-"$3"*}" "$3"
  if mv "$data/unfinished/$2" "$unfinished" 2>/dev/null; then resumed=yes; fi
  for tries in 1 2 3; do
    if transfer "$hub/download/$1" "$unfinished" bar; then
      if [ "$(sha256_of "$unfinished")" = "$2" ]; then
        unfinished=""
        return 0
      fi
      problem=wrong_sum
      rm -f "$unfinished"
      # What was there before may be what is wrong.
      [ -n "$resumed" ] || return 1
      resumed=""
    else
      case "$problem" in
        broke_off | too_slow | no_answer | no_answer_or_proxy) ;;
        starts_anew) rm -f "$unfinished" ;;
        *) return 1 ;;
      esac
      if [ "$tries" -lt 3 ] && [ "$problem" != starts_anew ]; then
        say going_on
        sleep 1
      fi
      if [ -s "$unfinished" ]; then resumed=yes; fi
    fi
  done
  return 1
}

# --- the list, and who signed it ---------------------------------------------------------------------

fetch_list() {
  transfer "$hub/download/SHA256SUMS" "$work/SHA256SUMS" || return 1
  # A network that wants a sign-in answers everything with its own page.
  if [ ! -s "$work/SHA256SUMS" ] || grep -Evq '^[0-9a-f]{64}  [A-Za-z0-9._-]+$' "$work/SHA256SUMS"; then
    problem=web_page
    return 1
  fi
  transfer "$hub/download/SHA256SUMS.sig" "$work/SHA256SUMS.sig"
}

key_body() { grep -v '^-' "$1" | tr -d '\r\n\t '; } # FILE

# The key is the one that was seen first; only what it has signed is believed.
verify_list() {
  local pinned key="$work/kipina.pub"
  command -v openssl >/dev/null 2>&1 || fail no_openssl
  pinned="$data/keys/$(printf %s "${hub#*://}" | tr -c 'A-Za-z0-9.-' _).pem"
  if [ -n "$release_key" ]; then
    { printf '%s\n' '-----BEGIN PUBLIC KEY-----' && printf '%s\n' "$release_key" | fold -w 64 &&
      printf '%s\n' '-----END PUBLIC KEY-----'; } >"$key" || fail cannot_write "$data"
  elif ! transfer "$hub/download/kipina.pub" "$key"; then
    [ -f "$pinned" ] || fail no_key "$hub"
    key="$pinned"
  fi
  if [ -f "$pinned" ] && [ "$(key_body "$pinned")" != "$(key_body "$key")" ]; then
    fail changed_key "$hub" "$pinned"
  fi
  { tr -d '\r\n\t ' <"$work/SHA256SUMS.sig" | openssl base64 -d -A >"$work/signature" &&
    openssl dgst -sha256 -verify "$key" -signature "$work/signature" "$work/SHA256SUMS"; } >/dev/null 2>&1 ||
    fail bad_signature "$hub"
  if [ ! -f "$pinned" ]; then
    { mkdir -p "$data/keys" && mv "$key" "$pinned"; } 2>/dev/null || fail cannot_write "$data"
  fi
}

# The newest file of a name in the list, in `wanted_file`, `wanted_version` and `wanted_sum`.
find_newest() { # NAME ENDING
  local line form="^([0-9a-f]{64})  ($1-([0-9]{1,9}(\.[0-9]{1,9})*)$2)\$"
  wanted_file="" wanted_version="" wanted_sum=""
  while IFS= read -r line; do
    [[ $line =~ $form ]] || continue
    if [ -z "$wanted_version" ] || is_newer "${BASH_REMATCH[3]}" "$wanted_version"; then
      wanted_sum="${BASH_REMATCH[1]}" wanted_file="${BASH_REMATCH[2]}" wanted_version="${BASH_REMATCH[3]}"
    fi
  done <"$work/SHA256SUMS"
  [ -n "$wanted_file" ]
}

# Of two of the same version the one that reaches the graphics card, where this machine can run it.
find_node() {
  local version
  find_newest kipina-node "-$system-$architecture" || true
  version="${wanted_version:-0}"
  if has_glibc && find_newest kipina-node "-linux_gpu-$architecture" && ! is_newer "$version" "$wanted_version"; then
    return
  fi
  find_newest kipina-node "-$system-$architecture"
}

# Whether the shell of this machine is linked with it: then our program can be.
has_glibc() {
  local loader
  case "$system-$architecture" in
    linux-x86_64) loader=/lib64/ld-linux-x86-64.so.2 ;;
    linux-arm64) loader=/lib/ld-linux-aarch64.so.1 ;;
    *) return 1 ;;
  esac
  case "$("$loader" --list /bin/sh 2>/dev/null || true)" in
    *libc.so.6*) ;;
    *) return 1 ;;
  esac
}

is_newer() { # VERSION THAN
  local one="$1." two="$2." left right
  while [ -n "$one$two" ]; do
    left="${one%%.*}" right="${two%%.*}" one="${one#*.}" two="${two#*.}"
    if [ "$((10#${left:-0}))" -ne "$((10#${right:-0}))" ]; then
      [ "$((10#${left:-0}))" -gt "$((10#${right:-0}))" ]
      return
    fi
  done
  return 1
}

# --- the program -------------------------------------------------------------------------------------

# What the command runs now; where somebody took the link away, the newest that is here.
find_installed() {
  local folder name target
  installed="" installed_name="" installed_version=""
  target="$(readlink "$link" 2>/dev/null || true)"
  case "$target" in
    "$versions"/*/kipina-node) if [ -x "$target" ]; then installed="$target"; fi ;;
  esac
  for folder in "$versions"/*-????????; do
    name="${folder##*/}"
    if [ -n "$installed" ]; then break; fi
    if [ ! -x "$folder/kipina-node" ]; then continue; fi
    if [ -z "$installed_name" ] || is_newer "${name%-*}" "${installed_name%-*}"; then installed_name="$name"; fi
  done
  if [ -n "$installed_name" ]; then installed="$versions/$installed_name/kipina-node"; fi
  if [ -n "$installed" ]; then
    installed_name="${installed%/kipina-node}" installed_name="${installed_name##*/}"
    installed_version="${installed_name%-*}"
  fi
}

# Puts into `program` what is to be run.
provide_program() {
  program=""
  if [ -n "${KIPINA_BINARY:-}" ]; then
    take_built_program
    return
  fi
  find_platform
  if ! fetch_list; then
    if [ -n "$installed" ]; then
      say using_installed "$(problem_in_words)" "$installed_version"
      program="$installed"
    elif [ "$problem" = missing ]; then
      build_or no_downloads "$hub" "$hub"
    else
      say "$(problem_in_words)"
      exit 1
    fi
    return
  fi
  verify_list
  if [ "${KIPINA_BUILD:-}" = always ] && [ -n "${KIPINA_SOURCE:-}" ]; then
    build_from_source
  elif ! find_node; then
    if [ -n "$installed" ]; then
      program="$installed"
    else
      build_or no_program "$hub" "$(uname -s) $(uname -m)" "$hub"
    fi
  elif [ -n "$installed" ] && is_newer "$installed_version" "$wanted_version"; then
    say newer_here "$installed_version" "$wanted_version"
    program="$installed"
  else
    take_wanted_program
  fi
}

take_wanted_program() {
  local there="$versions/$wanted_version-${wanted_sum:0:8}/kipina-node"
  if [ -x "$there" ] && [ "$(sha256_of "$there")" = "$wanted_sum" ]; then
    use_version "$there"
    return
  fi
  if ! download "$wanted_file" "$wanted_sum" "$wanted_version"; then
    if [ -n "$installed" ] && [ "$problem" != wrong_sum ]; then
      say using_installed "$(problem_in_words)" "$installed_version"
      program="$installed"
      return
    fi
    say "$(problem_in_words)"
    exit 1
  fi
  install_program "$work/$wanted_file" "$wanted_version" "$wanted_sum"
}

take_built_program() {
  local said version='' form='^kipina-node ([0-9]+(\.[0-9]+)*)'
  said="$("$KIPINA_BINARY" --version 2>/dev/null </dev/null || true)"
  if [[ $said =~ $form ]]; then version="${BASH_REMATCH[1]}"; fi
  [ -n "$version" ] || fail no_such_binary "$KIPINA_BINARY"
  command -v openssl >/dev/null 2>&1 || fail no_openssl
  cp "$KIPINA_BINARY" "$work/built" 2>/dev/null || fail cannot_write "$data"
  install_program "$work/built" "$version" "$(sha256_of "$work/built")"
}

# The new version takes its place only when it has been seen to start here.
install_program() { # FILE VERSION SHA256
  local folder="$versions/$2-${3:0:8}" said=""
  { mkdir "$work/version" && mv "$1" "$work/version/kipina-node" && chmod 755 "$work/version/kipina-node"; } 2>/dev/null ||
    fail cannot_write "$data"
  if ! said="$("$work/version/kipina-node" --version 2>&1 </dev/null)"; then
    said="${said%%$'\n'*}" said="${said##*/kipina-node: }"
    if ! may_run_programs; then fail noexec "$data"; fi
    if [ -n "$installed" ]; then
      say keeping_old "$2" "$said" "$installed_version"
      program="$installed"
    else
      build_or does_not_start "$said" "$hub"
    fi
    return
  fi
  { rm -rf "$folder" && mv "$work/version" "$folder"; } 2>/dev/null || fail cannot_write "$data"
  say installed "$2" "$folder/kipina-node"
  use_version "$folder/kipina-node"
}

may_run_programs() {
  printf '#!/bin/sh\nexit 0\n' >"$work/probe" && chmod 755 "$work/probe" && "$work/probe" 2>/dev/null
}

# Turns the command to a version, and keeps the one before it.
use_version() { # PROGRAM
  local folder name="${1%/kipina-node}"
  name="${name##*/}"
  program="$1"
  if [ "$(readlink "$link" 2>/dev/null || true)" != "$1" ]; then
    if [ ! -L "$link" ] && [ -e "$link" ]; then
      say not_ours "$link" "$1"
    else
      { mkdir -p "$commands" && ln -s "$1" "$commands/.kipina-node.$$" &&
        mv -f "$commands/.kipina-node.$$" "$link"; } 2>/dev/null || say not_ours "$link" "$1"
    fi
  fi
  if [ "$name" = "$installed_name" ]; then return; fi
  for folder in "$versions"/*; do
    case "${folder##*/}" in
      "$name" | "${installed_name:-$name}") ;;
      *) rm -rf "$folder" ;;
    esac
  done
}

# Builds where join.sh started this; else ends with what is to be done.
build_or() { # KEY VALUES...
  if [ -z "${KIPINA_SOURCE:-}" ]; then fail "$@"; fi
  say building "$hub" "$(uname -s) $(uname -m)"
  build_from_source
}

# Hands over to the join.sh of the source, which comes back with KIPINA_BINARY.
build_from_source() {
  local folder="$KIPINA_SOURCE"
  if [ "$folder" = fetch ]; then
    { [ -f "$work/SHA256SUMS" ] && find_newest kipina '-source\.tar\.gz'; } || fail no_source "$hub" "$hub"
    folder="$data/source/$wanted_version-${wanted_sum:0:8}"
    if [ ! -f "$folder/join.sh" ]; then unpack_source "$folder"; fi
  fi
  clean_up
  unset KIPINA_SOURCE
  export KIPINA_HUB="$hub" KIPINA_BUILD=always
  exec "${BASH:-bash}" "$folder/join.sh" ${flags[@]+"${flags[@]}"}
}

unpack_source() { # FOLDER
  local top="$work/source"
  if ! download "$wanted_file" "$wanted_sum" "$wanted_version"; then
    say "$(problem_in_words)"
    exit 1
  fi
  { mkdir -p "$top" "$data/source" && tar -xzof "$work/$wanted_file" -C "$top"; } 2>/dev/null || fail cannot_write "$data"
  if [ ! -f "$top/join.sh" ]; then top="$(printf '%s\n' "$top"/*/join.sh)" top="${top%/join.sh}"; fi
  [ -f "$top/join.sh" ] || fail no_source "$hub" "$hub"
  { rm -rf "$1" && mv "$top" "$1"; } 2>/dev/null || fail cannot_write "$data"
}

# --- Ollama ------------------------------------------------------------------------------------------

# Decides what computes: OLLAMA_URL is set, or --engine is added to the flags.
choose_backend() {
  local named="${OLLAMA_URL:-}" tries
  list_candidates
  look_for_ollama
  for ((tries = 0; tries < 10; tries++)); do
    if [ "${#found[@]}" -gt 0 ] || ! may_be_starting "$named"; then break; fi
    sleep 1
    look_for_ollama
  done
  if [ -n "$named" ] && [ "${found[0]:-}" = "${candidates[0]}" ]; then
    use_ollama 0
    return
  fi
  if [ -n "$named" ]; then say silent_ollama "$named"; fi
  if [ "${#found[@]}" -eq 0 ]; then start_ollama || install_ollama || true; fi
  case "${#found[@]}" in
    0) use_engine ;;
    1) use_ollama 0 ;;
    *) choose_ollama ;;
  esac
}

# After a restart, the container beside this one is there before its Ollama answers.
may_be_starting() { # NAMED
  local i
  if [ -n "$1" ]; then return; fi
  for i in "${!candidates[@]}"; do
    if [ "${candidates[i]}" = http://ollama:11434 ] && [ -f "$work/ollama.$i.refused" ]; then return; fi
  done
  return 1
}

list_candidates() {
  local given address
  candidates=()
  if [ -n "${KIPINA_OLLAMA_CANDIDATES:-}" ]; then
    given="${OLLAMA_URL:-} $KIPINA_OLLAMA_CANDIDATES"
  else
    given="${OLLAMA_URL:-} ${OLLAMA_HOST:-} localhost 127.0.0.1 ollama host.docker.internal $(lan_addresses)"
  fi
  for address in $given; do
    address="$(ollama_address "$address")"
    case " ${candidates[*]-} " in
      *" $address "*) ;;
      *) candidates+=("$address") ;;
    esac
  done
}

# As Ollama's own OLLAMA_HOST is read: http and port 11434 where nothing is said.
ollama_address() { # ADDRESS
  local address="${1%/}" scheme=http
  case "$address" in
    *://*) scheme="${address%%://*}" address="${address#*://}" ;;
    *:*[0-9]) ;;
    *) address="$address:11434" ;;
  esac
  printf %s "$scheme://${address/#0.0.0.0/127.0.0.1}"
}

# This machine's own address, and in a container the machine's that it runs on.
lan_addresses() {
  local own="" gateway
  if [ "$(uname -s)" = Darwin ]; then
    own="$(route -n get default 2>/dev/null | sed -n 's/^ *interface: //p')"
    ipconfig getifaddr "${own:-en0}" 2>/dev/null || true
    return
  fi
  # Nothing is sent: the address is one of those that stand in for all others in documents.
  own="$(ip -4 route get 192.0.2.1 2>/dev/null | sed -n 's/.* src \([0-9.]*\).*/\1/p' || true)"
  printf '%s\n' "${own:-$(hostname -I 2>/dev/null | cut -d ' ' -f 1 || true)}"
  if [ -f /.dockerenv ] || [ -f /run/.containerenv ]; then
    gateway="$(sed -n 's/^[^\t]*\t00000000\t\([0-9A-F]\{8\}\)\t.*/\1/p' /proc/net/route 2>/dev/null | head -n 1)"
    # The number lies there with its first byte last.
    if [ -n "$gateway" ]; then
      printf '%d.%d.%d.%d\n' "0x${gateway:6:2}" "0x${gateway:4:2}" "0x${gateway:2:2}" "0x${gateway:0:2}"
    fi
  fi
}

# All at once; into `found` and `found_versions`, each server once, whatever names it has.
look_for_ollama() {
  local i version tags seen=$'\n'
  found=() found_versions=()
  for i in "${!candidates[@]}"; do ask_ollama "${candidates[i]}" "$work/ollama.$i" & done
  wait
  for i in "${!candidates[@]}"; do
    version="$(cat "$work/ollama.$i.version" 2>/dev/null || true)"
    [ -n "$version" ] || continue
    # Models carry the time they came, to the nanosecond: two servers do not have the same list by chance.
    tags="$version $(tr -d '\000' <"$work/ollama.$i.tags")"
    case "$seen" in *$'\n'"$tags"$'\n'*) continue ;; esac
    seen="$seen$tags"$'\n'
    found+=("${candidates[i]}")
    found_versions+=("$version")
  done
}

# Many things answer at a port; Ollama tells its version, and so does a hub of ours.
ask_ollama() { # ADDRESS FILES
  local said form='^[[:space:]]*\{.*"version"[[:space:]]*:[[:space:]]*"([0-9][0-9A-Za-z.+-]*)"'
  rm -f "$2".*
  if ! quick_get "$1/api/version" "$2.said"; then
    # 7: curl found the machine, and nothing behind the port.
    if [ "$quick_code" -eq 7 ]; then : >"$2.refused"; fi
    return 0
  fi
  said="$(tr -d '\000' <"$2.said")"
  if [[ $said =~ $form ]] && [[ $said != *protocol_version* ]]; then
    said="${BASH_REMATCH[1]}"
    quick_get "$1/api/tags" "$2.tags" || true
    printf '%s\n' "$said" >"$2.version"
  fi
}

# A neighbour's answer into a file, or none: a proxy would only be in the way. Nobody fills the disk.
quick_get() { # URL FILE
  if command -v curl >/dev/null 2>&1; then
    curl -fs --noproxy '*' --connect-timeout 2 --max-time 3 "$1" </dev/null | head -c 1000000 >"$2"
    quick_code="${PIPESTATUS[0]}"
  else
    # shellcheck disable=SC2046 # flags
    (unset http_proxy https_proxy && wget -q $(wget_limits 3) -O - "$1" 2>/dev/null </dev/null) | head -c 1000000 >"$2"
    quick_code="${PIPESTATUS[0]}"
  fi
  [ "$quick_code" -eq 0 ]
}

use_ollama() { # INDEX
  export OLLAMA_URL="${found[$1]}"
  say using_ollama "${found_versions[$1]}" "$OLLAMA_URL"
}

use_engine() {
  if [ -z "$wants_engine_flag" ]; then return; fi
  say using_engine
  flags=(--engine ${flags[@]+"${flags[@]}"})
}

choose_ollama() {
  local i choices="${#found[@]}"
  if ! can_ask; then
    say took_first "${found[*]}"
    use_ollama 0
    return
  fi
  {
    message several
    for i in "${!found[@]}"; do printf '  %d) %s (Ollama %s)\n' "$((i + 1))" "${found[i]}" "${found_versions[i]}"; done
    if [ -n "$wants_engine_flag" ]; then
      choices=$((choices + 1))
      printf '  %d) %s\n' "$choices" "$(message engine_choice)"
    fi
  } >/dev/tty
  while true; do
    ask which
    case "$reply" in
      '') reply=1 ;;
      *[!0-9]* | ????*) reply=0 ;;
    esac
    if [ "$reply" -ge 1 ] && [ "$reply" -le "$choices" ]; then break; fi
    message between "$choices" >/dev/tty
  done
  if [ "$reply" -le "${#found[@]}" ]; then use_ollama "$((reply - 1))"; else use_engine; fi
}

find_ollama_program() {
  local place
  ollama="$(command -v ollama 2>/dev/null || true)"
  if [ "$system" != macos ]; then return; fi
  # An application that was never opened has put no command on the path.
  for place in /opt/homebrew/bin/ollama /usr/local/bin/ollama /Applications/Ollama.app/Contents/Resources/ollama; do
    if [ -z "$ollama" ] && [ -x "$place" ]; then ollama="$place"; fi
  done
}

# Starts an Ollama that is installed here, apart from this run: Ctrl+C ends the node and not it.
start_ollama() {
  local log="$data/ollama.log" server tries
  find_ollama_program
  [ -n "$ollama" ] || return 1
  say starting_ollama "$log"
  server="$(
    set -m
    nohup "$ollama" serve >"$log" 2>&1 </dev/null &
    echo $!
  )"
  for ((tries = 0; tries < 30; tries++)); do
    look_for_ollama
    if [ "${#found[@]}" -gt 0 ]; then return; fi
    kill -0 "$server" 2>/dev/null || break
    sleep 1
  done
  say ollama_silent "$log"
}

install_ollama() {
  can_ask || return 0
  ask install_ollama
  case "$reply" in
    [yYkKjJ]*) ;;
    *) return 0 ;;
  esac
  if [ "$system" = macos ]; then
    if ! command -v brew >/dev/null 2>&1; then
      say get_ollama
      return 0
    fi
    brew install ollama </dev/tty >&2 || say ollama_not_installed
  else
    { transfer https://ollama.com/install.sh "$work/install-ollama.sh" bar &&
      sh "$work/install-ollama.sh" </dev/tty >&2; } || say ollama_not_installed
  fi
  # Its installer may have started it.
  look_for_ollama
  if [ "${#found[@]}" -eq 0 ]; then start_ollama; fi
}

# --- the run -----------------------------------------------------------------------------------------

run_program() {
  export HUB_URL="ws${hub#http}/ws"
  clean_up
  # What is left of standard input is this script's.
  if [ ! -t 0 ]; then exec </dev/null; fi
  exec "$program" ${flags[@]+"${flags[@]}"}
}

main() {
  set -euo pipefail
  choose_language
  settle_hub
  settle_folders
  read_flags "$@"
  find_installed
  if [ -n "$asks_only" ] && [ -z "${KIPINA_BINARY:-}" ]; then
    program="$installed"
    if [ -n "$program" ]; then run_program; fi
    if [ -n "$needs_installed" ]; then fail not_installed; fi
  fi
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  make_work_folder
  provide_program
  case ":${PATH:-}:" in
    *":$commands:"*) ;;
    *) if [ -L "$link" ]; then say not_on_path "$commands"; fi ;;
  esac
  if [ -n "$wants_search" ] && [ -z "$asks_only" ]; then choose_backend; fi
  run_program
}

{ main "$@"; exit "$?"; }
