"""The stages of test.sh: what counts as passed and what as failed."""

import pathlib
import subprocess
import tempfile
import unittest

LIBRARY = pathlib.Path(__file__).parents[1] / "lib/stages.sh"


class Stages(unittest.TestCase):
    def run_stages(self, script):
        with tempfile.TemporaryDirectory() as logs:
            run = subprocess.run(
                ["bash", "-c", f'set -euo pipefail; logs="$1"; . "$2"\n{script}\nsummarise', "bash", logs, LIBRARY],
                capture_output=True,
                text=True,
                timeout=30,
            )
        return run.returncode, run.stdout.splitlines()[-1], run.stdout

    def test_a_stage_without_tests_is_one(self):
        self.assertEqual(self.run_stages("stage One true; stage Two true")[:2], (0, "2 passed, 0 failed"))

    def test_a_command_that_fails_first_fails_the_stage(self):
        code, last, out = self.run_stages("""
            both() { false; echo "      Tests  7 passed (7)"; }
            stage Both both
            stage Next true""")
        self.assertEqual((code, last), (1, "1 passed, 1 failed"))
        self.assertNotIn("7 passed", out, "it went on after the failure")

    def test_so_does_one_within_a_function_that_another_runs(self):
        code, last, _ = self.run_stages("""
            inner() { false; true; }
            outer() { "$@"; }
            stage Outer outer inner""")
        self.assertEqual((code, last), (1, "0 passed, 1 failed"))

    def test_the_runners_own_numbers_are_added_up(self):
        code, last, _ = self.run_stages("""
            rust() { echo "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out"; }
            python() { echo "Ran 5 tests in 0.1s"; echo "FAILED (failures=1, errors=1)"; return 1; }
            pages() { echo "      Tests  2 failed | 4 passed (6)"; return 1; }
            stage Rust rust; stage Python python; stage Pages pages""")
        self.assertEqual((code, last), (1, "10 passed, 4 failed"))

    def test_what_failed_stands_in_the_summary(self):
        out = self.run_stages("""
            rust() { echo "test kernels::sums ... FAILED"; echo "test result: FAILED. 3 passed; 1 failed; 0 ignored"; return 101; }
            python() { echo "FAIL: test_join (test_join.Join.test_join)"; echo "Ran 5 tests in 0.1s"; echo "FAILED (failures=1)"; return 1; }
            pages() { printf ' FAIL  tab.test.ts > goes on\\nError: no answer\\n      Tests  1 failed | 4 passed (5)\\n'; return 1; }
            good() { echo "not ok to look at"; echo "      Tests  4 passed (4)"; }
            stage Rust rust; stage Python python; stage Pages pages; stage Good good""")[2]
        summary = out.split("=== Summary")[1]
        for words in "kernels::sums ... FAILED", "FAIL: test_join", "FAIL  tab.test.ts > goes on", "Error: no answer":
            self.assertIn(words, summary)
        self.assertNotIn("to look at", summary)

    def test_runners_that_fail_without_a_failed_test_fail(self):
        self.assertEqual(
            self.run_stages("""
                rust() { echo "test result: ok. 3 passed; 0 failed; 0 ignored"; return 101; }
                stage Rust rust""")[:2],
            (1, "3 passed, 1 failed"),
        )

    def test_a_stage_that_was_skipped_is_none(self):
        self.assertEqual(
            self.run_stages("""stage ARM echo "skipped: no compiler" """)[:2], (0, "0 passed, 0 failed")
        )


if __name__ == "__main__":
    unittest.main()
