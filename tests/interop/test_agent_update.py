# SPDX-License-Identifier: Apache-2.0
"""An update of linnet-agent that is cut: the agent is stopped, or killed, while its hook is at work. What
installs is not torn, what was torn is done again, and the outcome is reported exactly once."""

import os
import signal
import socket

import pytest
from agent import SECONDS, hook, problem

IMAGE = bytes(range(256)) * 12  # three blocks

# Says what it begins and ends; ends when the test opens the gate of its verb; says so if it is torn.
GATED = """
echo "begin $1" >> {folder}/trace
trap 'echo "torn $1" >> {folder}/trace; exit 9' TERM
test ! -e {folder}/gate-$1 || read -r answer < {folder}/gate-$1
echo "end $1" >> {folder}/trace
exit ${{answer:-0}}
"""


class Device:
    def __init__(self, lab, keyed, start_agent, folder, *options, gates=(), **how):
        self.lab, self.folder = lab, folder
        for verb in gates:
            os.mkfifo(folder / f"gate-{verb}")
        self.agent = start_agent(*keyed, "--hook", hook(folder, GATED.format(folder=folder)), *options, **how)
        self.agent.wait_registered()

    @property
    def trace(self):
        return (self.folder / "trace").read_text().splitlines()

    def pushed(self):
        assert self.lab.write("dev", "/5/0/0", IMAGE).code == "2.04"

    def install(self):
        self.pushed()
        self.agent.wait(lambda s: s["firmware"]["state"] == "downloaded")
        assert self.lab.execute("dev", "/5/0/2").code == "2.04"

    def installing(self):
        """Until the hook stands at its gate."""
        self.install()
        self.agent.wait(lambda s: s["firmware"]["hook"] == "install")

    def open_gate(self, verb, answer="0"):
        with open(self.folder / f"gate-{verb}", "w", encoding="ascii") as gate:  # until the hook reads
            gate.write(answer + "\n")

    def remove_gate(self, verb):
        (self.folder / f"gate-{verb}").unlink()

    def assert_result(self, result):
        self.agent.wait(lambda s: s["firmware"]["result_number"] == result)
        self.agent.wait_registered()
        assert (self.lab.read("dev", "/5/0/3").value, self.lab.read("dev", "/5/0/5").value) == (0, result)


@pytest.fixture
def device(lab, keyed, start_agent, tmp_path):
    def start(*options, **how):
        return Device(lab, keyed, start_agent, tmp_path, *options, **how)
    return start


