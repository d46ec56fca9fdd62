#!/usr/bin/env python3
"""As much of `docker` as deploying uses, with processes in place of containers: a hub that was built here, and a real Caddy.

What a container is, its settings among it, is read from the compose file and the Dockerfile. Everything lies in the folder that
KIPINA_DOCKER names: `next-build` says which program and pages the next image has, `containers/ID/` what is known of each.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

import yaml

STATE = pathlib.Path(os.environ["KIPINA_DOCKER"])
IMAGES = STATE / "images"
CONTAINERS = STATE / "containers"


def settings(file):
    lines = pathlib.Path(file).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


class Image:
    def __init__(self, name):
        self.file = IMAGES / name.replace(":", "@")
        if not self.file.exists():
            sys.exit(f"no such image: {name}")
        built = json.loads(self.file.read_text())
        self.program, self.site, self.environment = built["program"], built["site"], built["environment"]


class Container:
    """One thing a file, since those who look and the process that keeps it running write at once."""

    def __init__(self, identity):
        self.identity = identity
        self.folder = CONTAINERS / identity
        if not self.folder.exists():
            sys.exit(f"no such container: {identity}")

    @classmethod
    def create(cls, service, image, restart, command, environment):
        CONTAINERS.mkdir(exist_ok=True)
        identity = f"{len(list(CONTAINERS.iterdir())) + 1:02}{time.time_ns():x}"
        (CONTAINERS / identity).mkdir()
        container = cls(identity)
        container.write(service=service, image=image, restart=restart, restarts="0", running="true")
        start = json.dumps({"command": command, "environment": environment})
        container.write(start=start)
        # What keeps it running outlives this call, as Docker's engine does.
        with open(container.folder / "log", "ab") as log:
            subprocess.Popen(
                [sys.executable, __file__, "keep", identity],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )
        return container

    def write(self, **values):
        for name, value in values.items():
            (self.folder / f"{name}.new").write_text(value)
            (self.folder / f"{name}.new").rename(self.folder / name)

    def read(self, name):
        return (self.folder / name).read_text()

    def is_running(self):
        return self.read("running") == "true"

    def keep(self):
        """Runs it, again and again if its restart policy says so."""
        start = json.loads(self.read("start"))
        while True:
            process = subprocess.Popen(start["command"], env=start["environment"])
            self.write(pid=str(process.pid))
            if (self.folder / "stop").exists():
                process.terminate()
            process.wait()
            if (self.folder / "stop").exists() or self.read("restart") == "no":
                break
            restarts = int(self.read("restarts")) + 1
            self.write(restarts=str(restarts))
            time.sleep(min(0.1 * 2**restarts, 5))
        self.write(running="false")

    def stop(self):
        (self.folder / "stop").touch()
        while self.is_running():
            try:
                os.kill(int(self.read("pid")), signal.SIGTERM)
                # A second signal would end a hub at once.
                self.wait(120)
            except (FileNotFoundError, ProcessLookupError):
                time.sleep(0.05)

    def wait(self, seconds):
        until = time.monotonic() + seconds
        while self.is_running() and time.monotonic() < until:
            time.sleep(0.02)

    def remove(self):
        shutil.rmtree(self.folder)


def containers(service):
    CONTAINERS.mkdir(exist_ok=True)
    found = (Container(name) for name in sorted(os.listdir(CONTAINERS)))
    return [container for container in found if container.read("service") == service]


class Compose:
    def __init__(self, arguments):
        self.settings = {}
        file = None
        while arguments[0].startswith("-"):
            option, value, *arguments = arguments
            if option == "--env-file":
                self.settings |= settings(value)
            elif option == "-f":
                file = value
        self.arguments = arguments
        self.services = self.interpolated(yaml.safe_load(pathlib.Path(file).read_text())["services"])
        self.image = self.services["hub"]["image"]

    def interpolated(self, given):
        if isinstance(given, dict):
            return {name: self.interpolated(value) for name, value in given.items()}
        if isinstance(given, list):
            return [self.interpolated(value) for value in given]

        def value(match):
            name, operator, other = match.groups()
            if self.settings.get(name):
                return self.settings[name]
            if operator == ":?":
                sys.exit(f"required variable {name} is missing a value: {other}")
            return other or ""

        return re.sub(r"\$\{(\w+)(?:(:-|:\?)([^}]*))?\}", value, given) if isinstance(given, str) else given

    def here(self, path):
        """Where a path of a container lies on this machine."""
        for volume in "/data", "/models", "/downloads", "/config":
            if path == volume or path.startswith(f"{volume}/"):
                return f"{STATE}{path}"
        return f".{path}" if path.startswith(("/frontend/", "/backups/")) else path

    def hub_environment(self):
        image = Image(self.image)
        given = image.environment | {k: str(v) for k, v in self.services["hub"]["environment"].items()}
        if given["STATIC_DIR"] == "/site":
            given["STATIC_DIR"] = image.site
        for folder in "data", "models", "downloads":
            (STATE / folder).mkdir(exist_ok=True)
        return {"PATH": os.environ["PATH"], **{name: self.here(value) for name, value in given.items()}}

    def caddy_environment(self):
        (STATE / "config").mkdir(exist_ok=True)
        given = {k: str(v) for k, v in self.services["caddy"]["environment"].items()}
        given["CADDY_ADMIN"] = given["CADDY_ADMIN"].replace("unix//config", f"unix/{STATE}/config")
        folders = {"XDG_DATA_HOME": str(STATE / "certificates"), "XDG_CONFIG_HOME": str(STATE / "config")}
        return {"PATH": os.environ["PATH"], **given, **folders}

    def run_(self):
        match self.arguments:
            case ["up", "-d", "--no-build", "--no-deps", *options, "hub"]:
                self.up_hub(options)
            case ["up", "-d", "--no-build", "--no-deps", "caddy"]:
                if not any(caddy.is_running() for caddy in containers("caddy")):
                    command = ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"]
                    Container.create("caddy", "caddy", "no", command, self.caddy_environment())
            case ["ps", "-q", *options, service]:
                for container in containers(service):
                    if "-a" in options or container.is_running():
                        print(container.identity)
            case ["ps"]:
                print("hub" if any(hub.is_running() for hub in containers("hub")) else "")
            case ["stop", service]:
                for container in containers(service):
                    container.stop()
            case ["rm", "-f", service]:
                for container in containers(service):
                    container.remove()
            case ["logs", "--tail", _, service]:
                for container in containers(service):
                    print(container.read("log")[-2000:])
            case ["run", "--rm", "--no-deps", "-T", "hub", *arguments]:
                self.in_hub(arguments)
            case ["exec", "-T", "caddy", "caddy", "reload", *_]:
                command = ["caddy", "reload", "--config", "Caddyfile", "--adapter", "caddyfile"]
                sys.exit(subprocess.run(command, env=self.caddy_environment()).returncode)
            case other:
                sys.exit(f"docker compose stand-in: {other}")

    def up_hub(self, options):
        match options:
            case ["--no-recreate", "--scale", scale]:
                wanted = int(scale.removeprefix("hub="))
            case []:
                # One of another version would be made anew.
                assert not containers("hub"), "a container that is there"
                wanted = 1
        service = self.services["hub"]
        while len(containers("hub")) < wanted:
            command = [Image(self.image).program, *service["command"]]
            Container.create("hub", self.image, service["restart"], command, self.hub_environment())

    def in_hub(self, arguments):
        command = [Image(self.image).program, *map(self.here, arguments)]
        sys.exit(subprocess.run(command, env=self.hub_environment()).returncode)


def build(dockerfile, name, folder):
    built = json.loads((STATE / "next-build").read_text())
    [environment] = re.findall(r"^ENV (.+)$", pathlib.Path(dockerfile).read_text(), re.MULTILINE)
    built["environment"] = dict(word.split("=", 1) for word in shlex.split(environment))
    (STATE / "built-from").write_text("\n".join(sorted(os.listdir(folder))))
    # Not there for whoever has not loaded it.
    (STATE / "built" / name.replace(":", "@")).write_text(json.dumps(built))
    if pathlib.Path(dockerfile).parent.name == "source":
        (IMAGES / name.replace(":", "@")).write_text(json.dumps(built))


def inspect(format, container):
    values = {
        "{{.State.Running}} {{.RestartCount}}": lambda: f"{container.read('running')} {container.read('restarts')}",
        "{{.Config.Image}}": lambda: container.read("image"),
    }
    print(values[format]())


def main():
    match sys.argv[1:]:
        case ["keep", identity]:
            Container(identity).keep()
        case ["info"] | ["compose", "version"]:
            pass
        case ["build", "-f", dockerfile, "-t", name, folder]:
            build(dockerfile, name, folder)
        case ["save", name]:
            print(json.dumps({"name": name, **json.loads((STATE / "built" / name.replace(":", "@")).read_text())}))
        case ["load"]:
            loaded = json.load(sys.stdin)
            (IMAGES / loaded.pop("name").replace(":", "@")).write_text(json.dumps(loaded))
        case ["image", "inspect", name]:
            Image(name)
        case ["image", "rm", name]:
            Image(name).file.unlink()
        case ["create", name]:
            Image(name)
            print(name)
        case ["cp", source, target]:
            name, path = source.rsplit(":", 1)
            assert path == "/site", path
            shutil.copytree(Image(name).site, target)
        case ["update", restart, *identities]:
            for identity in identities:
                Container(identity).write(restart=restart.removeprefix("--restart="))
        case ["inspect", "-f", format, identity]:
            inspect(format, Container(identity))
        case ["logs", "--tail", _, identity]:
            print(Container(identity).read("log")[-2000:])
        case ["exec", identity, "/kipina-hub", *arguments]:
            container = Container(identity)
            assert container.is_running()
            start = json.loads(container.read("start"))
            here = [f".{word}" if word.startswith("/backups/") else word for word in arguments]
            sys.exit(subprocess.run([start["command"][0], *here], env=start["environment"]).returncode)
        case ["rm", "-f", identity] if (CONTAINERS / identity).exists():
            Container(identity).stop()
            Container(identity).remove()
        case ["rm", *identities]:
            for identity in identities:
                # What `create` made is gone as it is.
                if (CONTAINERS / identity).exists():
                    assert not Container(identity).is_running()
                    Container(identity).remove()
        case ["compose", "--project-directory", ".", *rest]:
            Compose(rest).run_()
        case other:
            sys.exit(f"docker stand-in: {other}")


main()
