"""Builds a Dockerfile without an engine: each stage in a folder of its own, laid over this machine's system in place of the image
that it begins from, with the same commands in the same order. It takes root, and a kernel that lays folders over each other.

    unshare --mount python3 dockerfile_run.py DOCKERFILE CONTEXT FOLDER TOOLS

FOLDER gets `final`, which holds what the last stage put onto the image that it begins from. TOOLS is laid over this machine's
system too: commands that only those images have. What a stage keeps in ~/.cache/kipina it finds in this machine's.
"""

import fnmatch
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys


def instructions(text):
    """(name, arguments) of each, with lines that go on put together."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n", " ", "\n".join(lines))
    return [tuple(line.split(maxsplit=1)) for line in whole.splitlines() if line.strip()]


def left_out(context):
    """Whether .dockerignore keeps a path from the builder; the last line that fits decides."""
    rules = [line for line in (context / ".dockerignore").read_text().split("\n") if line and not line.startswith("#")]

    def is_left_out(path):
        out = False
        for rule in rules:
            pattern = rule.removeprefix("!")
            names = [path, *map(str, pathlib.PurePath(path).parents)]
            patterns = [pattern, pattern.removeprefix("**/")] if pattern.startswith("**/") else [pattern]
            if any(fnmatch.fnmatch(name, one) for name in names for one in patterns):
                out = not rule.startswith("!")
        return out

    return is_left_out


class Stage:
    def __init__(self, builder, base, name):
        self.builder = builder
        self.folder = builder.folder / f"stage-{len(builder.stages)}-{name or 'last'}"
        self.own = self.folder / "own"
        self.root = self.folder / "root"
        self.work = "/"
        self.environment = {}
        for folder in self.own, self.root, self.folder / "work":
            folder.mkdir(parents=True)
        if base == "scratch":
            self.root = self.own
            return
        # Layers can't lie within each other, so what a stage builds upon is copied.
        before = builder.stages.get(base)
        subprocess.run(["cp", "-a", f"{before.own if before else builder.tools}/.", self.own], check=True)
        if before:
            self.work = before.work
            self.environment = dict(before.environment)
        mount("-t", "overlay", "overlay", "-o",
              f"lowerdir=/,upperdir={self.own},workdir={self.folder}/work", self.root)
        mount("--rbind", "/dev", self.root / "dev")
        mount("-t", "proc", "proc", self.root / "proc")

    def path(self, inside):
        return self.root / os.path.join(self.work, inside).lstrip("/")

    def copy(self, words):
        options = [word for word in words if word.startswith("--")]
        *sources, target = [word for word in words if not word.startswith("--")]
        given = dict(option.removeprefix("--").split("=", 1) for option in options)
        stage = self.builder.stages[given["from"]] if "from" in given else None
        for source in sources:
            found = stage.path(source) if stage else self.builder.context / source
            assert found.exists(), f"COPY {source}: it is not there"
            place = self.path(target)
            if target.endswith("/"):
                place = place / found.name if not found.is_dir() else place
            place.parent.mkdir(parents=True, exist_ok=True)
            if found.is_dir():
                ignore = None if stage else self.builder.ignore
                shutil.copytree(found, place, ignore=ignore, symlinks=True, dirs_exist_ok=True)
            else:
                assert stage or not self.builder.is_left_out(source), f"COPY {source}: .dockerignore leaves it out"
                place = place / found.name if place.is_dir() else place
                shutil.copy2(found, place)
            if "chown" in given:
                user, group = map(int, given["chown"].split(":"))
                for path in [place, *place.rglob("*")]:
                    os.chown(path, user, group)

    def run(self, command):
        mounted = []
        while match := re.match(r"--mount=type=cache,target=(\S+)\s+", command):
            command = command[match.end():]
            target = self.root / match[1].lstrip("/")
            target.mkdir(parents=True, exist_ok=True)
            kept = self.builder.kept(match[1])
            kept.mkdir(parents=True, exist_ok=True)
            mount("--bind", kept, target)
            mounted.append(target)
        self.path(".").mkdir(parents=True, exist_ok=True)
        environment = {**self.builder.environment, **self.environment}
        shell = f"cd {shlex.quote(self.work)} && {command}"
        done = subprocess.run(["chroot", self.root, "/bin/sh", "-c", shell], env=environment)
        for target in reversed(mounted):
            subprocess.run(["umount", target], check=True)
        if done.returncode != 0:
            sys.exit(f"{self.folder.name}: exit code {done.returncode} of: {command}")


class Builder:
    def __init__(self, context, folder, tools):
        self.context, self.folder, self.tools = context, folder, tools
        self.stages = {}
        self.is_left_out = left_out(context)
        home = pathlib.Path.home()
        # What this machine needs to reach others, in whatever variables; nothing that changes a build.
        kept_back = ("CARGO_TARGET_DIR", "CARGO_ENCODED_RUSTFLAGS", "RUSTFLAGS")
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in kept_back},
            "HOME": "/root",
            "CARGO_HOME": os.environ.get("CARGO_HOME", str(home / ".cargo")),
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(home / ".rustup")),
        }

    def ignore(self, folder, names):
        inside = pathlib.Path(folder).relative_to(self.context)
        return [name for name in names if self.is_left_out(str(inside / name))]

    def kept(self, target):
        cache = pathlib.Path.home() / ".cache/kipina"
        return cache if target == "/root/.cache/kipina" else cache / "images" / target.strip("/").replace("/", "-")

    def build(self, text):
        stage = None
        for instruction, arguments in instructions(text):
            print(f"{instruction} {arguments}", flush=True)
            match instruction:
                case "FROM":
                    base, *name = re.split(r"\s+AS\s+", arguments)
                    stage = Stage(self, base, name[0] if name else None)
                    self.stages[name[0] if name else "last"] = stage
                case "WORKDIR":
                    stage.work = arguments
                    stage.path(".").mkdir(parents=True, exist_ok=True)
                case "COPY":
                    stage.copy(arguments.split())
                case "RUN":
                    stage.run(arguments)
                case "ENV":
                    stage.environment |= dict(word.split("=", 1) for word in shlex.split(arguments))
                case "USER" | "VOLUME" | "EXPOSE" | "STOPSIGNAL" | "HEALTHCHECK" | "ENTRYPOINT" | "CMD":
                    pass
                case other:
                    sys.exit(f"unknown instruction {other}")
        return stage


def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)


def main():
    dockerfile, context, folder, tools = (pathlib.Path(word).resolve() for word in sys.argv[1:])
    mount("--make-rprivate", "/")
    last = Builder(context, folder, tools).build(dockerfile.read_text())
    # The mounts go with this process; what was written stays.
    (folder / "final").symlink_to(last.own)


if __name__ == "__main__":
    main()
