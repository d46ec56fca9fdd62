"""The deploy scripts against a real sshd on loopback: with a real hub, a real node and a real Caddy there, and no Docker."""

import contextlib
import getpass
import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import types
import unittest
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ROOT = pathlib.Path(__file__).parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", pathlib.Path.home() / ".cache/kipina/target"))
HUB = TARGET / "debug/kipina-hub"
NODE = TARGET / "debug/kipina-node"
SSHD = shutil.which("sshd", path=os.environ["PATH"] + ":/usr/sbin")
IS_CHECKOUT = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True).returncode == 0
MODEL = "llama3.2:latest"
WORDS = [f"word{number} " for number in range(20)]


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Ollama(BaseHTTPRequestHandler):
    """One model that takes half a second for an answer."""

    def log_message(self, *_):
        pass

    def answer(self, body):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode() + b"\n")

    def do_GET(self):
        if self.path == "/api/version":
            self.answer({"version": "0.13.5"})
        else:
            self.answer({"models": [{"name": MODEL, "digest": "sha256:1"}]})

    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        if self.path == "/api/show":
            info = {"general.architecture": "llama", "llama.context_length": 4096}
            details = {"quantization_level": "Q4_K_M"}
            self.answer({"details": details, "model_info": info, "capabilities": ["completion"]})
            return
        self.send_response(200)
        self.end_headers()
        for word in WORDS:
            line = {"message": {"role": "assistant", "content": word}, "done": False}
            self.wfile.write(json.dumps(line).encode() + b"\n")
            self.wfile.flush()
            time.sleep(0.025)
        end = {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        self.wfile.write(json.dumps({**end, "prompt_eval_count": 3, "eval_count": len(WORDS)}).encode() + b"\n")


@unittest.skipUnless(IS_CHECKOUT, "this is no git checkout")
@unittest.skipUnless(SSHD and shutil.which("rsync") and shutil.which("caddy"), "sshd, rsync or caddy is missing")
class Deploying(unittest.TestCase):
    def setUp(self):
        for program in HUB, NODE:
            self.assertTrue(program.exists(), f"{program} is missing: cargo build -p hub -p native-node --bins")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        # Also the length of a socket's path that ssh takes.
        self.server = self.folder / "server"
        self.docker = self.folder / "docker"
        for made in self.server, self.docker, self.docker / "built", self.docker / "images":
            made.mkdir()
        self.https_port = free_port()
        self.clone()
        self.start_sshd()
        self.addCleanup(self.stop_services)
        self.next_build(HUB)

    # --- the machine here ----------------------------------------------------------------------------

    def clone(self):
        """The scripts as they lie here, in a checkout with commits of its own."""
        self.checkout = self.folder / "checkout"
        subprocess.run(["git", "clone", "--quiet", ROOT, self.checkout], check=True)
        files = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT, check=True, capture_output=True, text=True,
        )
        for name in files.stdout.splitlines():
            if (ROOT / name).exists():
                (self.checkout / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.checkout / name)
        # What the pages look like is no matter here, and building them takes minutes.
        (self.checkout / "scripts/build-site.sh").write_text(f"#!/bin/sh\necho {self.folder}/built-pages\n")
        self.commit()

    def commit(self):
        git = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]
        subprocess.run([*git, "add", "--all"], cwd=self.checkout, check=True)
        subprocess.run([*git, "commit", "--quiet", "--allow-empty", "-m", "Next"], cwd=self.checkout, check=True)

    def pages(self, name, says):
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        (folder / "index.html").write_text(says)
        return folder

    def next_build(self, program, says="first pages"):
        site = self.pages(f"site-{says.replace(' ', '-')}", says)
        (self.docker / "next-build").write_text(json.dumps({"program": str(program), "site": str(site)}))

    def run_here(self, script, *arguments, **more):
        environment = {
            **os.environ,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "KIPINA_DEPLOY": str(self.folder / "deploy.env"),
            "KIPINA_DOCKER": str(self.docker),
            "LANG": "C.UTF-8",
            "LC_ALL": "",
            **more,
        }
        command = [self.checkout / script, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)

    def deploy(self, script="deploy.sh", *arguments):
        run = self.run_here(script, *arguments)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        return run

    # --- the server ----------------------------------------------------------------------------------

    def start_sshd(self):
        self.tools = self.folder / "tools"
        self.tools.mkdir()
        shutil.copy(ROOT / "scripts/tests/docker_stand_in.py", self.tools / "docker")
        (self.tools / "docker").chmod(0o755)
        for name in "host", "client":
            key = self.folder / f"{name}-key"
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        self.ssh_port = free_port()
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)
        configuration = self.folder / "sshd_config"
        configuration.write_text(
            f"ListenAddress 127.0.0.1:{self.ssh_port}\n"
            f"HostKey {self.folder}/host-key\n"
            f"AuthorizedKeysFile {self.folder}/client-key.pub\n"
            f"PidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\nPasswordAuthentication no\n"
            f"SetEnv PATH={self.tools}:{os.environ['PATH']} KIPINA_DOCKER={self.docker} SECONDS_TO_ANSWER=10\n"
        )
        sshd = subprocess.Popen([SSHD, "-D", "-e", "-f", configuration], stderr=subprocess.DEVNULL)
        self.addCleanup(sshd.wait)
        self.addCleanup(sshd.terminate)
        host_key = (self.folder / "host-key.pub").read_text()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.ssh_port} {host_key}")
        (self.folder / "deploy.env").write_text(
            f"SERVER={getpass.getuser()}@127.0.0.1\nFOLDER={self.server}\nSSH_PORT={self.ssh_port}\n"
            f"SSH_KEY={self.folder}/client-key\nKNOWN_HOSTS={self.folder}/known_hosts\n"
        )
        (self.server / ".env").write_text(
            f"SITE_ADDRESS=localhost\nADMIN_PASSWORD=a long password\nNODE_API_KEY=\n"
            f"HUB_PORT={free_port()}\nHTTP_PORT={free_port()}\nHTTPS_PORT={self.https_port}\n"
        )
        for _ in range(100):
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", self.ssh_port)) == 0:
                    return
            time.sleep(0.05)
        self.fail("sshd does not listen")

    def containers(self, service):
        """The processes in them, of those that run."""
        folders = sorted((self.docker / "containers").glob("*"))
        ours = [folder for folder in folders if (folder / "service").read_text() == service]
        return [int((folder / "pid").read_text()) for folder in ours if (folder / "running").read_text() == "true"]

    def stop_services(self):
        for folder in (self.docker / "containers").glob("*"):
            (folder / "stop").touch()
        for service in "caddy", "hub":
            for process in self.containers(service):
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        for _ in range(100):
            if not self.containers("hub") + self.containers("caddy"):
                return
            time.sleep(0.05)

    # --- who uses it ---------------------------------------------------------------------------------

    def ask(self, path, body=None):
        context = ssl.create_default_context(cafile=self.authority())
        request = urllib.request.Request(f"https://localhost:{self.https_port}{path}")
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("content-type", "application/json")
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(request, timeout=120) as answer:
            return answer.read().decode()

    def authority(self):
        return self.docker / "certificates/caddy/pki/authorities/local/root.crt"

    def ask_model(self):
        messages = [{"role": "user", "content": "Go."}]
        answer = json.loads(self.ask("/v1/chat/completions", {"model": MODEL, "messages": messages}))
        return answer["choices"][0]["message"]["content"]

    def start_node(self):
        ollama = ThreadingHTTPServer(("127.0.0.1", 0), Ollama)
        threading.Thread(target=ollama.serve_forever, daemon=True).start()
        self.addCleanup(ollama.server_close)
        self.addCleanup(ollama.shutdown)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "HUB_URL": f"wss://localhost:{self.https_port}/ws",
            "OLLAMA_URL": f"http://127.0.0.1:{ollama.server_port}",
            "OLLAMA_MODEL": MODEL,
            "SSL_CERT_FILE": str(self.authority()),
        }
        with open(self.folder / "node.log", "wb") as log:
            command = [NODE, "--ollama", "--slots", "4", "--status-port", "off"]
            node = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        self.addCleanup(node.wait)
        self.addCleanup(node.kill)
        for _ in range(400):
            if json.loads(self.ask("/api/stats"))["nodes"]:
                return
            time.sleep(0.05)
        self.fail((self.folder / "node.log").read_text())

    def program(self, commands):
        program = self.folder / f"program-{len(os.listdir(self.folder))}"
        program.write_text(f"#!/bin/sh\n{commands}\n")
        program.chmod(0o755)
        return program

    @contextlib.contextmanager
    def load(self):
        """Six clients, two more than the node has slots, ask one prompt after the other."""
        load = types.SimpleNamespace(answers=[], failures=[])
        is_over = threading.Event()

        def client():
            while not is_over.is_set():
                try:
                    load.answers.append(self.ask_model())
                except Exception as error:  # whatever a client may see
                    read = error.read().decode() if isinstance(error, urllib.error.HTTPError) else ""
                    load.failures.append(f"{error!r} {read}")

        clients = [threading.Thread(target=client) for _ in range(6)]
        for thread in clients:
            thread.start()
        try:
            yield load
        finally:
            is_over.set()
            for thread in clients:
                thread.join()

    def totals(self):
        return json.loads(self.ask("/api/stats"))["totals"]["prompts"]

    # --- tests ---------------------------------------------------------------------------------------

    def test_nobody_notices_an_upgrade_a_broken_build_or_the_way_back(self):
        first = self.deploy()
        self.assertIn("At work: ", first.stdout + first.stderr)
        self.assertEqual(self.ask("/"), "first pages")
        self.start_node()
        self.assertEqual(self.ask_model(), "".join(WORDS))

        with self.load() as load:
            [first_hub] = self.containers("hub")
            self.commit()
            self.next_build(HUB, "second pages")
            self.deploy()
            [second_hub] = self.containers("hub")
            self.assertNotEqual(second_hub, first_hub)
            self.assertEqual(self.ask("/"), "second pages")

            self.commit()
            broken = self.program("echo 'this build is broken' >&2; exit 1")
            self.next_build(broken, "third pages")
            run = self.run_here("deploy.sh")
            self.assertEqual(run.returncode, 1)
            self.assertIn("this build is broken", run.stdout + run.stderr)
            self.assertIn("Going back to ", run.stdout + run.stderr)
            self.assertEqual(self.containers("hub"), [second_hub])
            self.assertEqual(self.ask("/"), "second pages")

            self.deploy("deploy.sh", "back")
            self.assertEqual(self.ask("/"), "first pages")
            self.assertNotEqual(self.containers("hub"), [second_hub])
        self.assertEqual(load.failures, [])
        self.assertEqual(set(load.answers), {"".join(WORDS)})
        self.assertGreater(len(load.answers), 60)

    def test_a_build_that_spoils_the_database_is_undone_with_the_backup(self):
        self.deploy()
        self.start_node()
        self.ask_model()
        while self.totals() != 1:
            time.sleep(0.05)
        self.commit()
        migrate = f"import sqlite3; sqlite3.connect('{self.docker}/data/kipina.sqlite').execute('PRAGMA user_version = 99')"
        self.next_build(self.program(f'python3 -c "{migrate}"; exec {HUB} "$@"'))
        run = self.run_here("deploy.sh")
        self.assertEqual(run.returncode, 1)
        self.assertIn("was not put to work", run.stderr)
        self.assertEqual(self.totals(), 1)
        self.assertEqual(json.loads(self.ask("/readyz"))["status"], "ready")

    def test_a_backup_brings_back_what_was(self):
        self.deploy()
        self.start_node()
        self.ask_model()
        while self.totals() != 1:
            time.sleep(0.05)
        made = self.deploy("deploy.sh", "backup")
        [name] = os.listdir(self.server / "backups")
        self.assertIn(name, made.stdout + made.stderr)
        self.ask_model()
        while self.totals() != 2:
            time.sleep(0.05)
        self.deploy("deploy.sh", "restore", name)
        self.assertEqual(self.totals(), 1)
        # What was there before is there as well.
        self.assertEqual(len(os.listdir(self.server / "backups")), 2)
        missing = self.run_here("deploy.sh", "restore", "nothing.sqlite")
        self.assertEqual(missing.returncode, 1)
        self.assertIn("there is no backup nothing.sqlite", missing.stderr)

    def test_the_server_builds_from_what_git_has(self):
        (self.checkout / "secret.sqlite").write_text("ignored by git")
        self.deploy("deploy-light.sh")
        self.assertEqual(self.ask("/"), "first pages")
        sent = (self.docker / "built-from").read_text().splitlines()
        self.assertIn("Cargo.lock", sent)
        self.assertNotIn("secret.sqlite", sent)
        self.assertNotIn(".git", sent)

    def test_pages_change_alone_and_only_for_pages(self):
        self.deploy()
        hub = self.containers("hub")
        self.pages("built-pages", "newer pages")
        self.deploy("deploy-fast.sh")
        self.assertEqual(self.ask("/"), "newer pages")
        self.commit()
        (self.folder / "built-pages/index.html").unlink()
        run = self.run_here("deploy-fast.sh")
        self.assertEqual(run.returncode, 1)
        self.assertEqual(self.ask("/"), "newer pages")
        self.assertEqual(self.containers("hub"), hub)

    def test_a_dry_run_only_tells(self):
        before = sorted(os.listdir(self.server))
        for script in "deploy.sh", "deploy-light.sh":
            run = self.deploy(script, "--dry-run")
            self.assertIn("on-server.sh put ", run.stdout)
        self.assertEqual(sorted(os.listdir(self.server)), before)

    def test_what_is_missing_is_said(self):
        (self.server / ".env").unlink()
        run = self.run_here("deploy.sh")
        self.assertEqual(run.returncode, 1)
        self.assertIn(f"{self.server}/.env is missing: copy .env.example", run.stderr)
        self.assertTrue((self.server / ".env.example").exists())
        run = self.run_here("deploy.sh", KIPINA_DEPLOY="/nowhere/deploy.env", LANG="fi_FI.UTF-8")
        self.assertIn("asetustiedostoa /nowhere/deploy.env ei ole", run.stderr)

    def test_a_server_with_another_key_is_not_spoken_to(self):
        other = (self.folder / "client-key.pub").read_text()
        for known in "", f"[127.0.0.1]:{self.ssh_port} {other}":
            (self.folder / "known_hosts").write_text(known)
            run = self.run_here("deploy.sh")
            self.assertEqual(run.returncode, 1)
            self.assertIn("host key", run.stderr)
            self.assertFalse((self.server / "on-server.sh").exists())


if __name__ == "__main__":
    unittest.main()
