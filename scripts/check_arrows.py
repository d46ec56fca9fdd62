#!/usr/bin/env python3
"""Proves that the workspace's crates depend on each other only as docs/ARCHITECTURE.md allows."""

import json
import subprocess
import sys

ALLOWED = {
    "protocol": set(),
    "scheduler": {"protocol"},
    "engine": set(),
    "hub": {"scheduler", "protocol"},
    "node-core": {"engine", "protocol"},
    "node": {"node-core", "engine", "protocol"},
    "native-node": {"node-core", "engine", "protocol"},
    "pipeline": set(),
    "cli": {"pipeline", "protocol"},
    "hub-bench": {"hub", "protocol"},
    "bindgen": set(),
}


def forbidden_arrows(metadata: dict) -> list[str]:
    """What is wrong with the output of `cargo metadata`, one line each; tests and build scripts count too."""
    members = {package["name"]: package for package in metadata["packages"] if package["id"] in metadata["workspace_members"]}
    problems = []
    for name, package in sorted(members.items()):
        if name not in ALLOWED:
            problems.append(f"{name}: a crate without a place in the list of allowed arrows")
            continue
        used = {dependency["name"] for dependency in package["dependencies"]} & members.keys()
        problems += [f"{name} → {other}: not an allowed arrow" for other in sorted(used - ALLOWED[name] - {name})]
    return problems


def main() -> None:
    command = ["cargo", "metadata", "--no-deps", "--locked", "--format-version", "1"]
    problems = forbidden_arrows(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout))
    if problems:
        sys.exit("\n".join(problems))
    print("every crate depends on allowed crates only")


if __name__ == "__main__":
    main()
