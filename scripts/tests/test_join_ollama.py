"""kipina-node.sh looks for Ollama: where, which, and what it does without."""

import functools
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

from join_support import LEAVE, SILENT, JoinTest, Ollama, Run, node

# What `ollama serve` does, where a test says so.
SERVER = """#!/bin/sh
echo "ollama $*" >>"$HOME/ollama-calls"
exec {python} -c '
import http.server, os, signal
# As a Go program does, whatever the shell that started it said.
signal.signal(signal.SIGINT, lambda *_: os._exit(0))
class Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
        self.wfile.write(b"{{\\"version\\":\\"0.13.0\\"}}" if self.path == "/api/version" else b"{{\\"models\\":[]}}")
http.server.HTTPServer(("127.0.0.1", {port}), Answers).serve_forever()
'
"""
MENU = r"Which one\? \[1\] $"


class Finding(JoinTest):
    def setUp(self):
        super().setUp()
        self.hub.release("0.1.0")

    def look(self, *urls, flags="", **more):
        return self.run_script(flags, KIPINA_OLLAMA_CANDIDATES=" ".join(urls), **more)

    def test_one_is_used(self):
        ollama = self.new_ollama()
        for place in range(3):
            urls = [SILENT] * 3
            urls[place] = ollama.url
            run = self.look(*urls)
            self.assert_runs(run, "0.1.0", OLLAMA_URL=ollama.url)
            self.assertIn(f"Using Ollama (0.12.6): {ollama.url}", run.err)
            self.assertIn("arguments: \n", run.out)

    def test_one_server_with_several_names_is_one(self):
        ollama = self.new_ollama()
        port = ollama.server_address[1]
        run = self.look(ollama.url, f"http://localhost:{port}", f"http://127.0.0.1:{port}/")
        self.assert_runs(run, "0.1.0", OLLAMA_URL=ollama.url)
        self.assertNotIn("Several", run.err)

    def test_of_several_the_first_is_used_where_nobody_can_be_asked(self):
        one, two = self.new_ollama(), self.new_ollama("0.13.0")
        run = self.look(SILENT, one.url, two.url)
        self.assert_runs(run, "0.1.0", OLLAMA_URL=one.url)
        self.assertIn(f"OLLAMA_URL: {one.url} {two.url}", run.err)

    def test_a_named_one_goes_before_all_others(self):
        one, two = self.new_ollama(), self.new_ollama("0.13.0")
        for named in two.url, two.url + "/", two.url.removeprefix("http://"):
            run = self.look(one.url, OLLAMA_URL=named)
            self.assert_runs(run, "0.1.0", OLLAMA_URL=two.url)

    def test_a_named_one_that_is_none(self):
        one = self.new_ollama()
        run = self.look(one.url, OLLAMA_URL=SILENT)
        self.assert_runs(run, "0.1.0", OLLAMA_URL=one.url)
        self.assertIn(f"OLLAMA_URL: nothing at {SILENT} answers as Ollama does", run.err)

    def test_a_named_one_may_still_be_starting(self):
        ollama = self.new_ollama()
        ready, ollama.answers = ollama.answers, {"/": b"Ollama is starting"}

        def starts_with_the_third_question():
            if ollama.asked.count("/api/version") == 3:
                ollama.answers = ready

        ollama.before_answering = starts_with_the_third_question
        self.assert_runs(self.look(SILENT, OLLAMA_URL=ollama.url), "0.1.0", OLLAMA_URL=ollama.url)

    def test_none_means_the_engine_where_nobody_can_be_asked(self):
        run = self.look(SILENT)
        self.assert_runs(run, "0.1.0")
        self.assertIn("arguments: --engine\n", run.out)
        self.assertIn("There is no Ollama: computing with the built-in engine.", run.err)

    def test_none_changes_nothing_of_what_was_asked_for(self):
        for flags in "--ollama", "--model llama3.2", "--model=llama3.2":
            self.assertIn(f"arguments: {flags}\n", self.look(SILENT, flags=flags).out)

    def test_wrong_answers_are_no_ollama(self):
        wrong = [
            {"/api/version": b"<html>0.12.6</html>"},
            {"/api/version": b'{"version":""}'},
            {"/api/version": b'["version"]'},
            {"/api/version": b'{"status":"ok"}'},
            {"/api/version": b'{"version":"0.1.0","protocol_version":1,"downloads":[]}'},
            {"/api/version": b"\0\xff" * 100_000},
            {"/": b"Ollama is running"},
        ]
        servers = [self.new_ollama(answers=answers) for answers in wrong]
        run = self.look(*(server.url for server in servers))
        self.assertIn("arguments: --engine\n", run.out)
        self.assertTrue(all("/api/version" in server.asked for server in servers))
        right = self.new_ollama(answers={"/api/version": b'{\n  "version" : "0.13.0-rc1"\n}'})
        self.assert_runs(self.look(*(server.url for server in servers), right.url), "0.1.0", OLLAMA_URL=right.url)

    def test_slow_ones_are_not_waited_for(self):
        released = threading.Event()
        self.addCleanup(released.set)
        slow = [self.new_ollama(before_answering=released.wait) for _ in range(2)]
        quick = self.new_ollama()
        self.assert_runs(self.look(*(server.url for server in slow), quick.url), "0.1.0", OLLAMA_URL=quick.url)

    def test_all_are_asked_at_once(self):
        # None answers before all were asked.
        everybody = threading.Barrier(4)
        servers = [self.new_ollama(f"0.13.{number}", before_answering=everybody.wait) for number in range(4)]
        self.addCleanup(everybody.abort)
        run = self.look(*(server.url for server in servers))
        self.assertIn(" ".join(server.url for server in servers), run.err)

    def test_is_not_looked_for_where_something_else_computes(self):
        ollama = self.new_ollama()
        for flags in "--engine", "--openai", "--model tiny.gguf", "--model=/m/tiny.gguf", "--help", "status":
            run = self.look(ollama.url, flags=flags)
            self.assertEqual(run.code, 0, run)
            self.assertNotIn("OLLAMA_URL", run.out)
        self.assertEqual(ollama.asked, [])
        for flags in "--install", "--ollama --slots 2":
            self.assert_runs(self.look(ollama.url, flags=flags), "0.1.0", OLLAMA_URL=ollama.url)

    def test_a_proxy_is_not_asked(self):
        ollama = self.new_ollama(address=("127.0.0.2", 0))
        run = self.look(ollama.url, http_proxy="http://127.0.0.1:9", no_proxy="127.0.0.1")
        self.assert_runs(run, "0.1.0", OLLAMA_URL=ollama.url)

    def test_with_wget_alone(self):
        ollama = self.new_ollama()
        self.give_tool("wget")
        script = self.folder / "kipina-node"
        script.write_bytes(self.hub.script(pathlib.Path(__file__).parents[1] / "join/kipina-node.sh"))
        (self.bin / "curl").unlink()
        run = self.run_script(command="bash kipina-node", KIPINA_OLLAMA_CANDIDATES=f"{SILENT} {ollama.url}")
        self.assert_runs(run, "0.1.0", OLLAMA_URL=ollama.url)


