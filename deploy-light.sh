#!/usr/bin/env bash
# As deploy.sh, but the server builds the image itself: the sources are sent, and nothing is needed here but ssh and rsync.
#
#   ./deploy-light.sh [--dry-run]
#   ./deploy-light.sh back | backup | restore FILE | status
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/deploy.sh
. scripts/lib/deploy.sh

# What git has, as it lies here; nothing that git ignores ever leaves this machine.
send_sources() {
  git ls-files -z | rsync -rlptz --from0 --files-from=- --delete-missing-args -e "ssh ${ssh_options[*]}" ./ "$server:$folder/source/"
}

begin_deploy "$@"
if [ "${#words[@]}" -gt 0 ]; then
  deploy_action
  exit
fi
version="$(version_here)"
prepare_server
run send_sources
on_server build "$version"
send_release "$version"
on_server put "$version"
