# SPDX-License-Identifier: Apache-2.0
"""A systemd of our own, booted by systemd_boot.sh, with what the build installs in it."""

import json
import subprocess
import threading
import time
from pathlib import Path

from drive import BUILD
from peers import Program

BOOT = Path(__file__).resolve().parent / "systemd_boot.sh"
SECONDS = 60


def cgroup2():
    """Where this machine has it: alone, or beside the old one."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind = line.split()[:3]
        if kind == "cgroup2":
            return Path(place)
    raise AssertionError("no cgroup2 on this machine")


class System:
    def __init__(self):
        self.group = cgroup2() / f"linnet-{time.monotonic_ns()}"
        self.group.mkdir()
        self.program = Program([str(BOOT), str(self.group)])
        children = f"/proc/{self.program.process.pid}/task/{self.program.process.pid}/children"
        self.init = self.until(lambda: Path(children).read_text().split(), "its first process")[0]
        self.until(lambda: self.ask("systemctl", "is-system-running")[0] == 0, "a running system")
        self.run("cmake", "--install", str(BUILD), "--prefix", "/usr")
        self.run("systemctl", "daemon-reload")

    def until(self, what, name):
        """What systemd tells nobody outside of it: asked again, with a deadline. @return what it says then"""
        deadline = time.monotonic() + SECONDS
        pause = threading.Event()
        while True:
            told = what()
            if told:
                return told
            assert self.program.process.poll() is None, f"systemd ended: {self.program.log}"
            assert time.monotonic() < deadline, f"no {name}: {self.program.log}"
            pause.wait(0.05)

    def ask(self, *argv, text=None):
        """Run a program in it: (status, output)."""
        done = subprocess.run(
            ["nsenter", "--target", self.init, "--mount", "--pid", "--cgroup", "--ipc", "--uts", *argv],
            input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SECONDS, check=False)
        return done.returncode, done.stdout

    def run(self, *argv, text=None):
        """The same, and it goes well."""
        status, out = self.ask(*argv, text=text)
        assert status == 0, (argv, out, self.program.log)
        return out

    def write(self, path, text, mode="644"):
        self.run("sh", "-c", f"mkdir -p $(dirname {path}) && cat >{path} && chmod {mode} {path}", text=text)

    def show(self, unit, name):
        return self.run("systemctl", "show", "--property", name, "--value", unit).strip()

    def journal(self, unit):
        """Its entries, as they are now."""
        lines = self.run("journalctl", "--unit", unit, "--output", "json", "--no-pager").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    def stop(self):
        self.program.stop()
        groups = sorted(self.group.rglob("*/"), key=lambda path: -len(path.parts))
        for group in [*groups, self.group]:
            if group.is_dir():
                self.until_empty(group)
                group.rmdir()

    @staticmethod
    def until_empty(group):
        deadline = time.monotonic() + SECONDS
        pause = threading.Event()
        while "populated 1" in (group / "cgroup.events").read_text():
            assert time.monotonic() < deadline, f"processes are left in {group}"
            pause.wait(0.01)
