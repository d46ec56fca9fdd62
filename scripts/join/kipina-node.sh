#!/usr/bin/env bash
# Joins this machine to a Kipinä hub: fetches the node for this system, checks it, and runs it.
set -euo pipefail

hub="${KIPINA_HUB:-@KIPINA_HUB@}"
release_key='@KIPINA_RELEASE_KEY@'
echo "kipina-node: this hub ($hub, key ${release_key:-none}) has no way to join in one line yet; see its README" >&2
exit 1
