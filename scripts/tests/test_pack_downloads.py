"""scripts/pack-downloads.sh: what it lists, signs and refuses, checked with openssl alone."""

import base64
import hashlib
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).parents[1] / "pack-downloads.sh"
LINUX = "kipina-node-0.1.0-linux-x86_64"


class PackDownloads(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.downloads = self.folder / "downloads with a space"
        self.downloads.mkdir()
        self.home = self.folder / "home"
        self.key = self.home / ".config/kipina/release.key"

    def put(self, name, content=b"program"):
        (self.downloads / name).write_bytes(content)

    def pack(self, *arguments, **more):
        kept = {
            name: value
            for name, value in os.environ.items()
            if not re.match(r"LC_|LANG|KIPINA_", name)
        }
        environment = {**kept, "HOME": str(self.home), **more}
        command = [SCRIPT, *(arguments or [self.downloads])]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)

    def packed(self, **more):
        run = self.pack(**more)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run

    def verifies(self):
        signature = self.folder / "signature"
        signature.write_bytes(base64.b64decode((self.downloads / "SHA256SUMS.sig").read_text(), validate=False))
        verify = ["openssl", "dgst", "-sha256", "-verify", self.downloads / "kipina.pub", "-signature", signature]
        return subprocess.run([*verify, self.downloads / "SHA256SUMS"], capture_output=True).returncode == 0

    def assert_refused(self, line, **more):
        run = self.pack(**more)
        self.assertEqual(run.returncode, 1, run.stderr)
        self.assertRegex(run.stderr.splitlines()[-1], line)
        self.assertEqual([name for name in os.listdir(self.downloads) if name.startswith(".")], [])
        return run

    def test_every_program_is_listed_as_sha256sum_does_and_the_list_is_signed(self):
        names = [
            "kipina-0.1.0-source.tar.gz",
            LINUX,
            "kipina-node-0.10.0-macos-arm64",
            "kpn-0.1.0-windows-x86_64.exe",
        ]
        for name in names:
            self.put(name, name.encode())
        self.packed()
        lines = [f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n" for name in names]
        self.assertEqual((self.downloads / "SHA256SUMS").read_text(), "".join(lines))
        self.assertTrue(self.verifies())
        check = subprocess.run(["sha256sum", "--check", "SHA256SUMS"], cwd=self.downloads, capture_output=True)
        self.assertEqual(check.returncode, 0, check.stderr)
        proofs = ["SHA256SUMS", "SHA256SUMS.sig", "kipina.pub"]
        self.assertEqual(sorted(os.listdir(self.downloads)), sorted([*names, *proofs]), "leftovers")
        self.assertEqual(len((self.downloads / "SHA256SUMS.sig").read_text().splitlines()), 1)

    def test_a_list_that_was_changed_no_longer_verifies(self):
        self.put(LINUX)
        self.packed()
        self.assertTrue(self.verifies())
        path = self.downloads / "SHA256SUMS"
        text = path.read_text()
        path.write_text(text.replace(text[0], "0" if text[0] != "0" else "1", 1))
        self.assertFalse(self.verifies())
        path.write_text(text + text)
        self.assertFalse(self.verifies())
        path.write_text(text)
        self.assertTrue(self.verifies())

    def test_another_key_does_not_verify_the_list(self):
        self.put(LINUX)
        self.packed()
        public = (self.downloads / "kipina.pub").read_text()
        other = self.folder / "other.key"
        self.packed(KIPINA_RELEASE_KEY=str(other))
        self.assertNotEqual((self.downloads / "kipina.pub").read_text(), public)
        self.assertTrue(self.verifies())
        (self.downloads / "kipina.pub").write_text(public)
        self.assertFalse(self.verifies())

    def test_the_key_is_made_once_for_its_owner_alone_and_used_again(self):
        self.put(LINUX)
        # A lax umask, as many systems have it.
        first = subprocess.run(
            ["bash", "-c", 'umask 000; exec "$0" "$1"', SCRIPT, self.downloads],
            env={**os.environ, "HOME": str(self.home), "LC_ALL": "C"},
            capture_output=True,
            text=True,
        )
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertIn("Made a new signing key", first.stderr)
        self.assertEqual(self.key.stat().st_mode & 0o777, 0o600)
        key, public = self.key.read_bytes(), (self.downloads / "kipina.pub").read_bytes()
        self.assertEqual(os.listdir(self.key.parent), ["release.key"], "leftovers")

        self.put("kpn-0.1.0-linux-arm64")
        self.put("kipina-node-0.1.0-linux_gpu-arm64")
        second = self.packed()
        self.assertNotIn("Made a new signing key", second.stderr)
        self.assertEqual((self.key.read_bytes(), (self.downloads / "kipina.pub").read_bytes()), (key, public))
        self.assertTrue(self.verifies())
        self.assertNotIn("PRIVATE", (self.downloads / "kipina.pub").read_text())

    def test_the_key_can_lie_elsewhere(self):
        self.put(LINUX)
        elsewhere = self.folder / "keys/my key"
        self.packed(KIPINA_RELEASE_KEY=str(elsewhere))
        self.assertEqual(elsewhere.stat().st_mode & 0o777, 0o600)
        self.assertFalse(self.key.exists())

    def test_names_that_a_hub_would_not_serve_are_refused(self):
        self.put(LINUX)
        self.packed()
        listed = (self.downloads / "SHA256SUMS").read_text()
        for name in [
            "notes.txt",
            "kipina-node",
            "kipina-node-0.1.0-linux-x86_64.exe",
            "kipina-node-0.1.0-windows-x86_64",
            "kipina-node-0.1.0-linux-riscv64",
            "kipina-node-0.1.0-windows_gpu-x86_64.exe",
            "kipina-node-0.1.0-rc1-linux-x86_64",
            "kipina-node-0.1.0-linux-arm64 (1)",
            "kipina-hub-0.1.0-linux-x86_64",
            "kipina-node-0.1.0-linux-arm64\nx",
            "release.key",
        ]:
            with self.subTest(name):
                self.put(name)
                self.assert_refused("is no release file|^x is no|x is no release")
                (self.downloads / name).unlink()
                self.assertEqual((self.downloads / "SHA256SUMS").read_text(), listed)

    def test_links_and_folders_are_refused(self):
        self.put(LINUX)
        link = self.downloads / "kipina-node-0.1.0-linux-arm64"
        link.symlink_to("/etc/passwd")
        self.assert_refused("is no release file")
        link.unlink()
        link.mkdir()
        self.assert_refused("is no release file")

    def test_an_empty_folder_and_none_are_refused_with_what_to_do(self):
        self.assert_refused("there is nothing to serve in .*build-binaries.sh")
        run = self.pack(self.folder / "nowhere")
        self.assertEqual((run.returncode, "there is no folder" in run.stderr), (1, True))
        self.assertEqual(self.pack("a", "b").returncode, 1)
        self.assertFalse(self.key.exists())

    def test_a_key_of_another_kind_is_refused_and_kept(self):
        self.put(LINUX)
        self.key.parent.mkdir(parents=True)
        kinds = {"EC": ["-pkeyopt", "ec_paramgen_curve:P-384"], "ED25519": []}
        for kind, options in kinds.items():
            with self.subTest(kind):
                make = ["openssl", "genpkey", "-algorithm", kind, *options, "-out", self.key]
                subprocess.run(make, check=True, capture_output=True)
                key = self.key.read_bytes()
                self.assert_refused("is no signing key")
                self.assertEqual(self.key.read_bytes(), key)
        self.key.write_text("not a key")
        self.assert_refused("is no signing key")
        self.assertFalse((self.downloads / "SHA256SUMS").exists())

    def test_speaks_finnish(self):
        self.assert_refused("ei ole jaettavaa", LANG="fi_FI.UTF-8")


if __name__ == "__main__":
    unittest.main()
