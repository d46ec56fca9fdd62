"""join.sh: in a checkout and piped, with stand-ins for cargo and rustup."""

import os
import pathlib
import shutil
import tarfile
import unittest

from join_support import ROOT, JoinTest, node

CARGO = """#!/bin/sh
echo "cargo $*" >>"$HOME/cargo-calls"
case "$1" in
  build) ;;
  *) exit 0 ;;
esac
[ ! -e "$HOME/build-fails" ] || exit 101
mkdir -p "$CARGO_TARGET_DIR/release"
cp "$HOME/built" "$CARGO_TARGET_DIR/release/kipina-node"
chmod 755 "$CARGO_TARGET_DIR/release/kipina-node"
"""
SOURCE = ["join.sh", "Cargo.toml", "scripts/join/kipina-node.sh", "scripts/lib/messages.sh", "scripts/lib/setup.sh"]


class SourceTest(JoinTest):
    def setUp(self):
        super().setUp()
        for tool in "awk", "touch":
            self.give_tool(tool)
        self.write_program("cargo", CARGO)
        self.write_program("rustc", "#!/bin/sh\necho 'rustc 9.99.0 (fake)'\n")
        self.write_program("cc", "#!/bin/sh\n")
        (self.home / "built").write_bytes(node("0.1.0", "built here"))
        self.source = self.folder / "source"
        for name in SOURCE:
            (self.source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.source / name)

    def in_checkout(self, flags="--engine", **more):
        return self.run_script(command=f"source/join.sh {flags}", **{"KIPINA_HUB": self.hub.url, **more})

    def release_source(self, folder=""):
        with tarfile.open(self.hub.downloads / "kipina-0.1.0-source.tar.gz", "w:gz") as archive:
            archive.add(self.source, arcname=folder or ".")
        self.hub.sign()

    def calls(self):
        calls = self.home / "cargo-calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def assert_built(self, run):
        self.assert_runs(run, "0.1.0", HUB_URL=self.hub.url.replace("http", "ws") + "/ws")
        self.assertIn("# built here ", self.link.read_text())
        self.assertIn("cargo build --release --locked -p native-node --bins", self.calls())


class InACheckout(SourceTest):
    def test_the_hubs_program_is_used_where_there_is_one(self):
        self.hub.release("0.1.0")
        self.assert_runs(self.in_checkout(), "0.1.0")
        self.assertEqual(self.calls(), [])

    def test_builds_where_there_is_none(self):
        self.hub.release("0.1.0", platform="windows-x86_64.exe")
        run = self.in_checkout("--engine --model tiny.gguf")
        self.assert_built(run)
        self.assertIn("has no program for this machine (Linux x86_64): building it from source.", run.err)
        self.assertIn("arguments: --engine --model tiny.gguf\n", run.out)

    def test_builds_where_the_hub_has_nothing_at_all(self):
        shutil.rmtree(self.hub.downloads)
        self.assert_built(self.in_checkout())
        # The plain script goes on with what was built.
        self.assert_runs(self.run_script("--engine"), "0.1.0")

    def test_builds_where_the_hubs_program_does_not_start(self):
        self.hub.release("0.1.0", b"#!/bin/sh\nexit 1\n")
        self.assert_built(self.in_checkout())

    def test_builds_when_asked_to(self):
        self.hub.release("0.1.0")
        self.assert_built(self.in_checkout("--build --engine"))
        (self.home / "cargo-calls").unlink()
        self.assert_built(self.in_checkout(KIPINA_BUILD="always"))

    def test_a_build_that_fails(self):
        (self.home / "build-fails").touch()
        self.assert_fails(self.in_checkout("--build"), "the build failed; the reason is above")
        self.assert_nothing_installed_but_calls()

    def assert_nothing_installed_but_calls(self):
        self.assertFalse(self.link.exists())

    def test_what_is_no_program_is_not_installed(self):
        (self.home / "built").write_text("#!/bin/sh\necho something else\n")
        self.assert_fails(self.in_checkout("--build"), "is not the program kipina-node")


