#!/usr/bin/env python3
"""Proves that the hub connects to nobody, so that no request can make it reach into a network (SSRF).

Neither the crates that are built into it nor its own sources can open a connection outwards. What an operator's
setting has it send somewhere stands in the two lists below, with its reason.
"""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[1]

# Crates that connect to others on behalf of who uses them.
CLIENTS = re.compile(
    r"^(reqwest|ureq|isahc|curl|curl-sys|attohttpc|awc|minreq|surf|hyper-rustls|hyper-tls|tonic|hickory-resolver|"
    r"rustls|native-tls|openssl|lettre|redis|postgres|tokio-postgres|sqlx|opentelemetry-otlp|opentelemetry-http)$"
)

# Those that may be built into the hub all the same: name → why.
ALLOWED_CLIENTS: dict[str, str] = {
    "opentelemetry-otlp": "sends traces to the collector that the operator names",
    "opentelemetry-http": "the same",
}

# What the standard library and tokio connect with, or start programs with that could.
CONNECTING = re.compile(
    r"\b(TcpStream|UnixStream|UdpSocket|UnixDatagram)::(connect|bind|connect_timeout)\b|\bTcpSocket\b|\blookup_host\b|"
    r"\bToSocketAddrs\b|\bHyperClient\b|\bprocess::Command\b|\bCommand::new\b|\bconnect_async\b|"
    r"\bHttpConnector\b|\bbuild_http\b|\bclient::legacy\b"
)

# Files that may all the same: path below hub/src → why.
ALLOWED_FILES: dict[str, str] = {
    "logging.rs": "sends traces to the collector that the operator names",
    "commands/ready.rs": "asks the hub with the same settings, at its own address, whether it is ready",
    "handover/control.rs": "asks the hub on the same database for its socket, at a Unix socket beside it",
    "handover/descriptor.rs": "its test connects to the socket that it hands over",
    "main.rs": "starts its own program anew on SIGUSR2, to be replaced by it",
}


def clients(tree: str) -> list[str]:
    """What is wrong with the output of `cargo tree --prefix none`, one line each."""
    names = {line.split()[0] for line in tree.splitlines() if line.strip()}
    wrong = sorted(name for name in names if CLIENTS.match(name) and name not in ALLOWED_CLIENTS)
    return [f"{name}: a client that is built into the hub; it must connect to nobody" for name in wrong]


def connecting_lines(sources: dict[str, str]) -> list[str]:
    """What is wrong with the hub's sources (path → text), one line each."""
    problems = []
    for path, text in sorted(sources.items()):
        if path in ALLOWED_FILES:
            continue
        for number, line in enumerate(text.splitlines(), 1):
            code = line.split("//")[0]
            if CONNECTING.search(code):
                problems.append(f"hub/src/{path}:{number}: connects outwards: {line.strip()}")
    return problems


def main() -> None:
    command = ["cargo", "tree", "--locked", "--package", "hub", "--edges", "normal", "--prefix", "none", "--target", "all"]
    tree = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    folder = ROOT / "hub/src"
    sources = {str(file.relative_to(folder)): file.read_text(encoding="utf-8") for file in folder.rglob("*.rs")}
    problems = clients(tree) + connecting_lines(sources)
    if problems:
        sys.exit("\n".join(problems))
    print("the hub connects to nobody")


if __name__ == "__main__":
    main()