class AtATerminal(JoinTest):
    def setUp(self):
        super().setUp()
        self.hub.release("0.1.0")

    def test_a_menu_of_several(self):
        one, two = self.new_ollama(), self.new_ollama("0.13.0")
        cases = [
            ([(MENU, "2\n")], two.url),
            ([(MENU, "\n")], one.url),
            ([(MENU, "4\n"), (r"from 1 to 3\.\n.*\] $", "two\n"), (r"(from 1 to 3(.|\n)*){2}\] $", "1\n")], one.url),
        ]
        for answers, chosen in cases:
            run = self.run_at_terminal(answers, KIPINA_OLLAMA_CANDIDATES=f"{one.url} {two.url}")
            self.assert_runs(run, "0.1.0", OLLAMA_URL=chosen)
            self.assertIn(f"  1) {one.url} (Ollama 0.12.6)\n  2) {two.url} (Ollama 0.13.0)\n  3) no Ollama", run.out)

    def test_the_engine_is_on_the_menu(self):
        urls = f"{self.new_ollama().url} {self.new_ollama('0.13.0').url}"
        run = self.run_at_terminal([(MENU, "3\n")], KIPINA_OLLAMA_CANDIDATES=urls)
        self.assertIn("arguments: --engine\n", run.out)
        run = self.run_at_terminal([(MENU, "3\n"), (r"from 1 to 2\.\n", "1\n")], "--ollama", KIPINA_OLLAMA_CANDIDATES=urls)
        self.assertIn("arguments: --ollama\n", run.out)

    def test_ci_is_asked_nothing(self):
        urls = f"{self.new_ollama().url} {self.new_ollama('0.13.0').url}"
        self.assert_runs(self.run_at_terminal(CI="true", KIPINA_OLLAMA_CANDIDATES=urls), "0.1.0")

    def test_a_download_shows_how_far_it_is(self):
        self.assertRegex(self.run_at_terminal(flags="--engine").out, r"#+ +100\.0%")

    def test_leaving_at_the_question_leaves_nothing_behind(self):
        urls = f"{self.new_ollama().url} {self.new_ollama('0.13.0').url}"
        run = self.run_at_terminal([(MENU, LEAVE)], command=self.piped(), KIPINA_OLLAMA_CANDIDATES=urls)
        self.assertIn(run.code, (130, -2))
        self.assertNotIn("runs", run.out)
        self.assertEqual([path for path in self.data.iterdir() if path.name.startswith(".new")], [])

    def test_installing_is_declined(self):
        for answer in "\n", "n\n", "e\n":
            run = self.run_at_terminal([(r"Install Ollama\? \[y/N\] $", answer)])
            self.assert_runs(run, "0.1.0")
            self.assertIn("arguments: --engine\n", run.out)

    def test_installing_is_offered_in_finnish(self):
        run = self.run_at_terminal([(r"Asennetaanko Ollama\? \[k/E\] $", "\n")], LANG="fi_FI.UTF-8")
        self.assertIn("lasketaan omalla moottorilla", run.out)


