# shellcheck shell=bash
# What was built from the same sources is not built again, in whichever checkout: builds are kept under
# ~/.cache/kipina by what went into them.

builds_to_keep=4

sha256_of() { # FILE...
  if command -v sha256sum >/dev/null; then sha256sum "$@"; else shasum -a 256 "$@"; fi
}

# One word for the contents of these files and folders, and for the text on the standard input.
key_of() { # PATH...
  {
    cat
    find "$@" \( -name node_modules -o -name dist -o -name .astro -o -name screenshots \) -prune -o -type f -print0 |
      LC_ALL=C sort -z | while IFS= read -r -d '' file; do sha256_of "$file"; done
  } | sha256_of - | cut -c 1-16
}

# Puts into `built` the folder in which COMMAND… has made KIND; it gets an empty folder as its last argument.
build_once() { # KIND KEY COMMAND...
  local kinds="$HOME/.cache/kipina/$1" fresh
  built="$kinds/$2"
  shift 2
  if [ -d "$built" ]; then
    touch "$built"
    return
  fi
  mkdir -p "$kinds"
  fresh="$(mktemp -d "$kinds/.fresh.XXXXXX")"
  if ! "$@" "$fresh"; then
    rm -rf "$fresh"
    return 1
  fi
  chmod 755 "$fresh"
  # Another run may have been quicker.
  if [ -d "$built" ]; then rm -rf "$fresh"; else mv "$fresh" "$built"; fi
  forget_old_builds "$kinds"
}

forget_old_builds() { # FOLDER
  local old
  # The names are ours: no spaces.
  # shellcheck disable=SC2012
  ls -1t "$1" | tail -n "+$((builds_to_keep + 1))" | while IFS= read -r old; do rm -rf "${1:?}/$old"; done
}
