#!/usr/bin/env bash
# What deploy.sh, deploy-light.sh and deploy-fast.sh do on the server, in the folder that this file was put into.
#
#   on-server.sh check             whether everything is there that the rest needs
#   on-server.sh load              an image from the standard input
#   on-server.sh build VERSION     an image from source/
#   on-server.sh put VERSION       backs up, puts the version to work, and goes back if it does not answer
#   on-server.sh pages NAME        shows the pages in frontend/NAME, and goes back if they are not answered
#   on-server.sh back              to the version before
#   on-server.sh backup            prints the file
#   on-server.sh restore FILE      a backup in the database's place; what was there is backed up first
#   on-server.sh status
#
# .release says what runs, .release.before what ran before it; releases/VERSION/ has each version's compose file and Caddyfile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=scripts/lib/messages.sh
. ./messages.sh

seconds_to_answer="${SECONDS_TO_ANSWER:-120}"
releases_to_keep=5
backups_to_keep=14

release() { # FILE: the version that it names
  sed -n 's/^KIPINA_VERSION=//p' "$1" 2>/dev/null || true
}

compose() { # ARGUMENTS...
  docker compose --project-directory . --env-file .env --env-file .release \
    -f "releases/$(release .release)/docker-compose.prod.yml" "$@"
}

setting() { # NAME: its value in .env
  sed -n "s/^$1=//p" .env | tail -n 1
}

# --- is it well? -------------------------------------------------------------------------------------

# Through Caddy, as people come; the certificate is Caddy's business, and may be minutes old.
answers() { # PATH
  local site port=443
  site="$(setting SITE_ADDRESS)"
  case "$site" in *:*) port="${site##*:}" ;; esac
  curl --silent --show-error --fail --insecure --noproxy '*' --max-time 10 --output /dev/null \
    --resolve "${site%:*}:$port:127.0.0.1" "https://$site$1"
}

is_well() {
  local until=$((SECONDS + seconds_to_answer)) reason
  while [ "$SECONDS" -lt "$until" ]; do
    if reason="$(answers /readyz 2>&1)" && reason="$(answers / 2>&1)"; then return; fi
    sleep 1
  done
  say not_well "$(release .release)" "$seconds_to_answer" "$reason"
  compose logs --tail 20 hub >&2 || true
  return 1
}

# --- versions ----------------------------------------------------------------------------------------

switch_to() { # VERSION STATIC_DIR
  printf 'KIPINA_VERSION=%s\nSTATIC_DIR=%s\n' "$1" "$2" >.release.new
  mv .release.new .release
  # Written over, not replaced: the container sees this very file.
  if ! cmp -s "releases/$1/Caddyfile" Caddyfile; then
    cat "releases/$1/Caddyfile" >Caddyfile
    touch .caddy-is-older
  fi
}

start() {
  compose up -d --no-build --remove-orphans
  if [ -e .caddy-is-older ]; then
    compose exec -T caddy caddy reload --config /etc/caddy/Caddyfile --adapter caddyfile || compose restart caddy
    rm .caddy-is-older
  fi
}

# A database that a newer hub has changed is not what the older one can read.
go_back() { # BACKUP
  local before
  before="$(release .release.before)"
  if [ -z "$before" ]; then
    say nothing_to_go_back_to
    compose stop hub || true
    return 1
  fi
  say going_back "$before"
  switch_to "$before" "$(sed -n 's/^STATIC_DIR=//p' .release.before)"
  start || true
  if is_well; then return; fi
  if [ -n "${1:-}" ]; then
    put_back "$1"
    if is_well; then return; fi
  fi
  fail did_not_go_back "$before"
}

put() { # VERSION
  local version="$1" backup="" pages
  docker image inspect "kipina-hub:$version" >/dev/null 2>&1 || fail no_image "$version"
  touch Caddyfile
  pages="$(take_pages "$version")"
  if [ -n "$(release .release)" ]; then
    if compose ps --status running --services 2>/dev/null | grep -qx hub; then backup="$(back_up)"; fi
    # A version that is put to work again is not what to go back to.
    if [ "$(release .release)" != "$version" ]; then cp .release .release.before; fi
  fi
  say putting "$version"
  point_pages_to "$pages"
  switch_to "$version" /frontend/dist
  if start && is_well; then
    forget_old
    say deployed "$version" "https://$(setting SITE_ADDRESS)"
    return
  fi
  go_back "$backup" || true
  fail rolled_back "$version"
}

