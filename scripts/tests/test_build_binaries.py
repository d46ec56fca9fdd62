"""build-binaries.sh, as far as it can be told without building: what it skips, what it refuses, the source."""

import hashlib
import os
import pathlib
import re
import subprocess
import tarfile
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "build-binaries.sh"
IS_CHECKOUT = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True).returncode == 0


class BuildBinaries(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.dist = self.folder / "dist"

    def build(self, *systems, **more):
        kept = {name: value for name, value in os.environ.items() if not re.match(r"LC_|LANG|KIPINA_|SDKROOT", name)}
        # No command of Apple's, wherever this runs.
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        xcrun = tools / "xcrun"
        xcrun.write_text("#!/bin/sh\nexit 1\n")
        xcrun.chmod(0o755)
        environment = {
            **kept,
            "PATH": f"{tools}:{kept['PATH']}",
            "DIST": str(self.dist),
            "KIPINA_RELEASE_KEY": str(self.folder / "release.key"),
            "CARGO_NET_OFFLINE": "true",
            **more,
        }
        return subprocess.run([SCRIPT, *systems], env=environment, capture_output=True, text=True, timeout=120)

    def test_a_system_that_nobody_has_is_refused_with_those_that_there_are(self):
        run = self.build("linux-x86_64", "plan9-mips")
        self.assertEqual(run.returncode, 1)
        self.assertIn("linux-x86_64 linux-arm64 linux_gpu-x86_64 linux_gpu-arm64 macos-arm64 macos-x86_64 windows-x86_64", run.stderr)
        self.assertFalse(self.dist.exists())

    @unittest.skipUnless(IS_CHECKOUT, "this is no git checkout")
    def test_what_can_not_be_built_is_skipped_and_the_source_is_the_same_each_time(self):
        sums = []
        for name in "one", "two":
            self.dist = self.folder / name
            run = self.build("macos-arm64", "macos-x86_64")
            self.assertEqual(run.returncode, 0, run.stderr)
            skipped = [line for line in run.stderr.splitlines() if line.startswith("skipped: ")]
            self.assertRegex(skipped[0], r"^skipped: macos-arm64: there are no Apple libraries here; build on a Mac")
            self.assertEqual(len(skipped), 2, run.stderr)
            files = [name for name in os.listdir(self.dist) if name.startswith("kipina-")]
            self.assertEqual(len(files), 1, "a program that was not built")
            self.assertRegex(files[0], r"^kipina-[0-9.]+-source\.tar\.gz$")
            sums.append(hashlib.sha256((self.dist / files[0]).read_bytes()).hexdigest())
            self.assertEqual((self.dist / "SHA256SUMS").read_text(), f"{sums[-1]}  {files[0]}\n")
        self.assertEqual(sums[0], sums[1])
        with tarfile.open(self.dist / files[0]) as source:
            version = files[0].removeprefix("kipina-").removesuffix("-source.tar.gz")
            names = source.getnames()
        self.assertIn(f"kipina-{version}/Cargo.lock", names)
        self.assertEqual([name for name in names if not name.startswith(f"kipina-{version}")], [])

    def test_speaks_finnish(self):
        self.assertIn("käyttö:", self.build("plan9-mips", LANG="fi_FI.UTF-8").stderr)


if __name__ == "__main__":
    unittest.main()
