# SPDX-License-Identifier: Apache-2.0
"""linnet-agent, run and asked over its control socket."""

import json
import re
import signal
import socket
import subprocess
import threading
import time

from drive import BUILD, linnet
from peers import Program

AGENT = BUILD / "bin/linnet-agent"
SECONDS = 40


class Refused(Exception):
    """The agent said no: args are its word and its sentence."""


def hook(folder, text):
    """An update hook of these lines of shell."""
    path = folder / "hook"
    path.write_text("#!/bin/sh\n" + text)
    path.chmod(0o755)
    return path


def problem(status, about):
    """The sentence about a matter, "" if there is no problem with it."""
    return next((p["text"] for p in status["problems"] if p["about"] == about), "")


class Agent:
    def __init__(self, folder, *options, state=None, env=None, prefix=(), program=AGENT, socket=None,
                 journal=None):
        self.folder = folder
        self.env = env
        self.socket = socket or folder / "agent.sock"
        if journal is not None:  # its stderr, which it is told to be the journal
            prefix = ["sh", "-c", f'exec 2>{journal}; JOURNAL_STREAM=$(stat -Lc %d:%i /dev/fd/2) exec "$0" "$@"']
        self.options = [*map(str, prefix), str(program), "--socket", str(self.socket),
                        "--state", str(state or folder / "state"), *map(str, options)]
        self.start()

    def start(self):
        self.program = Program(self.options, env=self.env)

    @property
    def log(self):
        return self.program.log

    def logged(self, text):
        """Until the log has it, for its pipe is read by another thread. True, or it fails."""
        return self.program.wait_for(re.escape(text), SECONDS) is not None

    def stop(self, number=signal.SIGTERM):
        """End it; the status."""
        self.program.process.send_signal(number)
        return self.ended()

    def ended(self):
        """Its status, when it has ended by itself."""
        try:
            status = self.program.process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it does not end: {self.log}") from None
        self.program.stop()
        return status

    def kill(self):
        """As a loss of power is to a process."""
        self.program.process.kill()
        self.program.process.wait(SECONDS)
        self.program.stop()

    # ---- the control socket ----

    def connect(self):
        """The socket is there when the agent runs, and nobody tells when: asked again, with a deadline."""
        deadline = time.monotonic() + SECONDS
        pause = threading.Event()
        while True:
            peer = socket.socket(socket.AF_UNIX)
            peer.settimeout(SECONDS)
            try:
                peer.connect(str(self.socket))
                return peer
            except (FileNotFoundError, ConnectionRefusedError):
                peer.close()
                assert self.program.process.poll() is None, f"the agent ended: {self.log}"
                assert time.monotonic() < deadline, f"no control socket: {self.log}"
                pause.wait(0.01)

    def lines(self, **request):
        """The lines of an answer, with the last one."""
        with self.connect() as peer, peer.makefile("rw") as stream:
            stream.write(json.dumps(request) + "\n")
            stream.flush()
            answer = []
            for line in stream:
                answer.append(json.loads(line))
                if answer[-1].get("done"):
                    break
        assert answer and answer[-1].get("done"), f"no whole answer: {answer}; {self.log}"
        if "error" in answer[-1]:
            raise Refused(answer[-1]["error"]["word"], answer[-1]["error"]["text"])
        return answer

    def ask(self, command, **members):
        return self.lines(command=command, **members)[-1]

    def get(self, path):
        return {line["path"]: line["value"] for line in self.lines(command="get", path=path)[:-1]}

    def wait(self, matches, seconds=SECONDS):
        """The first status that matches, over restarts of the agent too."""
        deadline = time.monotonic() + seconds
        last = None
        while time.monotonic() < deadline:
            with self.connect() as peer, peer.makefile("rw") as stream:
                peer.settimeout(max(0.1, deadline - time.monotonic()))
                try:
                    stream.write(json.dumps({"command": "status", "follow": True}) + "\n")
                    stream.flush()
                    for line in stream:
                        last = json.loads(line)
                        if matches(last):
                            return last
                except (ConnectionResetError, BrokenPipeError, TimeoutError):
                    pass
        raise AssertionError(f"it did not come; the last status: {last}; {self.log}")

    def wait_registered(self):
        return self.wait(lambda s: s["servers"] and s["servers"][0]["registered"])


# ---- what it tells of troubles: in its log, in `linnet status` and in its JSON ----

def page(agent):
    told = linnet("status", "--socket", agent.socket)
    assert told.status == 0, told.err
    return told.out


def assert_failure(agent, category, *words):
    """Of the one server, in all three places."""
    failure = agent.wait(lambda s: s["servers"][0]["failure"])["servers"][0]["failure"]
    assert failure["category"] == category, failure
    assert failure["advice"] and failure["advice"] in failure["line"], failure
    for word in words:
        assert word in failure["line"], failure
    assert agent.logged(failure["line"])
    shown = page(agent)
    assert f"FAILED: {category}" in shown and failure["advice"] in shown, shown


def assert_well(agent):
    """All of it is over, in all three places."""
    status = agent.wait(lambda s: s["servers"][0]["registered"] and not s["problems"])
    assert status["servers"][0]["failure"] is None
    shown = page(agent)
    assert "FAILED" not in shown and "problems" not in shown, shown


def assert_problem(agent, about, *words):
    text = problem(agent.wait(lambda s: problem(s, about)), about)
    for word in words:
        assert word in text, text
    assert agent.logged(text)
    assert f"{about}: {text}" in page(agent)