forget_old() {
  local old
  # The names are ours: no spaces.
  # shellcheck disable=SC2012
  ls -1t releases | tail -n "+$((releases_to_keep + 1))" | while IFS= read -r old; do
    if [ "$old" = "$(release .release)" ] || [ "$old" = "$(release .release.before)" ]; then continue; fi
    rm -rf "releases/${old:?}" "frontend/pages-${old:?}"
    docker image rm "kipina-hub:$old" >/dev/null 2>&1 || true
  done
}

# --- pages -------------------------------------------------------------------------------------------

# The image has the pages that were built with it.
take_pages() { # VERSION: prints their folder's name
  local container name="pages-$1"
  if [ ! -d "frontend/$name" ]; then
    mkdir -p frontend
    rm -rf "frontend/$name.new"
    container="$(docker create "kipina-hub:$1")"
    docker cp "$container:/site" "frontend/$name.new" >&2
    docker rm "$container" >/dev/null
    mv "frontend/$name.new" "frontend/$name"
  fi
  printf '%s\n' "$name"
}

# In one step: nobody finds half of the old pages and half of the new ones.
point_pages_to() { # NAME
  ln -sfn "$1" frontend/dist.new
  mv -T frontend/dist.new frontend/dist
}

put_pages() { # NAME
  local before
  [ -f "frontend/$1/index.html" ] || fail no_pages "$1"
  before="$(readlink frontend/dist || true)"
  point_pages_to "$1"
  if answers /; then
    # Those that this version brought stay, and the last ones before.
    # shellcheck disable=SC2012
    ls -1td frontend/fast-* 2>/dev/null | tail -n +4 | while IFS= read -r old; do rm -rf "${old:?}"; done
    say deployed_pages "$1"
    return
  fi
  if [ -n "$before" ]; then point_pages_to "$before"; fi
  fail pages_rolled_back "$1"
}

# --- the database ------------------------------------------------------------------------------------

back_up() { # prints the file
  local name old
  name="kipina-$(date -u +%Y%m%dT%H%M%SZ)-$(release .release).sqlite"
  compose exec -T hub /kipina-hub backup "/backups/$name" >&2
  # shellcheck disable=SC2012
  ls -1t backups | tail -n "+$((backups_to_keep + 1))" | while IFS= read -r old; do rm -f "backups/${old:?}"; done
  printf '%s\n' "$name"
}

# The hub must not have the database open.
put_back() { # NAME
  compose stop hub
  compose run --rm --no-deps -T hub restore "/backups/$1"
  compose up -d --no-build hub
}

restore() { # FILE
  local name="${1##*/}"
  [ -f "backups/$name" ] || fail no_backup "$name" "$(pwd)/backups"
  # What is there now may be what one wants back.
  if compose ps --status running --services 2>/dev/null | grep -qx hub; then say backed_up "$(back_up)"; fi
  put_back "$name"
  is_well || fail restored_not_well "$name"
  say restored "$name"
}

# --- before anything else ----------------------------------------------------------------------------

check() {
  local missing="" name
  for name in docker curl; do command -v "$name" >/dev/null 2>&1 || missing="$missing $name"; done
  [ -z "$missing" ] || fail server_lacks "$missing"
  docker compose version >/dev/null 2>&1 || fail server_lacks " docker-compose-plugin"
  docker info >/dev/null 2>&1 || fail no_docker_engine "$(id -un)"
  [ -f .env ] || fail no_env_file "$(pwd)" "$(pwd)"
  for name in SITE_ADDRESS ADMIN_PASSWORD; do [ -n "$(setting "$name")" ] || fail env_lacks "$name" "$(pwd)"; done
  mkdir -p frontend models downloads
  # The hub is nobody there, and writes its backups itself.
  mkdir -p -m 1777 backups
}

status() {
  if [ -z "$(release .release)" ]; then
    say not_deployed
    return
  fi
  say runs "$(release .release)" "$(readlink frontend/dist || true)"
  compose ps
}

action="${1:-}"
shift || true
case "$action" in
  check) check ;;
  load) gunzip | docker load ;;
  build) docker build -f source/Dockerfile.prod -t "kipina-hub:$1" source ;;
  put) put "$1" ;;
  pages) put_pages "$1" ;;
  back) go_back "" ;;
  backup) say backed_up "$(back_up)" ;;
  restore) restore "$1" ;;
  status) status ;;
  *) fail usage_on_server "$0" ;;
esac
