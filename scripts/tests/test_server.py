"""docs/OPERATIONS.md, word for word, on a machine that has nothing of Kipinä's and no network: its own mounts over this one's
system, its own network namespace, its own processes. Names of the reader's are `localhost`, and its certificate is trusted."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).parents[2]
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", pathlib.Path.home() / ".cache/kipina/target"))
MODELS = pathlib.Path.home() / ".cache/kipina/models"
MODEL = "smollm2-135m-instruct-q4_1.gguf"
CERTIFICATE = "/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt"
MANUAL = (ROOT / "docs/OPERATIONS.md").read_text()

# Lays a system over this one, and runs what the standard input says in it.
ELSEWHERE = """
set -eu
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$FOLDER/own,workdir=$FOLDER/work" "$FOLDER/root"
mount --rbind /dev "$FOLDER/root/dev"
mount -t proc proc "$FOLDER/root/proc"
mount -t tmpfs tmpfs "$FOLDER/root/run"
ip link set lo up
# As units are allowed to by AmbientCapabilities.
echo 0 >/proc/sys/net/ipv4/ip_unprivileged_port_start
exec chroot "$FOLDER/root" bash -euo pipefail
"""


def can_lay_over():
    if os.geteuid() != 0 or not shutil.which("caddy"):
        return False
    with tempfile.TemporaryDirectory() as folder:
        for name in "own", "work", "root":
            os.mkdir(f"{folder}/{name}")
        command = f"mount -t overlay overlay -o lowerdir=/,upperdir={folder}/own,workdir={folder}/work {folder}/root"
        return subprocess.run(["unshare", "--mount", "sh", "-c", command], capture_output=True).returncode == 0


def commands(heading):
    """The commands that stand under a heading, as one script."""
    section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#|\Z)", MANUAL, re.MULTILINE | re.DOTALL)[1]
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", section, re.MULTILINE)
    lines = "".join(blocks).splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines) + "\n"


@unittest.skipUnless(can_lay_over(), "this takes root, Caddy, and a kernel that lays folders over each other")
class Server(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        for name in "own/root", "own/usr/local/bin", "work", "root", "programs":
            (self.folder / name).mkdir(parents=True)
        self.tool("systemctl", (ROOT / "scripts/tests/systemctl_stand_in.py").read_text())
        # What it would install is here; what it is asked for is noted.
        self.tool("apt-get", '#!/bin/sh\necho "$*" >>/root/installed\n')
        for program in "kipina-hub", "kipina-node":
            built = TARGET / "debug" / program
            self.assertTrue(built.exists(), f"{built} is missing: cargo build -p hub -p native-node --bins")
            shutil.copy(built, self.folder / "programs")
        site = self.folder / "site"
        site.mkdir()
        (site / "index.html").write_text("the pages")
        packed = subprocess.run(
            [ROOT / "scripts/pack-server.sh", self.folder / "own/root"], check=True, capture_output=True, text=True,
            env={**os.environ, "PROGRAMS": str(self.folder / "programs"), "SITE": str(site)},
        )
        self.tarball = pathlib.Path(packed.stdout.strip())

    def tool(self, name, text):
        tool = self.folder / "own/usr/local/bin" / name
        tool.write_text(text)
        tool.chmod(0o755)

    def there(self, script):
        command = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "bash", "-c", ELSEWHERE]
        environment = {
            "PATH": f"/usr/local/bin:{os.environ['PATH']}",
            "HOME": "/root",
            "LANG": "C.UTF-8",
            "FOLDER": str(self.folder),
            "MODELS_DIR": str(MODELS),
            "CURL_CA_BUNDLE": CERTIFICATE,
            "SSL_CERT_FILE": CERTIFICATE,
        }
        script = f"cd /root\n{script}".replace("hub.example", "localhost")
        run = subprocess.run(command, input=script, env=environment, capture_output=True, text=True, timeout=300)
        self.assertEqual(run.returncode, 0, f"{script}\n{run.stdout[-3000:]}\n{run.stderr[-6000:]}")
        return run.stdout

    @unittest.skipUnless((MODELS / MODEL).exists(), "a model is missing: scripts/fetch-model.sh smollm2:135m")
    def test_from_an_empty_server_to_the_first_prompt_and_what_comes_after(self):
        first_prompt = commands("The first prompt")
        second_prompt = first_prompt[first_prompt.index("curl "):]
        # What was answered is written down a moment later.
        figures = "sleep 1; curl -s https://hub.example/api/stats; echo"
        said = self.there("\necho; echo ---\n".join([
            commands("An empty server"),
            first_prompt,
            figures,
            commands("A copy of the database") + "ls /var/lib/kipina/backups",
            "before=$(cat /run/units/kipina-hub.service.pid)\n" + commands("A newer version")
            + 'while [ -e "/proc/$before" ]; do sleep 0.1; done',
            second_prompt,
            figures,
            commands("Back to a copy") + "/opt/kipina/kipina-hub ready; curl -s https://hub.example/",
            figures,
            "systemd-analyze verify --man=no /etc/systemd/system/kipina-hub.service",
        ]))
        ready, first, at_first, copies, _, second, at_second, back, at_last, _ = said.split("\n---\n")
        self.assertIn("The hub is ready", ready)
        for answer in first, second:
            self.assertRegex(answer, r'"content":"[^"]+')
        self.assertRegex(copies, r"kipina-\d{4}-\d\d-\d\d\.sqlite")
        self.assertIn("The hub is ready", back)
        self.assertIn("the pages", back)
        # The node speaks, too.
        told = [re.search(r"^\{.*\}$", text, re.MULTILINE) for text in (at_first, at_second, at_last)]
        answered = [json.loads(found[0])["totals"]["prompts"] for found in told]
        self.assertEqual(answered[1:], [answered[0] + 1, answered[0]])

    def test_the_unit_lets_the_hub_do_no_more_than_it_must(self):
        unit = ROOT / "scripts/server/kipina-hub.service"
        command = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", str(unit)]
        run = subprocess.run(command, capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)


if __name__ == "__main__":
    unittest.main()
