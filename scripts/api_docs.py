#!/usr/bin/env python3
"""Writes docs/API.md from the hub's OpenAPI document; with --check, says whether it is what it should be."""

import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).parents[1]
DOCUMENT = ROOT / "hub/src/openapi.json"
PAGE = ROOT / "docs/API.md"


def resolved(document: dict, item: dict) -> dict:
    """What an item says, or what it refers to."""
    while "$ref" in item:
        target = document
        for part in item["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        item = target
    return item


def kind(schema: dict) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(value)}`" for value in schema["enum"])
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return " or ".join(kind(option) for option in schema[several])
    names = schema.get("type", "anything")
    names = [names] if isinstance(names, str) else names
    words = " or ".join(f"list of {kind(schema.get('items', {}))}" if name == "array" else name for name in names)
    bounds = [schema.get("minimum"), schema.get("maximum")]
    if all(bound is not None for bound in bounds):
        words += f" from {bounds[0]} to {bounds[1]}"
    return words


def fields(schema: dict, prefix: str = "") -> list[tuple[str, str, str]]:
    """An object's fields, those within it too: name, kind, words."""
    rows = []
    for name, field in schema.get("properties", {}).items():
        required = "" if name in schema.get("required", []) else "?"
        rows.append((f"{prefix}{name}{required}", kind(field), field.get("description", "")))
        inner = field.get("items", field)
        if "$ref" not in inner:
            rows += fields(inner, f"{prefix}{name}{'[]' if inner is not field else ''}.")
    return rows


def table(head: list[str], rows: list[tuple[str, ...]]) -> list[str]:
    cells = [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *[f"| {row} |" for row in cells], ""]


def operation(document: dict, method: str, path: str, said: dict) -> list[str]:
    lines = [f"### `{method.upper()} {path}`", "", said["summary"] + ". " + said.get("description", ""), ""]
    parameters = [
        (f"`{it['name']}` in the {it['in']}", kind(it["schema"]), it.get("description", "")) for it in said.get("parameters", [])
    ]
    if parameters:
        lines += table(["parameter", "kind", "what"], parameters)
    if "requestBody" in said:
        for content, body in said["requestBody"]["content"].items():
            lines += [f"Body ({content}): {kind(body['schema'])}.", ""]
    rows = []
    for status, answer in said["responses"].items():
        answer = resolved(document, answer)
        bodies = [
            f"{content}: {kind(body['schema'])}" if "schema" in body else content for content, body in answer.get("content", {}).items()
        ]
        rows.append((status, answer["description"], "; ".join(bodies)))
    return lines + table(["status", "what", "body"], rows)


def page(document: dict) -> str:
    info = document["info"]
    lines = [
        "<!-- Written by scripts/api_docs.py from hub/src/openapi.json: change that, and run it. -->",
        "# The hub's API",
        "",
        info["description"],
        "",
        "The same for programs, as OpenAPI 3.1, is `hub/src/openapi.json`; a hub hands it out at `/api/openapi.json`.",
        "A field with a question mark may be absent.",
        "",
    ]
    for tag in document["tags"]:
        lines += [f"## {tag['name'].capitalize()}", "", tag["description"], ""]
        for path, item in document["paths"].items():
            for method, said in item.items():
                if tag["name"] in said["tags"]:
                    lines += operation(document, method, path, said)
    lines += ["## Schemas", ""]
    for name, schema in document["components"]["schemas"].items():
        lines += [f"### {name}", ""]
        if "description" in schema:
            lines += [schema["description"], ""]
        options = schema.get("oneOf", [schema])
        for option in options:
            rows = [(f"`{field}`", words, said) for field, words, said in fields(option)]
            lines += table(["field", "kind", "what"], rows) if rows else [f"{kind(option)}.", ""]
    return "\n".join(line.rstrip() for line in lines).rstrip() + "\n"


def main() -> None:
    written = page(json.loads(DOCUMENT.read_text(encoding="utf-8")))
    if sys.argv[1:] == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != written:
            sys.exit("docs/API.md is not what hub/src/openapi.json says: run scripts/api_docs.py")
        print("docs/API.md is what hub/src/openapi.json says")
        return
    PAGE.write_text(written, encoding="utf-8")


if __name__ == "__main__":
    main()
