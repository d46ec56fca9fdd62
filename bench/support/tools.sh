# shellcheck shell=bash
# What is measured against comes from npm, and lies outside the checkout.
#
#   install_peer NAME    puts bench/NAME with its packages into the folder `peer`

install_peer() { # NAME
  peer="$HOME/.cache/kipina/tools/bench-$1"
  mkdir -p "$peer"
  cp "bench/$1/package.json" "bench/$1/package-lock.json" "$peer/"
  if ! cmp -s "$peer/package-lock.json" "$peer/node_modules/.installed-lock"; then
    # Not `npm ci`: it wants the binaries of every platform in the lock file, and no registry has them all.
    npm install --prefix "$peer" --no-save --ignore-scripts --no-fund --no-audit >&2
    cp "$peer/package-lock.json" "$peer/node_modules/.installed-lock"
  fi
}
