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
# .release says what runs, .release.before what ran before it, with its pages; releases/VERSION/ has each version's compose file and Caddyfile.
set -euo pipefail
# In $(…) as well.
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=scripts/lib/messages.sh
. ./messages.sh

seconds_to_answer="${SECONDS_TO_ANSWER:-120}"
# HANDOVER_SECONDS of the hub, DRAIN_SECONDS, and some.
seconds_to_hand_over="${SECONDS_TO_HAND_OVER:-720}"
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
  local site port
  site="$(setting SITE_ADDRESS)"
  port="$(setting HTTPS_PORT)"
  port="${port:-443}"
  curl --silent --show-error --fail --insecure --noproxy '*' --max-time 10 --output /dev/null \
    --resolve "$site:$port:127.0.0.1" "https://$site:$port$1"
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

switch_to() { # VERSION PAGES
  printf 'KIPINA_VERSION=%s\nSTATIC_DIR=/frontend/dist\n' "$1" >.release.new
  mv .release.new .release
  point_pages_to "$2"
  # Written over, not replaced: the container sees this very file.
  if ! cmp -s "releases/$1/Caddyfile" Caddyfile; then
    cat "releases/$1/Caddyfile" >Caddyfile
    touch .caddy-is-older
  fi
}

remember() { # FILE: what runs, with its pages
  printf 'KIPINA_VERSION=%s\nPAGES=%s\n' "$(release .release)" "$(readlink frontend/dist)" >"$1"
}

start() {
  take_over || return 1
  compose up -d --no-build --no-deps caddy || return 1
  if [ -e .caddy-is-older ]; then
    reload_caddy || return 1
    rm .caddy-is-older
  fi
}

# It goes on with what it had if the new file is no good. One that has just started may not listen yet.
reload_caddy() {
  local attempt
  for attempt in 1 2 3 4 5; do
    if compose exec -T caddy caddy reload --config /etc/caddy/Caddyfile --adapter caddyfile; then return; fi
    sleep "$attempt"
  done
  return 1
}

hubs() { # running, or all of them with -a
  compose ps -q "$@" hub
}

# A container that ends is soon started again, which counts.
runs_for_the_first_time() { # CONTAINER
  [ "$(docker inspect -f '{{.State.Running}} {{.RestartCount}}' "$1" 2>/dev/null)" = "true 0" ]
}

# A second container asks the first one for its listening socket and answers from then on; the first one ends once it has
# answered all that it was asked. One that does not get so far changes nothing.
take_over() {
  local older newer container until
  older="$(hubs)"
  for container in $(hubs -a); do
    case "$older" in *"$container"*) ;; *) docker rm -f "$container" >/dev/null ;; esac
  done
  if [ -z "$older" ]; then
    compose up -d --no-build --no-deps hub
    return
  fi
  # It would be started again at its end, and take its place back.
  # shellcheck disable=SC2086 # a list
  docker update --restart=no $older >/dev/null || return 1
  compose up -d --no-build --no-deps --no-recreate --scale "hub=$(($(wc -w <<<"$older") + 1))" hub || true
  newer="$(hubs -a | grep -vxF "$older" || true)"
  until=$((SECONDS + seconds_to_hand_over))
  while [ -n "$newer" ] && runs_for_the_first_time "$newer" && [ "$SECONDS" -lt "$until" ]; do
    if ! hubs | grep -qxF "$older"; then
      # shellcheck disable=SC2086
      docker rm $older >/dev/null
      return
    fi
    sleep 1
  done
  say not_taken_over "$(release .release)"
  if [ -n "$newer" ]; then
    docker logs --tail 20 "$newer" >&2 || true
    docker rm -f "$newer" >/dev/null
  fi
  # shellcheck disable=SC2086
  docker update --restart=unless-stopped $older >/dev/null || true
  return 1
}

# Where nothing can be handed over. What waits is refused, and told to come again.
start_anew() {
  compose stop hub
  compose rm -f hub
  compose up -d --no-build --no-deps hub
}

