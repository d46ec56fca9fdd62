#!/usr/bin/env python3
"""As much of `docker` as deploying uses, with processes in place of containers: a hub that was built here, and a real Caddy.

Everything lies in the folder that KIPINA_DOCKER names: `next-build` says which program and pages the next image has.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

STATE = pathlib.Path(os.environ["KIPINA_DOCKER"])
IMAGES = STATE / "images"


def settings(file):
    lines = pathlib.Path(file).read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def image_file(name):
    return IMAGES / name.replace(":", "@")


def image(name):
    if not image_file(name).exists():
        sys.exit(f"no such image: {name}")
    return json.loads(image_file(name).read_text())


def is_alive(service):
    try:
        os.kill(int((STATE / service).read_text()), 0)
        return True
    except (FileNotFoundError, ProcessLookupError):
        return False


def stop(service):
    if is_alive(service):
        os.kill(int((STATE / service).read_text()), signal.SIGTERM)
        while is_alive(service):
            time.sleep(0.02)


def start(service, command, environment):
    with open(STATE / f"{service}.log", "ab") as log:
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    (STATE / service).write_text(str(process.pid))


class Compose:
    def __init__(self, arguments):
        self.settings = {}
        while arguments and arguments[0].startswith("-"):
            option, value = arguments[0], arguments[1]
            if option == "--env-file":
                self.settings |= settings(value)
            arguments = arguments[2:]
        self.arguments = arguments
        self.version = self.settings.get("KIPINA_VERSION", "latest")

    def hub_environment(self):
        ours = ("ADMIN_PASSWORD", "NODE_API_KEY")
        return {
            "PATH": os.environ["PATH"],
            "PORT": (STATE / "hub-port").read_text(),
            "DATABASE_PATH": str(STATE / "data/kipina.sqlite"),
            "STATIC_DIR": self.here(self.settings["STATIC_DIR"]),
            "MODELS_DIR": str(STATE / "models"),
            "DRAIN": "finish",
            "DRAIN_SECONDS": "60",
            **{name: self.settings[name] for name in ours if self.settings.get(name)},
        }

    @staticmethod
    def here(path):
        """Where a path of the container lies on this machine."""
        return f".{path}" if path.startswith(("/frontend/", "/backups/")) else path

    def run(self):
        return getattr(self, self.arguments[0])(*self.arguments[1:])

    def up(self, *_):
        (STATE / "data").mkdir(exist_ok=True)
        runs = STATE / "hub-version"
        if not is_alive("hub") or runs.read_text() != self.version:
            stop("hub")
            program = image(f"kipina-hub:{self.version}")["program"]
            start("hub", [program], self.hub_environment())
            runs.write_text(self.version)
        if not is_alive("caddy"):
            environment = {
                "PATH": os.environ["PATH"],
                "SITE_ADDRESS": self.settings["SITE_ADDRESS"],
                "HUB_UPSTREAM": "127.0.0.1:" + (STATE / "hub-port").read_text(),
                "HTTP_PORT": (STATE / "http-port").read_text(),
                "HTTPS_PORT": self.settings["SITE_ADDRESS"].split(":")[1],
                "CADDY_ADMIN": "off",
                "XDG_DATA_HOME": str(STATE / "certificates"),
                "XDG_CONFIG_HOME": str(STATE / "certificates"),
            }
            start("caddy", ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"], environment)

    def ps(self, *options):
        print("hub" if "--services" in options and is_alive("hub") else "")

    def stop(self, service):
        stop(service)

    def logs(self, *_):
        print((STATE / "hub.log").read_text()[-2000:])

    def exec(self, _, service, *command):
        if service == "hub":
            if not is_alive("hub"):
                sys.exit("service hub is not running")
            self.in_hub(command[1:])

    def in_hub(self, arguments):
        program = image(f"kipina-hub:{self.version}")["program"]
        command = [program, *(self.here(argument) for argument in arguments)]
        sys.exit(subprocess.run(command, env=self.hub_environment()).returncode)

    def __getattr__(self, name):
        if name == "version":
            return lambda: None
        raise AttributeError(name)


def main():
    match sys.argv[1:]:
        case ["info"] | ["compose", "version"]:
            pass
        case ["build", "-f", dockerfile, "-t", name, folder]:
            assert pathlib.Path(dockerfile).exists(), dockerfile
            built = json.loads((STATE / "next-build").read_text())
            (STATE / "built-from").write_text("\n".join(sorted(os.listdir(folder))))
            IMAGES.mkdir(exist_ok=True)
            # Not there for whoever has not loaded it.
            (STATE / "built" / name.replace(":", "@")).write_text(json.dumps(built))
            if pathlib.Path(dockerfile).parent.name == "source":
                image_file(name).write_text(json.dumps(built))
        case ["save", name]:
            print(json.dumps({"name": name, **json.loads((STATE / "built" / name.replace(":", "@")).read_text())}))
        case ["load"]:
            loaded = json.load(sys.stdin)
            image_file(loaded.pop("name")).write_text(json.dumps(loaded))
        case ["image", "inspect", name]:
            image(name)
        case ["image", "rm", name]:
            image_file(name).unlink()
        case ["create", name]:
            image(name)
            print(name)
        case ["cp", source, target]:
            name, path = source.rsplit(":", 1)
            assert path == "/site", path
            shutil.copytree(image(name)["site"], target)
        case ["rm", _]:
            pass
        case ["compose", "--project-directory", ".", *rest]:
            compose = Compose(rest)
            if compose.arguments[0] == "run":
                compose.in_hub(compose.arguments[compose.arguments.index("hub") + 1 :])
            compose.run()
        case other:
            sys.exit(f"docker stand-in: {other}")


main()
