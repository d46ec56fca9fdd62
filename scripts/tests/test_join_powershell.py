"""kipina-node.ps1, as far as it can be read without a PowerShell."""

import re
import subprocess
import tempfile
import pathlib
import unittest

from join_support import ROOT

SCRIPT = ROOT / "scripts/join/kipina-node.ps1"
TEXT = SCRIPT.read_text()
# Without comments and without what stands in single quotes.
CODE = re.sub(r"(?m)^\s*#.*$|'[^'\n]*'", "''", TEXT)


class PowerShell(unittest.TestCase):
    def test_half_a_script_does_not_parse(self):
        self.assertRegex(CODE, r"\A('')*\s*(''\s*)*& \{")
        self.assertTrue(TEXT.endswith("\n} @args\n"))
        depth = 0
        for number, line in enumerate(re.sub(r'"[^"\n]*"', lambda m: re.sub(r"[^{}]", "", m[0]), CODE).splitlines(), 1):
            depth += line.count("{") - line.count("}")
            self.assertTrue(depth > 0 or number < 20 or line == "} @args", f"{number}: {line}")
        self.assertEqual(depth, 0)

    def test_is_read_right_without_a_byte_order_mark(self):
        # In Windows' older code page, bytes of most other letters are quotation marks.
        self.assertEqual(set(re.sub(r"[\x00-\x7f]", "", TEXT)) - set("äöÄÖ"), set())
        self.assertNotRegex(CODE.replace("Kipinä", ""), r"[^\x00-\x7f]")

    def test_has_every_sentence_in_both_languages_with_the_same_values(self):
        table = re.findall(r"^        (\w+) += @\('([^']*)', '([^']*)'\)$", TEXT, re.M)
        self.assertGreater(len(table), 25)
        for key, finnish, english in table:
            self.assertEqual(re.findall(r"\{\d\}", finnish), re.findall(r"\{\d\}", english), key)
        used = set(re.findall(r"(?:Get|Write)-Message (\w+)", CODE))
        self.assertEqual(used, {key for key, _, _ in table})

    def test_every_function_it_calls_is_its_own_or_powershells(self):
        own = set(re.findall(r"function ([\w-]+)", CODE))
        called = set(re.findall(r"(?<![\w.$-])([A-Z][A-Za-z]+-[A-Z]\w+)", CODE))
        theirs = {
            "Add-Type", "ForEach-Object", "Get-ChildItem", "Get-Command", "Get-FileHash", "Get-Item", "Get-UICulture",
            "Join-Path", "Move-Item", "New-Item", "New-Object", "Out-Host", "Read-Host", "Remove-Item", "Select-Object", "Set-Item",
            "Split-Path", "Start-Process", "Start-Sleep", "Test-Path", "Where-Object", "Write-Progress", "Write-Verbose",
        }
        self.assertEqual(called - theirs, own)

    def test_knows_how_a_public_key_begins(self):
        with tempfile.TemporaryDirectory() as folder:
            key = pathlib.Path(folder) / "key"
            subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key], check=True, capture_output=True)
            public = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True, capture_output=True).stdout
        self.assertEqual(len(public), 91)
        self.assertIn(f"'{public[:27].hex().upper()}'", TEXT)


if __name__ == "__main__":
    unittest.main()
