"""Dockerfile.native and docker-compose.native.yml: what they name is there, and they say what the README does."""

import json
import pathlib
import re
import shutil
import subprocess
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


if __name__ == "__main__":
    unittest.main()
