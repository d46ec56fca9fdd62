#!/usr/bin/env python3
"""As much of `systemctl` as docs/OPERATIONS.md uses, for units that tell when they are ready; without systemd, and without its
sandbox. What runs is known in /run/units."""

import os
import pathlib
import pwd
import re
import shlex
import signal
import socket
import subprocess
import sys
import time

STATE = pathlib.Path("/run/units")
FOLDERS = [pathlib.Path("/etc/systemd/system"), pathlib.Path("/lib/systemd/system")]


def unit(name):
    """What the unit and its drop-ins say, by key: a list of values."""
    file = next(folder / name for folder in FOLDERS if (folder / name).exists())
    files = [file, *sorted((FOLDERS[0] / f"{name}.d").glob("*.conf"))]
    values = {}
    for line in "\n".join(file.read_text() for file in files).splitlines():
        if match := re.match(r"([A-Za-z]+)=(.*)", line):
            values.setdefault(match[1], []).append(match[2])
    return values


def environment(unit, user):
    given = {"PATH": os.environ["PATH"], "HOME": user.pw_dir, "USER": user.pw_name}
    for value in unit.get("Environment", []):
        given |= dict(word.split("=", 1) for word in shlex.split(value))
    for file in unit.get("EnvironmentFile", []):
        lines = pathlib.Path(file).read_text().splitlines()
        given |= dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))
    return given


class Service:
    def __init__(self, name):
        self.name = f"{name.removesuffix('.service')}.service"
        self.unit = unit(self.name)
        self.user = pwd.getpwnam(self.unit["User"][-1])
        self.pid = STATE / f"{self.name}.pid"

    def start(self):
        STATE.mkdir(exist_ok=True)
        for folder in " ".join(self.unit.get("StateDirectory", [])).split():
            path = pathlib.Path("/var/lib") / folder
            path.mkdir(mode=0o750, exist_ok=True)
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        # What hears of newer processes outlives this call.
        with open(STATE / f"{self.name}.log", "ab") as log:
            subprocess.Popen([__file__, "watch", self.name], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        until = time.monotonic() + 30
        while not self.pid.exists():
            if time.monotonic() > until:
                sys.exit(f"{self.name} is not ready: {(STATE / f'{self.name}.log').read_text()[-2000:]}")
            time.sleep(0.05)

    def watch(self):
        told = STATE / f"{self.name}.notify"
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        manager.bind(str(told))
        told.chmod(0o666)
        command = shlex.split(self.unit["ExecStart"][-1])
        ids = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        given = {**environment(self.unit, self.user), "NOTIFY_SOCKET": str(told)}
        # Whoever is replaced waits for nobody here.
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        process = subprocess.Popen(command, env=given, cwd="/", **ids)
        main = process.pid
        while True:
            message = manager.recv(4096).decode()
            for line in message.splitlines():
                if line.startswith("MAINPID="):
                    main = int(line.removeprefix("MAINPID="))
            if "READY=1" in message:
                self.pid.write_text(str(main))

    def main_process(self):
        return int(self.pid.read_text())

    def stop(self):
        if not self.pid.exists():
            return
        process = self.main_process()
        os.kill(process, signal.SIGTERM)
        while pathlib.Path(f"/proc/{process}").exists():
            time.sleep(0.05)
        self.pid.unlink()
        (STATE / f"{self.name}.notify").unlink()

    def reload(self):
        command = self.unit["ExecReload"][-1].replace("$MAINPID", str(self.main_process()))
        subprocess.run(shlex.split(command), check=True)


def main():
    match sys.argv[1:]:
        case ["daemon-reload"]:
            pass
        case ["enable", "--now", name] | ["start", name]:
            Service(name).start()
        case ["stop", name]:
            Service(name).stop()
        case ["restart", name]:
            Service(name).stop()
            Service(name).start()
        case ["reload", name]:
            Service(name).reload()
        case ["watch", name]:
            Service(name).watch()
        case other:
            sys.exit(f"systemctl stand-in: {other}")


main()
