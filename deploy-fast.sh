#!/usr/bin/env bash
# Builds the pages here and shows them on a server that runs already; nothing restarts, and no prompt notices.
#
#   ./deploy-fast.sh [--dry-run]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# shellcheck source=scripts/lib/messages.sh
. scripts/lib/messages.sh
# shellcheck source=scripts/lib/deploy.sh
. scripts/lib/deploy.sh

begin_deploy "$@"
if [ "${#words[@]}" -gt 0 ]; then
  deploy_action
  exit
fi
name="fast-$(version_here)"
site="$(scripts/build-site.sh)"
prepare_server
run over_ssh "mkdir -p $folder/frontend/$name"
send "$site/" "frontend/$name"
on_server pages "$name"
