#!/usr/bin/env bash
# Builds the hub's image here, moves it to a server and puts it to work there; where it does not answer, the version before
# comes back. The database is backed up first.
#
#   ./deploy.sh [--dry-run]
#   ./deploy.sh back | backup | restore FILE | status
#
# scripts/lib/deploy.sh says where the server is named. deploy-light.sh builds there instead, deploy-fast.sh changes the pages alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/deploy.sh
. scripts/lib/deploy.sh

# Compressed, but not for long: the line is seldom slower than that.
move_image() { # VERSION
  docker save "kipina-hub:$1" | gzip -1 | over_ssh "$folder/on-server.sh load"
}

export DOCKER_BUILDKIT=1
begin_deploy "$@"
if [ "${#words[@]}" -gt 0 ]; then
  deploy_action
  exit
fi
version="$(version_here)"
prepare_server
run docker build -f Dockerfile.prod -t "kipina-hub:$version" .
run move_image "$version"
send_release "$version"
on_server put "$version"
