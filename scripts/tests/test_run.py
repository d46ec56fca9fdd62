"""run.sh with stand-ins for cargo, the hub and the node: how it starts, ends and fails."""

import hashlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import unittest
import urllib.request

SCRIPT = pathlib.Path(__file__).parents[2] / "run.sh"
MODEL = b"weights"
CATALOGUE = f"""
[[model]]
id = "tiny:1m"
aliases = ["little"]
file = "tiny.gguf"
bytes = {len(MODEL)}
sha256 = "{hashlib.sha256(MODEL).hexdigest()}"
licence = "MIT"
sources = [
]
"""
HUB = """#!/usr/bin/env python3
import http.server, os, pathlib, signal, sys, time
folder = pathlib.Path(os.environ["FAKE"])
if "hub-dies" in os.environ["FAKE_MODE"]:
    print("cannot open the database", flush=True)
    sys.exit(7)
(folder / "hub-offers").write_text(os.environ.get("DOWNLOADS_DIR", ""))
class Hub(http.server.BaseHTTPRequestHandler):
    def reply(self, status, body=b""):
        self.send_response(status); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def do_GET(self):
        here = (folder / "node-up").exists()
        self.reply(200, b'{"data":[{"id":"tiny:1m"}]}' if here else b'{"data":[]}')
    def do_POST(self):
        asked = folder / "asked"
        count = int(asked.read_text()) + 1 if asked.exists() else 1
        asked.write_text(str(count))
        self.reply(200 if count > 2 else 503, b"{}")
    def log_message(self, *_): pass
def stop(*_):
    (folder / "hub-stopped").touch()
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
http.server.ThreadingHTTPServer((os.environ.get("BIND") or "127.0.0.1", int(os.environ["PORT"])), Hub).serve_forever()
"""
NODE = """#!/usr/bin/env python3
import os, pathlib, signal, sys, time
folder = pathlib.Path(os.environ["FAKE"])
(folder / "node-started").write_text(" ".join(sys.argv[1:]) + " " + os.environ["HUB_URL"])
def stop(*_):
    time.sleep(0.3)
    (folder / "node-stopped").touch()
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
time.sleep(0.3)
(folder / "node-up").touch()
if "node-dies" in os.environ["FAKE_MODE"]:
    print("line one\\nthe model is broken", flush=True)
    sys.exit(9)
while True: time.sleep(1)
"""
CARGO = """#!/bin/sh
echo "$@" >>"$FAKE/cargo"
case "$FAKE_MODE $1" in *build-fails*build) echo "error: expected one of" >&2; exit 101 ;; esac
"""


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.write_program("bin/cargo", CARGO)
        self.write_program("bin/rustc", "#!/bin/sh\necho 'rustc 9.99.0 (fake)'\n")
        self.write_program("target/release/kipina-hub", HUB)
        self.write_program("target/release/kipina-node", NODE)
        (self.folder / "models.toml").write_text(CATALOGUE)
        (self.folder / "models").mkdir()
        (self.folder / "models/tiny.gguf").write_bytes(MODEL)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]

    def write_program(self, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    def start(self, mode="", **more):
        environment = {
            **{name: value for name, value in os.environ.items() if not re.match("LC_|LANG|BIND", name)},
            "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
            "HOME": str(self.folder),
            "CARGO_TARGET_DIR": str(self.folder / "target"),
            "MODELS_DIR": str(self.folder / "models"),
            "MODELS_TOML": str(self.folder / "models.toml"),
            "STATIC_DIR": str(self.folder),
            "KIPINA_MODEL": "little",
            "PORT": str(self.port),
            "FAKE": str(self.folder),
            "FAKE_MODE": mode,
            **more,
        }
        run = subprocess.Popen(
            [SCRIPT],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A shell lets what it starts in the background ignore this signal, and no script can undo that.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.addCleanup(self.end, run)
        return run

    def end(self, run):
        if run.poll() is None:
            run.terminate()
        run.communicate(timeout=20)

    def finished(self, run):
        out, err = run.communicate(timeout=30)
        return run.returncode, out, err

    def exists(self, name):
        return (self.folder / name).exists()

    def test_is_ready_only_when_a_prompt_was_answered(self):
        run = self.start()
        self.assertEqual(run.stdout.readline(), f"Kipinä is ready: http://127.0.0.1:{self.port}\n")
        self.assertEqual((self.folder / "asked").read_text(), "3", "two refusals, then an answer")
        self.assertEqual(
            (self.folder / "node-started").read_text(), f"--engine --model tiny:1m ws://127.0.0.1:{self.port}/ws"
        )

    def test_offers_the_program_that_was_built_to_machines_that_join(self):
        self.start().stdout.readline()
        offered = self.folder / ".cache/kipina/downloads"
        self.assertEqual((self.folder / "hub-offers").read_text(), str(offered))
        listed = (offered / "SHA256SUMS").read_text()
        (program,) = offered.glob("kipina-node-*")
        self.assertIn(f"{hashlib.sha256(NODE.encode()).hexdigest()}  {program.name}\n", listed)
        self.assertRegex(listed, r"(?m)^[0-9a-f]{64}  kipina-[0-9.]+-source\.tar\.gz$")

    def test_offers_a_release_that_lies_ready_instead(self):
        (self.folder / ".local/share/kipina/downloads").mkdir(parents=True)
        self.start().stdout.readline()
        self.assertEqual((self.folder / "hub-offers").read_text(), "")
        self.assertFalse(self.exists(".cache/kipina/downloads"))

    def test_starts_without_programs_to_offer(self):
        (self.folder / "broken.key").write_text("no key")
        run = self.start(KIPINA_RELEASE_KEY=str(self.folder / "broken.key"))
        self.assertIn("is ready", run.stdout.readline())
        run.terminate()
        self.assertRegex(self.finished(run)[2], "There is no program for machines that join; the reason: .*downloads-.*log")

    def test_ends_what_it_started_and_waits_for_it(self):
        for sent, code in (signal.SIGINT, 130), (signal.SIGTERM, 143):
            with self.subTest(sent):
                run = self.start()
                run.stdout.readline()
                os.killpg(run.pid, sent)
                returned, _, err = self.finished(run)
                self.assertEqual(returned, code)
                self.assertIn("Stopping.", err)
                self.assertTrue(self.exists("hub-stopped") and self.exists("node-stopped"), "someone was left behind")
                with self.assertRaises(OSError):
                    urllib.request.urlopen(f"http://127.0.0.1:{self.port}/v1/models", timeout=1)
                for marker in "hub-stopped", "node-stopped", "node-up", "asked":
                    (self.folder / marker).unlink()

    def test_says_when_the_hub_dies(self):
        code, out, err = self.finished(self.start("hub-dies"))
        self.assertEqual((code, out), (7, ""))
        self.assertRegex(err, "kipina-hub ended with code 7. The end of its log, .*:\ncannot open the database")
        self.assertTrue(self.exists("node-stopped") or not self.exists("node-started"), "the node was left behind")

    def test_says_when_the_node_dies(self):
        code, out, err = self.finished(self.start("node-dies"))
        self.assertEqual((code, out), (9, ""))
        self.assertRegex(err, "kipina-node ended with code 9. (.|\n)*the model is broken")
        self.assertTrue(self.exists("hub-stopped"), "the hub was left behind")

    def test_says_when_the_node_dies_later(self):
        run = self.start()
        run.stdout.readline()
        (pid,) = re.findall(r"\d+", subprocess.run(["pgrep", "-f", f"{self.folder}/target/release/kipina-node"], capture_output=True, text=True).stdout)
        os.kill(int(pid), signal.SIGKILL)
        code, _, err = self.finished(run)
        self.assertEqual(code, 137)
        self.assertIn("kipina-node ended with code 137", err)
        self.assertTrue(self.exists("hub-stopped"))

    def test_a_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", self.port))
            taken.listen()
            code, _, err = self.finished(self.start())
        self.assertEqual(code, 1)
        self.assertEqual(err, f"port {self.port} is in use: stop the program that has it, or choose another: PORT={self.port + 1} ./run.sh\n")

    def test_a_port_that_is_none(self):
        for port in "http", "0", "65536", "-1":
            code, _, err = self.finished(self.start(PORT=port))
            self.assertEqual((code, err), (1, f"PORT={port} will not do: give a number from 1 to 65535\n"))

    def test_an_unknown_model(self):
        code, _, err = self.finished(self.start(KIPINA_MODEL="gpt-5"))
        self.assertEqual(code, 2)
        self.assertIn("unknown model: gpt-5. models.toml knows: tiny:1m", err)

    def test_a_failed_build(self):
        code, _, err = self.finished(self.start("build-fails"))
        self.assertEqual(code, 1)
        self.assertTrue(err.endswith("error: expected one of\nthe build failed; the reason is above\n"), err)

    def test_says_the_one_command_to_those_who_are_not_root(self):
        self.write_program("bin/rustc", "#!/bin/sh\necho 'rustc 1.63.0 (old)'\n")
        self.write_program("bin/id", "#!/bin/sh\necho 1000\n")
        self.write_program("bin/apt-get", "#!/bin/sh\nexit 1\n")
        code, _, err = self.finished(self.start())
        self.assertEqual(code, 1)
        self.assertRegex(err, r"^Missing: Rust \d+\.\d+\. Install with this command, then run this again:\n  curl .*rustup.rs \| sh -s -- -y\n$")

    def test_speaks_finnish(self):
        run = self.start(LANG="fi_FI.UTF-8")
        self.assertEqual(run.stdout.readline(), f"Kipinä on valmis: http://127.0.0.1:{self.port}\n")


if __name__ == "__main__":
    unittest.main()
