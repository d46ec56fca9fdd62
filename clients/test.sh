#!/usr/bin/env bash
# Tests a running hub with OpenAI's own clients for Python and JavaScript.
#
#   KIPINA_URL=http://127.0.0.1:3000 KIPINA_MODEL=qwen2.5-coder:0.5b clients/test.sh
#
# What the clients need is installed once per lock file, below ~/.cache/kipina/clients.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
: "${KIPINA_URL:?set KIPINA_URL to a running hub, as in http://127.0.0.1:3000}"
export KIPINA_URL
export KIPINA_MODEL=${KIPINA_MODEL:-qwen2.5-coder:0.5b}
cache=${HOME:?}/.cache/kipina/clients

# key FILE: a name for what FILE pins; changes when the file does.
key() {
  sha256sum "$1" | cut -c 1-16
}

# install FOLDER COMMAND…: runs COMMAND in a new FOLDER unless it was finished before.
install() {
  local folder=$1
  shift
  if [ -e "$folder/.complete" ]; then
    return
  fi
  rm -rf "$folder"
  mkdir -p "$folder"
  (cd "$folder" && "$@")
  touch "$folder/.complete"
}

install_python() {
  python3 -m venv .
  bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary=:all: \
    --requirement "$here/python/requirements.txt"
}

install_javascript() {
  cp "$here/javascript/package.json" "$here/javascript/package-lock.json" .
  npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
}

python=$cache/python-$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')-$(key "$here/python/requirements.txt")
javascript=$cache/javascript-$(key "$here/javascript/package-lock.json")
install "$python" install_python
install "$javascript" install_javascript

"$python/bin/python" -m pytest --quiet -p no:cacheprovider "$here/python"

# Packages are found upwards from a file's own folder, so the tests are run beside them.
rm -f "$javascript"/*.js
cp "$here"/javascript/*.js "$javascript/"
(cd "$javascript" && node --test)
