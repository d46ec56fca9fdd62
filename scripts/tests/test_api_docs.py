"""docs/API.md says what the hub's OpenAPI document says."""

import json
import pathlib
import sys
import unittest

ROOT = pathlib.Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from api_docs import DOCUMENT, PAGE, page  # noqa: E402


class ApiDocs(unittest.TestCase):
    def test_the_page_is_what_the_document_says(self):
        written = page(json.loads(DOCUMENT.read_text(encoding="utf-8")))
        self.assertEqual(PAGE.read_text(encoding="utf-8"), written, "run scripts/api_docs.py")

    def test_every_operation_and_schema_is_on_the_page(self):
        document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
        text = PAGE.read_text(encoding="utf-8")
        for path, item in document["paths"].items():
            for method in item:
                self.assertIn(f"### `{method.upper()} {path}`\n", text)
        for name in document["components"]["schemas"]:
            self.assertIn(f"### {name}\n", text)


if __name__ == "__main__":
    unittest.main()
