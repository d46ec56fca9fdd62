"""The Dockerfiles and compose files: what they name is there, they build, and they say what the README does."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import unittest

try:
    import yaml
except ImportError:  # Debian: python3-yaml
    yaml = None

ROOT = pathlib.Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile.native").read_text()
WORKSPACE = tomllib.loads((ROOT / "Cargo.toml").read_text())["workspace"]


def instructions(name):
    whole_lines = DOCKERFILE.replace("\\\n", " ").splitlines()
    return [line.split(maxsplit=1)[1] for line in whole_lines if line.startswith(f"{name} ")]


def copied():
    """What the first stage takes from the repository: (sources, target)."""
    plain = [line.split() for line in instructions("COPY") if not line.startswith("--from=")]
    return [(words[:-1], words[-1]) for words in plain]


class Dockerfile(unittest.TestCase):
    def test_everything_that_is_copied_is_there_and_not_left_out(self):
        ignored = (ROOT / ".dockerignore").read_text().split()
        sources = [source for sources, _ in copied() for source in sources]
        self.assertGreater(len(sources), 5)
        for source in sources:
            self.assertTrue((ROOT / source).exists(), source)
            self.assertFalse({source, source.split("/")[0]} & set(ignored), f"{source} is in .dockerignore")

    def test_the_copied_workspace_is_one_that_cargo_reads(self):
        """Each member must be there, also those that are not built."""
        folders = {source for sources, _ in copied() for source in sources}
        self.assertEqual(set(WORKSPACE["members"]) - folders, set(), "members that are not copied")
        with tempfile.TemporaryDirectory() as folder:
            for sources, target in copied():
                for source in sources:
                    place = pathlib.Path(folder) / (source if target.endswith("/") else target)
                    if (ROOT / source).is_dir():
                        ignore = shutil.ignore_patterns("target", "node_modules")
                        shutil.copytree(ROOT / source, place, ignore=ignore)
                    else:
                        place.parent.mkdir(parents=True, exist_ok=True)
                        shutil.copy(ROOT / source, place)
            command = ["cargo", "metadata", "--format-version", "1", "--no-deps", "--offline"]
            read = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            self.assertEqual(read.returncode, 0, read.stderr)
            packages = {package["name"]: package for package in json.loads(read.stdout)["packages"]}
            programs = [target["name"] for target in packages["native-node"]["targets"] if "bin" in target["kind"]]
            self.assertEqual(programs, ["kipina-node"])
            self.assert_embedded_files_are_copied(pathlib.Path(folder))

    def assert_embedded_files_are_copied(self, folder):
        built = ["protocol", "engine", "node-core", "native-node"]
        for crate in built:
            for source in (folder / crate / "src").rglob("*.rs"):
                for embedded in re.findall(r'include_(?:str|bytes)!\("([^"]+)"\)', source.read_text()):
                    self.assertTrue((source.parent / embedded).exists(), f"{source.name} embeds {embedded}")

    def test_the_compiler_is_new_enough(self):
        minimum = WORKSPACE["package"]["rust-version"]
        self.assertEqual(instructions("FROM")[0], f"rust:{minimum}-alpine AS build")

    def test_the_program_runs_without_root_and_can_be_watched_and_stopped(self):
        self.assertEqual(instructions("ENTRYPOINT"), ['["kipina-node"]'])
        self.assertRegex(instructions("HEALTHCHECK")[0], r'CMD \["kipina-node", "status"\]$')
        self.assertEqual(instructions("STOPSIGNAL"), ["SIGTERM"])
        self.assertRegex(instructions("USER")[0], r"^[1-9][0-9]+$")
        last_copy = instructions("COPY")[-1]
        self.assertEqual(last_copy, "--from=build /out/kipina-node /usr/local/bin/kipina-node")


@unittest.skipIf(yaml is None, "python3-yaml is missing")
class Compose(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / "docker-compose.native.yml").read_text()
        self.compose = yaml.safe_load(self.text)
        self.services = self.compose["services"]

    def test_the_node_waits_for_an_ollama_that_is_well(self):
        self.assertEqual(set(self.services), {"ollama", "node"})
        ollama, node = self.services["ollama"], self.services["node"]
        self.assertIn("test", ollama["healthcheck"])
        self.assertEqual(node["depends_on"], {"ollama": {"condition": "service_healthy"}})
        self.assertEqual(node["environment"]["OLLAMA_URL"], "http://ollama:11434")
        self.assertEqual(node["command"], ["--ollama"])
        # Several models are the program's to tell apart, and which one it takes of itself is said there alone.
        self.assertEqual(node["environment"]["OLLAMA_MODEL"], "${OLLAMA_MODEL:-}")

    def test_the_node_is_built_from_the_dockerfile_beside_it(self):
        build = self.services["node"]["build"]
        self.assertTrue((ROOT / build["context"] / build["dockerfile"]).is_file())

    def test_without_a_hub_it_says_what_to_set(self):
        self.assertRegex(self.services["node"]["environment"]["HUB_URL"], r"^\$\{HUB_URL:\?.*wss://.*\}$")

    def test_models_outlive_a_container_and_nothing_else_is_written(self):
        for name, target in ("ollama", "/root/.ollama"), ("node", "/data"):
            self.assertEqual(self.services[name]["volumes"], [f"{name}:{target}"])
            self.assertIn(name, self.compose["volumes"])
        self.assertEqual(instructions("VOLUME"), ["/data"])
        self.assertTrue(self.services["node"]["read_only"])

    def test_no_port_of_the_machine_is_opened(self):
        for name, service in self.services.items():
            self.assertNotIn("ports", service, name)
            self.assertNotIn("network_mode", service, name)

    def test_the_variants_for_graphics_cards_fit_where_they_stand(self):
        for variant, expected in [
            (("deploy:", "capabilities: [gpu]"), "deploy"),
            (("devices:", "- /dev/dri"), "devices"),
        ]:
            lines = self.text.splitlines()
            first = next(i for i, line in enumerate(lines) if line.strip() == f"# {variant[0]}")
            last = next(i for i, line in enumerate(lines) if variant[1] in line)
            for number in range(first, last + 1):
                lines[number] = lines[number].replace("# ", "", 1)
            with_card = yaml.safe_load("\n".join(lines))["services"]["ollama"]
            self.assertIn(expected, with_card)


PROD = (ROOT / "Dockerfile.prod").read_text()


def can_build():
    if os.geteuid() != 0:
        return False
    with tempfile.TemporaryDirectory() as folder:
        for name in "own", "work", "root":
            os.mkdir(f"{folder}/{name}")
        command = f"mount -t overlay overlay -o lowerdir=/,upperdir={folder}/own,workdir={folder}/work {folder}/root"
        return subprocess.run(["unshare", "--mount", "sh", "-c", command], capture_output=True).returncode == 0


class Building(unittest.TestCase):
    """Every stage's commands, in their order, in folders of their own; a program that is built without optimisation is one too."""

    def build(self, dockerfile):
        if not can_build():
            self.skipTest("this takes root, and a kernel that lays folders over each other")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        folder = pathlib.Path(folder.name)
        tools = folder / "tools/usr/local/bin"
        tools.mkdir(parents=True)
        # Alpine's, whose packages are this machine's here.
        for name, command in [
            ("apk", '[ "$1 $2" = "add --no-cache" ]'),
            ("adduser", '[ "$1 $2 $4" = "-D -u -h" ] && useradd --uid "$3" --home-dir "$5" --create-home "$6"'),
        ]:
            (tools / name).write_text(f"#!/bin/sh\n{command}\n")
            (tools / name).chmod(0o755)
        run = subprocess.run(
            ["unshare", "--mount", sys.executable, ROOT / "scripts/tests/dockerfile_run.py", ROOT / dockerfile, ROOT,
             folder, folder / "tools"],
            env={**os.environ, "CARGO_PROFILE_DIST_OPT_LEVEL": "0", "CARGO_NET_OFFLINE": "false"},
            capture_output=True, text=True,
        )
        self.assertEqual(run.returncode, 0, f"{run.stdout[-2000:]}\n{run.stderr[-6000:]}")
        return folder / "final"

    def assert_names_components(self, file, *names):
        parts = json.loads(file.read_text())
        self.assertEqual(parts["bomFormat"], "CycloneDX")
        self.assertLessEqual(set(names), {part["name"] for part in parts["components"]})

    def test_the_hubs_image_runs_with_nothing_around_it(self):
        image = self.build("Dockerfile.prod")
        self.assertEqual(set(os.listdir(image)), {"kipina-hub", "sbom", "data", "site"})
        as_nobody = [shutil.which("chroot"), "--userspec=10001:10001", image, "/kipina-hub"]
        for argument, said in ("--version", "kipina-hub "), ("check", "The settings are fine: "):
            environment = dict(word.split("=", 1) for word in re.search(r"^ENV (.+)", PROD, re.MULTILINE)[1].split())
            run = subprocess.run([*as_nobody, argument], env={**environment, "LANG": "en_GB"}, capture_output=True, text=True)
            self.assertEqual(run.returncode, 0, run.stderr)
            self.assertIn(said, run.stdout)
        for name in "index.html", "index.html.br", "wasm/threads/node_bg.wasm", "wasm/threads/node_bg.wasm.br":
            self.assertTrue((image / "site" / name).is_file(), name)
        self.assert_names_components(image / "sbom/hub.cdx.json", "axum", "rusqlite")
        self.assert_names_components(image / "sbom/pages.cdx.json", "astro", "svelte", "dompurify")

    def test_the_nodes_image_has_its_program_and_what_that_is_made_of(self):
        image = self.build("Dockerfile.native")
        program = image / "usr/local/bin/kipina-node"
        self.assertTrue(os.access(program, os.X_OK))
        self.assert_names_components(image / "sbom/node.cdx.json", "candle-core", "rustls")


