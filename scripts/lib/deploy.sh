# shellcheck shell=bash
# Reaching the server that deploy.sh, deploy-light.sh and deploy-fast.sh deploy to. From the repository's root, after messages.sh:
#   begin_deploy [--dry-run] [COMMAND…]   reads the settings; puts the words that are left into `words`
#   run COMMAND…                          or, in a dry run, says it
#   on_server ACTION…                     scripts/deploy/on-server.sh there
#   send SOURCE… TARGET                   files into a folder there
#   version_here                          of this checkout
#
# Where to, and how, stands in a file outside the repository: ~/.config/kipina/deploy.env, or what KIPINA_DEPLOY names.
#   SERVER=kipina@hub.example     as for ssh
#   FOLDER=/srv/kipina            there
#   SSH_PORT=22 SSH_KEY=~/.ssh/id_ed25519 KNOWN_HOSTS=~/.ssh/known_hosts     where they differ from ssh's own

deploy_settings="${KIPINA_DEPLOY:-$HOME/.config/kipina/deploy.env}"
dry_run=""
words=()

# Read, not run: it holds values and no commands.
deploy_setting() { # NAME DEFAULT
  local value
  value="$(sed -n "s/^$1=//p" "$deploy_settings" | tail -n 1)"
  printf '%s' "${value:-$2}"
}

begin_deploy() { # ARGUMENTS...
  local word
  for word in "$@"; do
    case "$word" in
      --dry-run | -n) dry_run=yes ;;
      *) words+=("$word") ;;
    esac
  done
  [ -f "$deploy_settings" ] || fail no_deploy_settings "$deploy_settings"
  server="$(deploy_setting SERVER "")"
  folder="$(deploy_setting FOLDER /srv/kipina)"
  [ -n "$server" ] || fail no_server "$deploy_settings"
  case "$folder" in
    /*[!A-Za-z0-9._/-]* | [!/]*) fail bad_folder "$folder" "$deploy_settings" ;;
  esac
  connections="$(mktemp -d)"
  trap 'leave_server' EXIT
  # An unknown or changed host key ends it: what is deployed there includes passwords.
  ssh_options=(-o StrictHostKeyChecking=yes -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15
    -o ControlMaster=auto -o "ControlPath=$connections/%C" -o ControlPersist=60 -p "$(deploy_setting SSH_PORT 22)")
  local key hosts
  key="$(deploy_setting SSH_KEY "")"
  hosts="$(deploy_setting KNOWN_HOSTS "")"
  if [ -n "$key" ]; then ssh_options+=(-i "${key/#\~/$HOME}" -o IdentitiesOnly=yes); fi
  if [ -n "$hosts" ]; then ssh_options+=(-o "UserKnownHostsFile=${hosts/#\~/$HOME}"); fi
  over_ssh true || fail no_connection "$server" "$server"
}

leave_server() {
  ssh "${ssh_options[@]}" -O exit "$server" >/dev/null 2>&1 || true
  rm -rf "$connections"
}

over_ssh() { # COMMAND-LINE: put together here, on purpose
  # shellcheck disable=SC2029
  ssh "${ssh_options[@]}" "$server" "$@"
}

run() { # COMMAND...
  if [ -n "$dry_run" ]; then
    printf '+ %s\n' "$*"
  else
    "$@"
  fi
}

on_server() { # ACTION...
  run over_ssh "LANG=${LANG:-C.UTF-8} $folder/on-server.sh $*"
}

send() { # SOURCE... TARGET
  local sources=("${@:1:$#-1}") target="${*: -1}"
  run rsync -rlptz --delay-updates -e "ssh ${ssh_options[*]}" "${sources[@]}" "$server:$folder/$target/"
}

# The server's own part comes first: it does the rest.
prepare_server() {
  run over_ssh "mkdir -p $folder/releases $folder/source $folder/frontend"
  send scripts/deploy/on-server.sh scripts/lib/messages.sh .env.example .
  on_server check
}

version_here() {
  local version
  version="$(git rev-parse --short=12 HEAD)" || fail no_checkout_to_deploy
  # What is not committed has no name to go back to.
  [ -z "$(git status --porcelain --untracked-files=no)" ] || version="$version-$(date -u +%Y%m%dT%H%M%S)"
  printf '%s' "$version"
}

send_release() { # VERSION
  run over_ssh "mkdir -p $folder/releases/$1"
  send docker-compose.prod.yml Caddyfile "releases/$1"
}

# The actions that need nothing built: back, backup, restore FILE, status.
deploy_action() {
  case "${words[0]}" in
    back | backup | status) on_server "${words[0]}" ;;
    restore) [[ "${words[1]:-}" =~ ^[A-Za-z0-9._/-]+$ ]] || fail usage_deploy "$0"; on_server restore "${words[1]}" ;;
    *) fail usage_deploy "$0" ;;
  esac
}
