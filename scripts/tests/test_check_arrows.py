"""A forbidden dependency between crates is caught, and today's workspace has none."""

import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from check_arrows import ALLOWED, forbidden_arrows  # noqa: E402


def workspace(**dependencies):
    packages = [
        {"id": f"path+{name}", "name": name, "dependencies": [{"name": other, "kind": kind} for other, kind in used]}
        for name, used in dependencies.items()
    ]
    return {"packages": packages, "workspace_members": [package["id"] for package in packages]}


class Arrows(unittest.TestCase):
    def test_allowed_arrows_pass(self):
        everything = {name: [(other, None) for other in used] for name, used in ALLOWED.items()}
        self.assertEqual(forbidden_arrows(workspace(**everything)), [])

    def test_crates_from_elsewhere_are_of_no_interest(self):
        self.assertEqual(forbidden_arrows(workspace(engine=[("serde", None)])), [])

    def test_a_forbidden_arrow_is_caught(self):
        found = forbidden_arrows(workspace(protocol=[], engine=[("protocol", None)]))
        self.assertEqual(found, ["engine → protocol: not an allowed arrow"])

    def test_a_forbidden_arrow_of_tests_is_caught(self):
        found = forbidden_arrows(workspace(hub=[("engine", "dev")], engine=[]))
        self.assertEqual(found, ["hub → engine: not an allowed arrow"])

    def test_a_crate_nobody_placed_is_caught(self):
        self.assertEqual(len(forbidden_arrows(workspace(utils=[]))), 1)

    def test_this_workspace_has_none(self):
        run = subprocess.run([sys.executable, "scripts/check_arrows.py"], cwd=ROOT, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)


if __name__ == "__main__":
    unittest.main()