class WithoutACompiler(SourceTest):
    def setUp(self):
        super().setUp()
        self.write_program("rustc", "#!/bin/sh\necho 'rustc 1.63.0 (old)'\n")
        self.write_program("id", "#!/bin/sh\necho 1000\n")
        curl = os.readlink(self.bin / "curl")
        # rustup's script, as far as it matters here.
        self.write_program("curl", f"""#!/bin/sh
case "$*" in
  *https://sh.rustup.rs) echo 'echo "rustup $*" >>"$HOME/cargo-calls"; mkdir -p "$HOME/.cargo/bin"
printf "#!/bin/sh\\necho rustc 9.99.0\\n" >"$HOME/.cargo/bin/rustc"; chmod 755 "$HOME/.cargo/bin/rustc"' ;;
  *) exec {curl} "$@" ;;
esac
""")

    def test_says_what_is_needed_where_nobody_can_be_asked(self):
        self.assert_fails(self.in_checkout("--build"), r"Rust \d+\.\d+ or newer.*KIPINA_INSTALL_RUST=yes")
        self.assertEqual(self.calls(), [])

    def test_installs_one_with_consent(self):
        asked = r"Building takes Rust \d+\.\d+\. Install it\? \[Y/n\] $"
        command = "source/join.sh --build --engine"
        run = self.run_at_terminal([(asked, "n\n")], command=command, KIPINA_HUB=self.hub.url)
        self.assertEqual((run.code, self.calls()), (1, []), run)
        self.assert_built(self.run_at_terminal([(asked, "\n")], command=command, KIPINA_HUB=self.hub.url))
        self.assertIn("rustup -y --no-modify-path", self.calls()[0])

    def test_installs_one_where_that_is_said_before(self):
        self.assert_built(self.in_checkout("--build --engine", KIPINA_INSTALL_RUST="yes"))

    def test_says_the_one_command_for_what_only_root_can_install(self):
        (self.bin / "cc").unlink()
        self.write_program("apt-get", "#!/bin/sh\nexit 1\n")
        run = self.in_checkout("--build", KIPINA_INSTALL_RUST="yes")
        self.assertEqual(run.code, 1)
        self.assertIn("sudo apt-get install -y build-essential && curl -sSf https://sh.rustup.rs | sh -s -- -y", run.err)


class Piped(SourceTest):
    def join(self, flags="--engine", **more):
        return self.run_script(command=self.piped(flags, path="/join.sh"), **more)

    def test_uses_the_hubs_program_where_there_is_one(self):
        self.hub.release("0.1.0")
        self.assert_runs(self.join(), "0.1.0")
        self.assertEqual(self.calls(), [])

    def test_builds_the_hubs_source(self):
        for folder in "", "kipina-0.1.0":
            with self.subTest(folder):
                self.release_source(folder)
                self.assert_built(self.join())
                shutil.rmtree(self.home / ".local")

    def test_builds_when_asked_to(self):
        self.hub.release("0.1.0")
        self.release_source()
        self.assert_built(self.join("--build --engine"))

    def test_a_tampered_source_is_not_built(self):
        self.release_source()
        archive = self.hub.downloads / "kipina-0.1.0-source.tar.gz"
        archive.write_bytes(archive.read_bytes() + b"evil")
        self.assert_fails(self.join(), "is not the file that the hub has signed")
        self.assertEqual(self.calls(), [])

    def test_a_hub_without_source(self):
        self.hub.release("0.1.0", platform="linux-arm64")
        self.assert_fails(self.join(), "does not have the source either")

    def test_what_is_no_script_is_not_run(self):
        for page in b"<html>Sign in</html>", b"#!/usr/bin/env bash\necho half":
            script = self.folder / "join.sh"
            script.write_bytes(self.hub.script(ROOT / "join.sh"))
            self.hub.page = page
            self.assert_fails(self.run_script(command="bash ./join.sh"), "did not give the script that joins")

    def test_saved_outside_a_checkout(self):
        self.hub.release("0.1.0")
        self.assert_runs(self.run_script(command=f"curl -fsSL {self.hub.url}/join.sh -o join.sh && bash join.sh --engine"), "0.1.0")
        script = self.folder / "raw.sh"
        shutil.copy(ROOT / "join.sh", script)
        self.assert_runs(self.run_script(command="bash raw.sh --engine", KIPINA_HUB=self.hub.url + "/"), "0.1.0")


if __name__ == "__main__":
    unittest.main()