class ProductionDockerfile(unittest.TestCase):
    def test_the_compilers_are_new_enough(self):
        minimum = WORKSPACE["package"]["rust-version"]
        self.assertIn(f"FROM rust:{minimum}-bookworm AS source\n", PROD)
        setup = (ROOT / "scripts/lib/setup.sh").read_text()
        self.assertIn(f"FROM node:{re.search(r'^node_major=(.+)', setup, re.MULTILINE)[1]}-bookworm AS frontend\n", PROD)

    def test_the_hub_is_nobody_and_can_be_watched_and_stopped(self):
        self.assertRegex(PROD, r"\nUSER [1-9]\d+:[1-9]\d+\n")
        self.assertRegex(PROD, r'\nHEALTHCHECK .*CMD \["/kipina-hub", "ready"\]\n')
        self.assertIn("\nSTOPSIGNAL SIGTERM\n", PROD)
        self.assertIn("\nFROM scratch\n", PROD)


@unittest.skipIf(yaml is None, "python3-yaml is missing")
class ProductionCompose(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / "docker-compose.prod.yml").read_text()
        self.compose = yaml.safe_load(self.text)
        self.hub, self.caddy = self.compose["services"]["hub"], self.compose["services"]["caddy"]

    def test_what_must_be_set_is_asked_for_and_the_example_names_all_of_it(self):
        example = (ROOT / ".env.example").read_text()
        asked = set(re.findall(r"\$\{(\w+):\?", self.text))
        self.assertEqual(asked, {"ADMIN_PASSWORD", "SITE_ADDRESS"})
        named = set(re.findall(r"^(\w+)=", example, re.MULTILINE))
        taken = set(re.findall(r"\$\{(\w+)", self.text))
        self.assertEqual(named - taken, set(), "settings that nothing takes")
        self.assertLessEqual(asked | {"NODE_API_KEY"}, named)

    def test_the_hub_takes_its_settings(self):
        said = subprocess.run(["grep", "-ohE", r"^  [A-Z_]+ ", ROOT / "hub/src/help.rs"], capture_output=True, text=True).stdout
        self.assertEqual(set(self.hub["environment"]) - set(said.split()), set())

    def test_neither_can_write_more_than_it_must_or_get_what_it_has_not(self):
        for service in self.hub, self.caddy:
            self.assertTrue(service["read_only"])
            self.assertEqual(service["cap_drop"], ["ALL"])
            self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
            self.assertEqual(service["restart"], "unless-stopped")
            self.assertTrue(service["mem_limit"] and service["pids_limit"])
        writable = {volume for volume in self.hub["volumes"] if not volume.endswith(":ro")}
        self.assertEqual(writable, {"data:/data", "./backups:/backups"})
        self.assertEqual(self.caddy["cap_add"], ["NET_BIND_SERVICE"])

    def test_the_hub_can_be_taken_over_and_reached_through_caddy_alone(self):
        self.assertEqual(self.hub["command"], ["replace", "--or-start"])
        self.assertEqual(self.hub["network_mode"], "host")
        self.assertEqual(self.hub["environment"]["BIND"], "127.0.0.1")
        self.assertEqual(self.caddy["environment"]["HUB_UPSTREAM"], f"127.0.0.1:{self.hub['environment']['PORT']}")


if __name__ == "__main__":
    unittest.main()