still_runs() { # VERSION
  local container
  for container in $(hubs); do
    [ "$(docker inspect -f '{{.Config.Image}}' "$container")" = "kipina-hub:$1" ] || return 1
  done
  [ -n "${container:-}" ]
}

go_back() { # BACKUP
  local before way
  before="$(release .release.before)"
  if [ -z "$before" ]; then
    say nothing_to_go_back_to
    compose stop hub || true
    return 1
  fi
  say going_back "$before"
  switch_to "$before" "$(sed -n 's/^PAGES=//p' .release.before)"
  # What a newer hub has changed may be what the older one can't read.
  if [ -z "${1:-}" ] || compose run --rm --no-deps -T hub check >/dev/null; then
    for way in "still_runs $before" start start_anew; do
      if $way && is_well; then return; fi
    done
  fi
  if [ -n "${1:-}" ] && put_back "$1" && start && is_well; then return; fi
  fail did_not_go_back "$before"
}

put() { # VERSION
  local version="$1" backup="" pages
  docker image inspect "kipina-hub:$version" >/dev/null 2>&1 || fail no_image "$version"
  touch Caddyfile
  pages="$(take_pages "$version")"
  if [ -n "$(release .release)" ]; then
    if [ -n "$(hubs)" ]; then backup="$(back_up)"; fi
    # A version that is put to work again is not what to go back to.
    if [ "$(release .release)" != "$version" ]; then
      if [ -e .release.before ]; then mv .release.before .release.earlier; fi
      remember .release.before
    fi
  fi
  say putting "$version"
  switch_to "$version" "$pages"
  if start && is_well; then
    forget_old
    say deployed "$version" "https://$(setting SITE_ADDRESS)"
    return
  fi
  if go_back "$backup"; then
    rm .release.before
    if [ -e .release.earlier ]; then mv .release.earlier .release.before; fi
  fi
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
  name="kipina-$(date -u +%Y%m%dT%H%M%S.%3NZ)-$(release .release).sqlite"
  docker exec "$(hubs | head -n 1)" /kipina-hub backup "/backups/$name" >&2
  # shellcheck disable=SC2012
  ls -1t backups/kipina-*.sqlite | tail -n "+$((backups_to_keep + 1))" | while IFS= read -r old; do rm -f "$old"; done
  printf '%s\n' "$name"
}

# The hub must not have the database open. It is started again in any case.
put_back() { # NAME
  local status=0
  compose stop hub
  compose run --rm --no-deps -T hub restore "/backups/$1" >&2 || status=1
  start_anew
  return "$status"
}

restore() { # FILE
  local name="${1##*/}" made
  [ -f "backups/$name" ] || fail no_backup "$name" "$(pwd)/backups"
  # What is there now may be what one wants back.
  if [ -n "$(hubs)" ]; then
    made="$(back_up)"
    say backed_up "$made"
  fi
  put_back "$name" || fail not_restored "$name"
  is_well || fail restored_not_well "$name"
  say restored "$name"
}

# --- before anything else ----------------------------------------------------------------------------

check() {
  local missing="" name
  for name in docker curl gzip flock; do command -v "$name" >/dev/null 2>&1 || missing="$missing $name"; done
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
  put | pages | back | backup | restore)
    exec 9>.lock
    flock --nonblock 9 || fail already_deploying "$(pwd)"
    ;;
esac
case "$action" in
  check) check ;;
  load) gunzip | docker load ;;
  build) DOCKER_BUILDKIT=1 docker build -f source/Dockerfile.prod -t "kipina-hub:$1" source ;;
  put) put "$1" ;;
  pages) put_pages "$1" ;;
  back)
    remember .release.earlier
    go_back ""
    mv .release.earlier .release.before
    ;;
  backup)
    made="$(back_up)"
    say backed_up "$made"
    ;;
  restore) restore "$1" ;;
  status) status ;;
  *) fail usage_on_server "$0" ;;
esac