class InstallingAndStarting(JoinTest):
    def setUp(self):
        super().setUp()
        self.hub.release("0.1.0")
        probe = Ollama()
        self.port = probe.server_address[1]
        probe.close()
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = SERVER.format(python=sys.executable, port=self.port)
        self.addCleanup(self.end_servers)

    def end_servers(self):
        found = subprocess.run(["pgrep", "-f", f'HTTPServer\\(\\("127.0.0.1", {self.port}'], capture_output=True, text=True)
        for process in found.stdout.split():
            os.kill(int(process), 15)

    def test_one_that_is_installed_is_started_and_stays(self):
        self.write_program("ollama", self.server)
        run = self.run_script(KIPINA_OLLAMA_CANDIDATES=f"{SILENT} {self.url}")
        self.assert_runs(run, "0.1.0", OLLAMA_URL=self.url)
        self.assertIn(f"Starting Ollama in the background. Its log: {self.data}/ollama.log", run.err)
        self.assertEqual((self.home / "ollama-calls").read_text(), "ollama serve\n")
        # It outlives the node, and the next run finds it.
        run = self.run_script(KIPINA_OLLAMA_CANDIDATES=self.url)
        self.assertNotIn("Starting", run.err)
        self.assert_runs(run, "0.1.0", OLLAMA_URL=self.url)

    def test_leaving_the_node_leaves_it_running(self):
        self.write_program("ollama", self.server)
        self.hub.release("0.2.0", node("0.2.0", "that stays\nexec sleep 60\n#"))
        run = self.run_at_terminal([("node 0.2.0 runs(.|\n)*HUB_URL=.*\n", LEAVE)], KIPINA_OLLAMA_CANDIDATES=self.url)
        self.assertIn("Starting Ollama", run.out)
        self.assertNotIn("Starting", self.run_at_terminal([("HUB_URL=.*\n", LEAVE)], KIPINA_OLLAMA_CANDIDATES=self.url).out)

    def test_one_that_does_not_start(self):
        self.write_program("ollama", "#!/bin/sh\necho 'no such device'\nexit 1\n")
        run = self.run_script(KIPINA_OLLAMA_CANDIDATES=self.url)
        self.assertIn(f"Ollama did not start. The reason may be in its log: {self.data}/ollama.log", run.err)
        self.assertIn("arguments: --engine\n", run.out)
        self.assertEqual((self.data / "ollama.log").read_text(), "no such device\n")

    def install(self, installer, **more):
        """Runs with a stand-in for ollama.com; the rest goes to curl itself."""
        curl = os.readlink(self.bin / "curl")
        (self.folder / "install.sh").write_text(installer)
        self.write_program("curl", f"""#!/bin/sh
for argument in "$@"; do
  if [ "$output" = next ]; then output="$argument"; fi
  if [ "$argument" = --output ]; then output=next; fi
done
case "$*" in
  *https://ollama.com/install.sh) cp {self.folder}/install.sh "$output" && printf 200 ;;
  *) exec {curl} "$@" ;;
esac
""")
        return self.run_at_terminal([(r"Install Ollama\? \[y/N\] $", "y\n")], KIPINA_OLLAMA_CANDIDATES=self.url, **more)

    def test_is_installed_where_that_is_wanted(self):
        (self.folder / "server").write_text(self.server)
        run = self.install(f'cp "{self.folder}/server" "{self.bin}/ollama" && chmod +x "{self.bin}/ollama"\n')
        self.assert_runs(run, "0.1.0", OLLAMA_URL=self.url)

    def test_an_installer_that_fails_leaves_the_engine(self):
        run = self.install("exit 1\n")
        self.assertIn("Installing Ollama did not work. It is also at https://ollama.com/download", run.out)
        self.assertIn("arguments: --engine\n", run.out)

    def test_on_a_mac_homebrew_installs_it(self):
        self.hub.release("0.1.0", platform="macos-arm64")
        self.write_program("uname", '#!/bin/sh\nif [ "$1" = -m ]; then echo arm64; else echo Darwin; fi\n')
        asked = [(r"Install Ollama\? \[y/N\] $", "y\n")]
        run = self.run_at_terminal(asked, KIPINA_OLLAMA_CANDIDATES=self.url)
        self.assertIn("Without Homebrew, Ollama is installed from https://ollama.com/download", run.out)
        self.assertIn("arguments: --engine\n", run.out)
        (self.folder / "server").write_text(self.server)
        self.write_program("brew", f'#!/bin/sh\n[ "$*" = "install ollama" ] && cp "{self.folder}/server" "{self.bin}/ollama" && chmod +x "{self.bin}/ollama"\n')
        self.assert_runs(self.run_at_terminal(asked, KIPINA_OLLAMA_CANDIDATES=self.url), "0.1.0", OLLAMA_URL=self.url)


