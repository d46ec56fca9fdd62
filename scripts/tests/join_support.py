"""What the tests of joining share: a hub with signed downloads, Ollamas, and a person at a terminal, all stand-ins."""

import http.server
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).parents[2]
SCRIPT = ROOT / "scripts/join/kipina-node.sh"
# Another bash to try the scripts with: macOS has 3.2.
BASH = os.environ.get("KIPINA_TEST_BASH") or shutil.which("bash")
# All that the script may need of a machine, so that nothing else is found by chance: least of all an Ollama.
TOOLS = (
    "sh cat chmod cp curl cut env find fold grep gzip head hostname ip ln ls mkdir mktemp mv nohup openssl "
    "readlink rm sed sleep tar tr uname dirname id"
).split()
NODE = """#!/bin/sh
if [ "$1" = --version ]; then echo "kipina-node {version}"; exit; fi
echo "node {version} runs"
echo "arguments: $*"
env | grep -E '^(HUB_URL|OLLAMA_URL|OLLAMA_MODEL|NODE_API_KEY)='
# {padding}
"""
SILENT = "http://127.0.0.1:9"
# Ctrl+C at a terminal.
LEAVE = "\x03"


def node(version, more=""):
    return NODE.format(version=version, padding=f"{more} {'x' * 50_000}").encode()


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, handler, address=("127.0.0.1", 0)):
        if ":" in address[0]:
            self.address_family = 10  # AF_INET6
        super().__init__(address, handler)
        self.asked = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        host, port = self.server_address[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def handle_error(self, *_):
        pass  # a client that went away

    def close(self):
        self.shutdown()
        self.server_close()


class HubAnswers(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        hub = self.server
        hub.asked.append(self.path)
        if hub.page is not None:
            return self.reply(200, hub.page)
        if self.path in hub.statuses:
            return self.reply(hub.statuses[self.path], b"<html>no</html>")
        scripts = {"/kipina-node": SCRIPT, "/join.sh": ROOT / "join.sh"}
        if self.path in scripts:
            return self.reply(200, hub.script(scripts[self.path]))
        file = hub.downloads / self.path.removeprefix("/download/")
        if not self.path.startswith("/download/") or not file.is_file():
            return self.reply(404, b"not here")
        self.send_file(file.read_bytes())

    def send_file(self, content):
        hub = self.server
        part = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(part.group(1)) if part and hub.gives_parts else 0
        if start >= len(content) and part and hub.gives_parts:
            return self.reply(416, b"")
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            hub.resumed.append(start)
        self.end_headers()
        if hub.cuts.get(self.path, 0) > 0:
            hub.cuts[self.path] -= 1
            self.wfile.write(content[start : start + (len(content) - start) // 2])
            self.close_connection = True
        else:
            self.wfile.write(content[start:])

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Hub(Server):
    """Serves the scripts as a hub does, and signs its downloads as releases are signed."""

    def __init__(self, folder, address=("127.0.0.1", 0)):
        self.folder = folder
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True)
        self.key = folder / "release.key"
        self.page = None
        self.statuses = {}
        self.gives_parts = True
        # How often a path's answer still breaks off halfway.
        self.cuts = {}
        self.resumed = []
        self.carries_key = True
        super().__init__(HubAnswers, address)

    def script(self, path):
        key = ""
        if self.carries_key and (self.downloads / "kipina.pub").exists():
            key = "".join((self.downloads / "kipina.pub").read_text().splitlines()[1:-1])
        return path.read_text().replace("@KIPINA_HUB@", self.url).replace("@KIPINA_RELEASE_KEY@", key).encode()

    def release(self, version, content=None, name="kipina-node", platform="linux-x86_64"):
        file = self.downloads / f"{name}-{version}-{platform}"
        file.write_bytes(node(version) if content is None else content)
        self.sign()
        return file

    def sign(self):
        packed = subprocess.run(
            [ROOT / "scripts/pack-downloads.sh", self.downloads],
            env={**os.environ, "KIPINA_RELEASE_KEY": str(self.key)},
            capture_output=True,
            text=True,
        )
        assert packed.returncode == 0, packed.stderr


class OllamaAnswers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.before_answering()
        body = self.server.answers.get(self.path)
        self.send_response(404 if body is None else 200)
        self.end_headers()
        try:
            self.wfile.write(body or b"not found")
        except OSError:
            pass  # nobody waits any more

    def log_message(self, *_):
        pass


class Ollama(Server):
    def __init__(self, version="0.12.6", models=("a",), address=("127.0.0.1", 0), answers=None, before_answering=lambda: None):
        self.before_answering = before_answering
        listed = ",".join(f'{{"name":"{model}","modified_at":"{id(self)}"}}' for model in models)
        self.answers = answers or {
            "/api/version": f'{{"version":"{version}"}}'.encode(),
            "/api/tags": f'{{"models":[{listed}]}}'.encode(),
        }
        super().__init__(OllamaAnswers, address)


class Run:
    """How a run of the script ended."""

    def __init__(self, code, out, err=""):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"code {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class JoinTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.home = self.folder / "home"
        self.home.mkdir()
        self.data = self.home / ".local/share/kipina"
        self.link = self.home / ".local/bin/kipina-node"
        self.bin = self.folder / "bin"
        self.bin.mkdir()
        for tool in TOOLS:
            self.give_tool(tool)
        (self.bin / "bash").symlink_to(BASH)
        # The script is tried as on the machine that most have, whatever this one is.
        self.write_program("uname", '#!/bin/sh\nif [ "$1" = -m ]; then echo x86_64; else echo Linux; fi\n')
        self.hub = self.new_hub("hub")

    def give_tool(self, name):
        place = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        if place and not (self.bin / name).exists():
            (self.bin / name).symlink_to(place)

    def write_program(self, name, text):
        file = self.bin / name
        file.unlink(missing_ok=True)
        file.write_text(text)
        file.chmod(0o755)

    def new_hub(self, name):
        hub = Hub(self.folder / name)
        self.addCleanup(hub.close)
        return hub

    def new_ollama(self, *arguments, **more):
        ollama = Ollama(*arguments, **more)
        self.addCleanup(ollama.close)
        return ollama

    def environment(self, **more):
        settings = {
            "PATH": str(self.bin),
            "HOME": str(self.home),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            "KIPINA_OLLAMA_CANDIDATES": SILENT,
            **more,
        }
        return {name: value for name, value in settings.items() if value is not None}

    def piped(self, flags="", hub=None, path="/kipina-node"):
        """The line of the README, for this hub."""
        arguments = f" -s -- {flags}" if flags else ""
        return f"curl -fsSL {(hub or self.hub).url}{path} | bash{arguments}"

    def run_script(self, flags="", command=None, **environment):
        """Runs where there is no terminal."""
        ended = subprocess.run(
            [BASH, "-c", command or self.piped(flags)],
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            start_new_session=True,
            cwd=self.folder,
        )
        return Run(ended.returncode, ended.stdout, ended.stderr)

    def run_at_terminal(self, answers=(), flags="", command=None, **environment):
        """Runs at a terminal; `answers` are what is seen there and what is typed then."""
        pid, terminal = pty.fork()
        if pid == 0:
            # Tests in a shell's background ignore it, and so would whatever they start.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(self.folder)
            os.execve(BASH, [BASH, "-c", command or self.piped(flags)], self.environment(**environment))
        said, waiting, typed, end = b"", list(answers), "", time.monotonic() + 60
        while time.monotonic() < end:
            ready, _, _ = select.select([terminal], [], [], 1)
            if not ready:
                # A shell that has asked, and does not yet wait for the answer, sees Ctrl+C when the wait is over.
                # Nobody is as quick as this; who were would press it again.
                if typed == LEAVE:
                    os.write(terminal, LEAVE.encode())
                continue
            try:
                piece = os.read(terminal, 65536)
            except OSError:
                break
            if not piece:
                break
            said += piece.replace(b"\r\n", b"\n")
            if waiting and re.search(waiting[0][0], said.decode(errors="replace")):
                typed = waiting.pop(0)[1]
                os.write(terminal, typed.encode())
        else:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
        run = Run(os.waitstatus_to_exitcode(status), said.decode(errors="replace"))
        self.assertEqual(waiting, [], f"never asked:\n{run}")
        return run

    def assert_runs(self, run, version, **variables):
        self.assertEqual(run.code, 0, run)
        self.assertIn(f"node {version} runs\n", run.out, run)
        for name, value in variables.items():
            self.assertRegex(run.out, rf"(?m)^{name}={re.escape(value)}$", run)

    def assert_fails(self, run, words):
        """With one line that says so."""
        self.assertEqual(run.code, 1, run)
        self.assertEqual(run.out, "", run)
        self.assertRegex(run.err.removesuffix("\n").split("\n")[-1], words, run)

    def assert_nothing_installed(self):
        left = [str(path.relative_to(self.home)) for path in self.home.rglob("*") if not path.is_dir()]
        self.assertEqual([path for path in left if "/keys/" not in path and "/unfinished/" not in path], [])

    def installed(self):
        return sorted(path.name for path in (self.data / "versions").iterdir())