@pytest.fixture
def manager(tmp_path):
    """The socket on which a service manager hears."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(tmp_path / "notify"))
        one.settimeout(SECONDS)
        yield one


def heard(manager, wanted):
    """The messages until one has this field."""
    seen = []
    while not seen or wanted not in seen[-1]:
        seen.append(manager.recv(4096).decode())
    return seen


# scenario: T17
def test_stopped_while_it_installs(device, lab, manager, tmp_path):
    one = device(gates=["install"], env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify")})
    one.installing()
    heard(manager, "READY=1")
    one.agent.program.process.send_signal(signal.SIGTERM)
    messages = heard(manager, "EXTEND_TIMEOUT_USEC=")
    assert any("STOPPING=1" in m for m in messages)
    extend = int(messages[-1].split("EXTEND_TIMEOUT_USEC=")[1].splitlines()[0])
    assert 900e6 < extend < 920e6  # install_timeout, and what follows it
    one.agent.program.wait_for("as soon as the hook has ended to install")
    one.agent.program.process.send_signal(signal.SIGTERM)  # who is impatient tears nothing either
    assert lab.read("dev", "/5/0/3").value == 3  # still there, and it says what it does
    mark = lab.mark()
    one.open_gate("install")
    assert one.agent.ended() == 0
    lab.wait("deregistered", "dev", since=mark)
    assert one.trace == ["begin verify", "end verify", "begin install", "end install"]
    one.agent.start()
    one.assert_result(1)
    assert one.trace[4:] == ["begin confirm", "end confirm"]
    one.agent.stop()
    one.agent.start()
    one.assert_result(1)
    assert len(one.trace) == 6  # once


# scenario: T17
def test_stopped_while_it_fails_to_install(device):
    one = device(gates=["install"])
    one.installing()
    one.agent.program.process.send_signal(signal.SIGTERM)
    one.agent.program.wait_for("as soon as the hook has ended to install")
    one.open_gate("install", "8")
    assert one.agent.ended() == 0
    one.agent.start()
    one.assert_result(8)
    assert one.trace[-1] == "end install"


def test_stopped_for_good_at_the_time_limit(device, tmp_path):
    config = tmp_path / "agent.ini"
    config.write_text("[firmware]\ninstall_timeout = 1\n")
    one = device("--config", config, gates=["install"])
    one.installing()
    assert one.agent.stop() == 0
    assert one.trace[-1] == "torn install" and one.agent.logged("took too long to install")
    one.agent.start()
    one.assert_result(8)


def test_stopped_while_it_verifies(device, lab):
    """Nothing is torn by that: it ends at once, and the server pushes anew."""
    one = device(gates=["verify"])
    one.pushed()
    one.agent.wait(lambda s: s["firmware"]["hook"] == "verify")
    assert one.agent.stop() == 0
    assert one.trace == ["begin verify"]
    one.remove_gate("verify")
    one.agent.start()
    one.assert_result(4)
    one.install()
    one.assert_result(1)


# scenario: T17
def test_killed_while_it_installs(device, tmp_path):
    """It is installed again, not taken for installed; and not for ever."""
    one = device(gates=["install"])
    one.installing()
    one.agent.kill()
    one.agent.start()
    one.agent.wait(lambda s: s["firmware"]["hook"] == "install")
    one.remove_gate("install")
    one.agent.kill()
    one.agent.start()
    one.assert_result(1)
    assert [line for line in one.trace if line.startswith("begin")] == [
        "begin verify", "begin install", "begin install", "begin install", "begin confirm"]
    os.mkfifo(tmp_path / "gate-install")
    one.installing()
    for _ in range(2):
        one.agent.kill()
        one.agent.start()
        one.agent.wait(lambda s: s["firmware"]["hook"] == "install")
    one.agent.kill()
    one.agent.start()
    one.assert_result(8)
    assert "cut off 3 times" in problem(one.agent.ask("status"), "hook")


# scenario: T17
def test_stopped_while_it_confirms(device, lab):
    """It is let to its end, and its answer is the outcome: after the next start nothing is asked again."""
    one = device(gates=["confirm"])
    one.install()
    one.agent.wait(lambda s: s["firmware"]["hook"] == "confirm" and s["servers"][0]["registered"])
    one.agent.program.process.send_signal(signal.SIGTERM)
    one.agent.program.wait_for("as soon as the hook has ended to confirm")
    mark = lab.mark()
    one.open_gate("confirm")
    assert one.agent.ended() == 0
    lab.wait("deregistered", "dev", since=mark)
    assert one.trace[4:] == ["begin confirm", "end confirm"]
    one.agent.start()
    one.assert_result(1)
    assert len(one.trace) == 6


# scenario: T17
def test_killed_while_it_confirms(device):
    """Nobody has heard its answer: it is asked again, and nothing is installed again."""
    one = device(gates=["confirm"])
    one.install()
    one.agent.wait(lambda s: s["firmware"]["hook"] == "confirm")
    one.agent.kill()
    one.remove_gate("confirm")
    one.agent.start()
    one.assert_result(1)
    assert [line for line in one.trace if line.startswith("begin")] == [
        "begin verify", "begin install", "begin confirm", "begin confirm"]


def test_started_by_who_ignores_children(device):
    """SIGCHLD is ignored by who starts the agent; it hears of its hook all the same."""
    one = device(prefix=["env", "--ignore-signal=CHLD"])
    one.install()
    one.assert_result(1)
    assert one.trace[-1] == "end confirm"