# --- the usual places, on a machine of its own -------------------------------------------------------

HOSTS = {"localhost": "::1", "ollama": "127.0.0.2", "host.docker.internal": "127.0.0.3"}
LAN = "10.9.8.7"
# In this network the container called `ollama` starts late.
LATE = "ollama, late"
PLACES = {"localhost": "::1", "127.0.0.1": "127.0.0.1", "ollama": "127.0.0.2", "host.docker.internal": "127.0.0.3", LAN: LAN, LATE: "127.0.0.2"}


def network_of_its_own():
    """Whether a process may have a network and mounts of its own here."""
    tried = subprocess.run(["unshare", "-rnm", "ip", "link", "set", "lo", "up"], capture_output=True)
    return tried.returncode == 0


class Places(JoinTest):
    def test_every_usual_place(self):
        try:
            if not network_of_its_own():
                self.skipTest("this machine allows no network namespaces")
        except FileNotFoundError:
            self.skipTest("unshare or ip is not installed")
        for wanted in [[place] for place in PLACES] + [[], ["localhost", "ollama"], list(PLACES)[:-1]]:
            with self.subTest(wanted):
                command = ["unshare", "-rnm", sys.executable, __file__, json.dumps(wanted)]
                ended = subprocess.run(command, capture_output=True, text=True, timeout=100)
                self.assertEqual(ended.returncode, 0, ended.stderr)
                run = Run(**json.loads(ended.stdout))
                self.assert_runs(run, "0.1.0")
                if wanted:
                    # To curl, localhost is 127.0.0.1 as well.
                    place = wanted[0].replace("127.0.0.1", "localhost").replace(LATE, "ollama")
                    self.assert_runs(run, "0.1.0", OLLAMA_URL=f"http://{place}:11434")
                    self.assertEqual("Several" in run.err, len(wanted) > 1)
                else:
                    self.assertIn("arguments: --engine\n", run.out)


def run_with_ollama_at(places):
    """In a network of its own: nothing but this hub and these Ollamas answers."""
    for command in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "address", "add", f"{LAN}/24", "dev", "lo"],
        ["ip", "route", "add", "default", "via", "10.9.8.1", "dev", "lo"],
    ):
        subprocess.run(command, check=True)
    with tempfile.NamedTemporaryFile("w") as hosts:
        hosts.writelines(f"{address} {name}\n" for name, address in HOSTS.items())
        hosts.flush()
        subprocess.run(["mount", "--bind", hosts.name, "/etc/hosts"], check=True)
        test = JoinTest()
        test.setUp()
        test.hub.release("0.1.0")
        # Each with models of its own: they are several servers.
        for number, place in enumerate(places):
            start = functools.partial(Ollama, models=[str(number)], address=(PLACES[place], 11434))
            if place == LATE:
                threading.Timer(2, start).start()
            else:
                start()
        run = test.run_script(KIPINA_OLLAMA_CANDIDATES=None)
        test.doCleanups()
    print(json.dumps({"code": run.code, "out": run.out, "err": run.err}))


if __name__ == "__main__":
    run_with_ollama_at(json.loads(sys.argv[1]))
