# shellcheck shell=bash
# Building programs for other people's machines. From the repository's root, after messages.sh and setup.sh:
#   build_release SYSTEM-ARCHITECTURE FOLDER   puts the programs for one system into FOLDER
#   pack_source FOLDER                         and the source that they are built from

release_version="$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)"
release_tools="$HOME/.cache/kipina/tools/release"

# Programs with the date of what they are made of, not of their making.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}"
export SOURCE_DATE_EPOCH

# The oldest glibc that Rust's library runs with, of 2012. Drivers of graphics cards are loaded at run time, and a static
# program can load none.
glibc_version=2.17

triple_of() { # SYSTEM-ARCHITECTURE
  case "$1" in
    linux-x86_64) echo x86_64-unknown-linux-musl ;;
    linux-arm64) echo aarch64-unknown-linux-musl ;;
    linux_gpu-x86_64) echo x86_64-unknown-linux-gnu ;;
    linux_gpu-arm64) echo aarch64-unknown-linux-gnu ;;
    macos-x86_64) echo x86_64-apple-darwin ;;
    macos-arm64) echo aarch64-apple-darwin ;;
    windows-x86_64) echo x86_64-pc-windows-gnu ;;
  esac
}

# zig is a C compiler and a linker for every system, and cargo-zigbuild tells cargo so.
find_zig() {
  local wanted=scripts/release/requirements.txt have="$release_tools/requirements.txt"
  if ! cmp -s "$wanted" "$have"; then
    say installing "zig, cargo-zigbuild"
    rm -rf "$release_tools"
    python3 -m pip install --quiet --target "$release_tools" --only-binary :all: --require-hashes -r "$wanted" >&2 ||
      return 1
    cp "$wanted" "$have"
  fi
  export CARGO_ZIGBUILD_ZIG_PATH="$release_tools/ziglang/zig"
}

# The standard library for a system: of rustup, where that can fetch it, else built from its source.
find_library() { # TRIPLE
  library=()
  if [ -d "$(rustc --print target-libdir --target "$1")" ]; then return; fi
  if command -v rustup >/dev/null 2>&1 && rustup target add "$1" >&2; then return; fi
  if has_library_source rustc; then library=(-Z "build-std=std,panic_unwind"); fi
  [ "${#library[@]}" -gt 0 ]
}

# Apple gives out its libraries with Xcode only.
has_apple_libraries() {
  [ -n "${SDKROOT:-}" ] || { command -v xcrun >/dev/null 2>&1 && xcrun --show-sdk-path >/dev/null 2>&1; }
}

# Without them the folders of this machine would stand in the programs' error messages. The standard library's source has
# its own name for where it is not installed; it gets the same one where it is.
flags_without_paths() {
  local cargo_home="${CARGO_HOME:-$HOME/.cargo}" folder flags="" library
  library="$(rustc --print sysroot)/lib/rustlib/src/rust=/rustc/$(rustc -vV | sed -n 's/^commit-hash: //p')"
  for folder in "$CARGO_TARGET_DIR=target" "$library" "$PWD=kipina"; do
    flags="$flags--remap-path-prefix=$folder"$'\x1f'
  done
  for folder in "$cargo_home"/registry/src/*; do flags="$flags--remap-path-prefix=$folder=crates"$'\x1f'; done
  printf '%s' "${flags%$'\x1f'}"
}

build_release() { # SYSTEM-ARCHITECTURE FOLDER
  local wanted="$1" folder="$2" suffix="" triple target build=(zigbuild) packages=(-p native-node) programs=(kipina-node) program
  local log="$HOME/.cache/kipina/log/build-$1" library path
  triple="$(triple_of "$wanted")"
  target="$triple"
  case "$wanted" in
    macos-*)
      if ! has_apple_libraries; then
        say build_skipped "$wanted" "$(message no_apple_libraries)"
        return
      fi
      if [ "$(uname -s)" = Darwin ]; then build=(build); fi
      ;;
    linux_gpu-*) target="$triple.$glibc_version" ;;
    windows-*) suffix=.exe ;;
  esac
  # kpn computes nothing.
  if [ -f cli/Cargo.toml ] && [ "$target" = "$triple" ]; then
    packages+=(-p cli)
    programs+=(kpn)
  fi
  if [ "${build[0]}" = zigbuild ] && ! find_zig; then
    say build_skipped "$wanted" "$(message no_zig)"
    return
  fi
  if ! find_library "$triple"; then
    say build_skipped "$wanted" "$(message no_library "$(rustc --version)" "$triple")"
    return
  fi

  say building_release "$wanted"
  mkdir -p "$(dirname "$log")"
  if ! PATH="$release_tools/bin:$PATH" RUSTC_BOOTSTRAP="${library:+1}" CARGO_ENCODED_RUSTFLAGS="$(flags_without_paths)" \
    cargo "${build[@]}" --profile dist --locked "${packages[@]}" --bins --target "$target" \
    ${library[@]+"${library[@]}"} >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    say build_broke "$wanted" "$log"
    return 1
  fi
  for program in "${programs[@]}"; do
    path="$CARGO_TARGET_DIR/$triple/dist/$program$suffix"
    if LC_ALL=C grep -aqF -e "$PWD/" -e "$CARGO_TARGET_DIR/" -e "${CARGO_HOME:-$HOME/.cargo}/registry" "$path"; then
      say has_paths "$program" "$wanted"
      return 1
    fi
    # Called in a condition, where no failure ends a function by itself.
    install -m 755 "$path" "$folder/$program-$release_version-$wanted$suffix" || return 1
  done
}

pack_source() { # FOLDER
  local name="kipina-$release_version-source.tar.gz"
  if ! git rev-parse --verify --quiet HEAD >/dev/null 2>&1; then
    say build_skipped "$name" "$(message no_checkout)"
    return
  fi
  if [ -n "$(git status --porcelain --untracked-files=no)" ]; then say uncommitted "$name"; fi
  git archive --format=tar --prefix="kipina-$release_version/" HEAD | gzip -n -9 >"$1/$name"
}
