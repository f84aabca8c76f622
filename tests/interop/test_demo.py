# SPDX-License-Identifier: Apache-2.0
"""scripts/demo tells its whole story, and leaves nothing behind however it ends."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from drive import BUILD, ROOT, linnet

SECONDS = 120

# In this order, each at the beginning of a line behind the time.
STORY = [
    "made a CA", "firmware server: nginx at https://", "LwM2M server: linnet-lab at coaps://",
    "registered over DTLS-PSK", "Device read", "Time observed", "firmware written by URI: https://",
    "[==============================] 100 %", "verified", "installing", "restarted",
    "registered again over DTLS-PSK, firmware 2.0", "Update Result 1"]


class Demo:
    """A run whose programs can be told from all others by their environment."""

    def __init__(self, folder, *options, path=None):
        self.mark = f"TMPDIR={folder}"
        self.folder = folder
        env = {**os.environ, "TMPDIR": str(folder)}
        if path is not None:
            env["PATH"] = f"{path}:{env['PATH']}"
        self.process = subprocess.Popen(
            [ROOT / "scripts/demo", "--no-setup", "--build", BUILD, *options], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lines = []

    def read_until(self, text):
        for line in self.process.stdout:
            self.lines.append(line[10:].rstrip() if line[6:10] == " s  " else line.rstrip())
            if text in line:
                return
        raise AssertionError(f"no '{text}' in {self.lines}: {self.process.stderr.read()}")

    def end(self):
        """The status, and what it said at last."""
        out, err = self.process.communicate(timeout=SECONDS)
        self.lines += [line[10:] for line in out.splitlines()]  # without the time
        return self.process.returncode, err

    def programs(self):
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (process / "environ").read_bytes().split(b"\0"):
                    found.append((process / "cmdline").read_text().replace("\0", " "))
            except OSError:
                continue  # it ended meanwhile
        return found


@pytest.fixture
def demo(tmp_path):
    running = []

    def start(*options, **how):
        running.append(Demo(tmp_path, *options, **how))
        return running[-1]
    yield start
    for one in running:
        one.process.kill()
        one.process.wait()
        one.process.stdout.close()
        one.process.stderr.close()


def assert_nothing_left(one):
    assert one.programs() == []
    assert list(one.folder.iterdir()) == []


def assert_story(lines):
    rest = iter(lines)
    for beginning in STORY:
        assert any(line.startswith(beginning) for line in rest), (beginning, lines)


# scenario: S48
def test_the_whole_story(demo):
    one = demo()
    status, err = one.end()
    assert (status, err) == (0, "")
    assert_story(one.lines)
    assert_nothing_left(one)


def test_kept_until_it_is_interrupted(demo):
    one = demo("--keep")
    one.read_until("Ctrl-C")
    assert_story(one.lines)
    assert len(one.programs()) >= 4  # itself, nginx, linnet-lab, the device
    name = next(line for line in one.lines if "LINNET_SOCKET=" in line).split("=")[1]
    shown = linnet("get", "--json", "--socket", name, "/3/0/3")
    assert shown.report["values"][0]["value"] == "2.0", shown.err
    one.process.send_signal(signal.SIGINT)
    assert one.end() == (0, "")
    assert_nothing_left(one)


def test_ended_in_the_middle(demo):
    one = demo()
    one.read_until("firmware written")
    one.process.send_signal(signal.SIGTERM)
    status, err = one.end()
    assert (status, err) == (130, "")
    assert_nothing_left(one)


def test_killed_in_the_middle(demo):
    """No chance to clean up: the kernel ends the others."""
    one = demo()
    one.read_until("firmware written")
    one.process.kill()
    one.end()
    deadline = time.monotonic() + SECONDS
    pause = threading.Event()
    while one.programs():
        assert time.monotonic() < deadline, one.programs()
        pause.wait(0.01)  # the end of processes that are not ours


def test_what_fails_is_told(demo, tmp_path_factory):
    broken = tmp_path_factory.mktemp("path")
    (broken / "openssl").write_text("#!/bin/sh\necho 'no entropy today' >&2\nexit 1\n")
    (broken / "openssl").chmod(0o755)
    one = demo(path=broken)
    status, err = one.end()
    assert status == 1
    assert err.strip() == "demo: openssl req: no entropy today"
    assert_nothing_left(one)


def test_usage():
    helped = subprocess.run([ROOT / "scripts/demo", "--help"], capture_output=True, text=True, check=True)
    assert "--keep" in helped.stdout and "--no-setup" in helped.stdout
    wrong = subprocess.run([ROOT / "scripts/demo", "--what"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "usage" in wrong.stderr
